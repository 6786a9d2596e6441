#include "dialect/meta.h"

#include "dialect/json/strata_member.h"

namespace strata::dialect {
namespace {

// Header values must not break the header block; other bytes are left alone. No early end: the
// compiler takes 16 bytes a step.
std::string HeaderValue(std::string_view value) {
  std::string out(value);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    c = byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return out;
}

std::string_view RequestIdHeader(Dialect dialect) {
  switch (dialect) {
    case Dialect::kOpenAi:
      return "x-request-id";
    case Dialect::kAnthropic:
      return "request-id";
    case Dialect::kBedrock:
      return "x-amzn-requestid";
    case Dialect::kGemini:
      return "x-request-id";
  }
  return "x-request-id";
}

}  // namespace

HeaderList MetaHeaders(Dialect dialect, const AnswerMeta& meta) {
  constexpr std::size_t kHeadersMax = 4;
  HeaderList headers;
  headers.reserve(kHeadersMax);
  auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) headers.emplace_back(name, HeaderValue(value));
  };
  add(RequestIdHeader(dialect), meta.request_id);
  add("x-strata-trace-id", meta.trace_id);
  add("x-strata-trace-url", meta.trace_url);
  add("x-strata-demo", meta.demo_note);
  add("x-strata-model", meta.invoked_model_id);  // what a router let answer
  return headers;
}

void WriteStrataMember(JsonWriter& out, const AnswerMeta& meta) {
  if (!HasStrataMember(meta)) return;
  out.Key("strata").BeginObject();
  out.FieldIfAny("trace_id", meta.trace_id).FieldIfAny("trace_url", meta.trace_url);
  out.FieldIfAny("demo_note", meta.demo_note);
  if (meta.cost) out.Field("cost_usd", domain::FormatUsd(*meta.cost));
  out.EndObject();
}

bool HasStrataMember(const AnswerMeta& meta) {
  return !meta.trace_id.empty() || !meta.trace_url.empty() || !meta.demo_note.empty() || meta.cost;
}

}  // namespace strata::dialect
