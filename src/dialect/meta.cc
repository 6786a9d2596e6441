#include "dialect/meta.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <ranges>

#include "dialect/cited_base.h"
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

// Boxes as PDF points, origin at the bottom left.
void WriteRegion(JsonWriter& out, const domain::PageRegion& region) {
  out.BeginObject().Field("page", region.page).Key("boxes").BeginArray();
  for (const auto& box : region.boxes) {
    out.BeginArray();
    for (const float edge : {box.x1, box.y1, box.x2, box.y2}) {
      out.Value(std::round(static_cast<double>(edge) * 100) / 100);
    }
    out.EndArray();
  }
  out.EndArray().EndObject();
}

void WritePlaces(JsonWriter& out, const std::vector<domain::Citation>& placed) {
  constexpr std::size_t kCitationsMax = 100;
  constexpr std::size_t kPagesMax = 32;
  out.Key("citations").BeginArray();
  for (const auto& citation : placed | std::views::take(kCitationsMax)) {
    out.BeginObject().Field("document_index", citation.document_index);
    out.FieldIfAny("source", citation.source_uri).FieldIfAny("title", citation.title);
    out.FieldIfAny("knowledge_base", CitedBase(citation));
    if (!citation.pages.empty()) {
      out.Key("pages").BeginArray();
      for (const auto& region : citation.pages | std::views::take(kPagesMax)) {
        WriteRegion(out, region);
      }
      out.EndArray();
    }
    out.EndObject();
  }
  out.EndArray();
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

void WriteStrataMember(JsonWriter& out, const AnswerMeta& meta,
                       const std::vector<domain::Citation>& placed) {
  if (!HasStrataMember(meta) && placed.empty()) return;
  out.Key("strata").BeginObject();
  out.FieldIfAny("trace_id", meta.trace_id).FieldIfAny("trace_url", meta.trace_url);
  out.FieldIfAny("demo_note", meta.demo_note);
  if (meta.cost) out.Field("cost_usd", domain::FormatUsd(*meta.cost));
  if (!placed.empty()) WritePlaces(out, placed);
  out.EndObject();
}

bool ShowsPlace(const domain::Citation& citation) {
  if (citation.chunk_id.empty()) return false;
  return !citation.pages.empty() || !CitedBase(citation).empty();
}

std::vector<domain::Citation> PlacedCitations(const std::vector<domain::ContentBlock>& content) {
  std::vector<domain::Citation> placed;
  for (const auto& block : content) {
    const auto* text = std::get_if<domain::TextBlock>(&block);
    if (text == nullptr) continue;
    std::ranges::copy_if(text->citations, std::back_inserter(placed), ShowsPlace);
  }
  return placed;
}

bool HasStrataMember(const AnswerMeta& meta) {
  return !meta.trace_id.empty() || !meta.trace_url.empty() || !meta.demo_note.empty() || meta.cost;
}

}  // namespace strata::dialect
