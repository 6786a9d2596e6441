#include "job/trace_row.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "gateway/answer_capture.h"

namespace strata::job {
namespace {

const SpanRecord* RootOf(const observe::FinishedTrace& trace) {
  auto at = std::ranges::find_if(trace.spans, [](const auto& s) { return s.parent_id.empty(); });
  return at == trace.spans.end() ? nullptr : &*at;
}

// A field's text, "" when it is not there.
std::string FieldOf(const SpanRecord& span, std::string_view name) {
  for (const auto& [key, value] : span.fields) {
    if (key != name) continue;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* json = std::get_if<JsonText>(&value)) return json->text;
  }
  return {};
}

// Longer texts are cut at a character, of at most four bytes.
bool WasCut(std::string_view text) { return text.size() + 4 > gateway::kCaptureBytesMax; }

std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto end = std::min(text.find(','), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

Result<EvalRow> RowOfTrace(const observe::FinishedTrace& trace) {
  auto refuse = [&](std::string_view why) {
    return Fail(InvalidArgument("traces", fmt::format("{}: {}", trace.trace_id, why)));
  };
  const auto* root = RootOf(trace);
  if (root == nullptr) return refuse("its first span is missing");
  auto input = FieldOf(*root, "messages");
  if (input.empty()) {
    auto left_out = FieldOf(*root, "messages_left_out");
    if (!left_out.empty()) return refuse("the trace does not hold the request: " + left_out);
    auto question = FieldOf(*root, "question");
    if (question.empty()) return refuse("the trace holds no question");
    if (WasCut(question)) return refuse("the question is longer than what traces keep");
    input = "{\"question\":" + JsonString(question) + "}";
  } else {
    input = "{\"messages\":" + input + "}";
  }
  auto row = ParseEvalRow(input);
  if (!row.has_value()) return refuse(row.error().message());
  row->trace = trace.trace_id;
  row->subject = trace.subject;
  row->labels = SplitAtCommas(FieldOf(*root, "labels"));
  return row;
}

RouterTrial TrialOfTrace(const observe::FinishedTrace& trace) {
  auto at = std::ranges::find(trace.spans, "route.decide", &SpanRecord::name);
  if (at == trace.spans.end()) return {};
  return {FieldOf(*at, "ab_test"), FieldOf(*at, "ab_arm"), FieldOf(*at, "ab_unit")};
}

std::string AnswerOfTrace(const observe::FinishedTrace& trace) {
  const auto* root = RootOf(trace);
  auto answer = root == nullptr ? std::string() : FieldOf(*root, "answer");
  return WasCut(answer) ? std::string() : answer;
}

}  // namespace strata::job
