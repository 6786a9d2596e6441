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
  std::string input(root->Text("messages"));
  if (input.empty()) {
    auto left_out = root->Text("messages_left_out");
    if (!left_out.empty())
      return refuse(fmt::format("the trace does not hold the request: {}", left_out));
    auto question = root->Text("question");
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
  row->labels = SplitAtCommas(root->Text("labels"));
  return row;
}

RouterTrial TrialOfTrace(const observe::FinishedTrace& trace) {
  auto at = std::ranges::find(trace.spans, "route.decide", &SpanRecord::name);
  if (at == trace.spans.end()) return {};
  return {std::string(at->Text("ab_test")), std::string(at->Text("ab_arm")),
          std::string(at->Text("ab_unit"))};
}

std::string AnswerOfTrace(const observe::FinishedTrace& trace) {
  const auto* root = RootOf(trace);
  auto answer = root == nullptr ? std::string_view() : root->Text("answer");
  return WasCut(answer) ? std::string() : std::string(answer);
}

}  // namespace strata::job
