#include "route/sql_check.h"

#include <algorithm>
#include <vector>

#include "store/sql_text.h"
#include "store/sql_trial.h"

namespace strata::route {
namespace {

constexpr std::string_view kFence = "```";

struct Statement {
  std::string text = {};
  std::string problem = {};
};

Statement StatementOf(std::string_view answer) {
  const auto open = answer.find(kFence);
  if (open == answer.npos) return {.text = std::string(answer)};
  const auto close = answer.find(kFence, open + kFence.size());
  if (close == answer.npos) return {.problem = "its fenced block does not end"};
  if (answer.find(kFence, close + kFence.size()) != answer.npos) {
    return {.problem = "it has more than one fenced block"};
  }
  auto block = answer.substr(open, close - open);
  // What follows the fence on its line is the language.
  const auto line = block.find('\n');
  block.remove_prefix(line == block.npos ? kFence.size() : line);
  return {.text = std::string(block)};
}

// Without what may be written in two ways: spaces and a semicolon at the end.
std::string Bare(std::string_view sql) {
  std::string out;
  for (char c : sql) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) out += c;
    if (space && !out.empty() && out.back() != ' ') out += ' ';
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == ';')) out.pop_back();
  return out;
}

Comparable ValueOf(std::string_view sql, std::vector<std::string> rows) {
  // The order counts where it was asked for, and there is one.
  const bool ordered = rows.size() > 1 && store::OrdersRows(sql);
  if (!ordered) std::ranges::sort(rows);
  std::string value(ordered ? "in order:" : "rows:");
  for (const auto& row : rows) value += row + '\n';
  return {AnswerForm::kRows, std::move(value)};
}

bool SaysNothing(const std::vector<std::string>& rows) {
  return std::ranges::all_of(rows, [](std::string_view row) {
    for (; row.starts_with("null,"); row.remove_prefix(5)) {
    }
    return row.empty();
  });
}

}  // namespace

SqlVerdict TryAnswer(const domain::ChatResponse& answer, const SqlSample& sample) {
  const auto form = ComparableOf(answer).form;
  if (form == AnswerForm::kNone) return {.problem = "the answer is not whole"};
  if (form == AnswerForm::kCalls) return {.problem = "the answer calls a tool"};
  auto statement = StatementOf(domain::TextOf(answer.content));
  if (!statement.problem.empty()) return {.problem = std::move(statement.problem)};
  auto trial = store::SqlTrial::Make(sample.schema, sample.rows);
  if (!trial.has_value()) {
    return {.problem = "the schema cannot be made", .detail = trial.error().message()};
  }
  Comparable itself{AnswerForm::kRows, "statement:" + Bare(statement.text)};
  if (sample.rows.empty()) {
    auto done = (*trial)->Prepare(statement.text);
    if (done.has_value()) return {.value = std::move(itself)};
    return {.problem = "the answer is no statement of the schema",
            .detail = done.error().message()};
  }
  auto rows = (*trial)->Run(statement.text);
  if (!rows.has_value()) {
    return {.problem = "the answer does not run on the sample", .detail = rows.error().message()};
  }
  if (SaysNothing(*rows)) return {.value = std::move(itself)};
  return {.value = ValueOf(statement.text, std::move(*rows))};
}

Result<> CheckSample(const SqlSample& sample) {
  STRATA_TRY([[maybe_unused]] auto made, store::SqlTrial::Make(sample.schema, sample.rows));
  return {};
}

}  // namespace strata::route
