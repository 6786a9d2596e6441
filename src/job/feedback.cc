#include "job/feedback.h"

#include <fmt/format.h>

namespace strata::job {
namespace {

constexpr std::string_view kColumns =
    "id, trace, key, model, value, weight, metadata, created, test, arm, unit FROM feedback";

Result<std::vector<Feedback>> FeedbackOf(store::Statement& row) {
  std::vector<Feedback> out;
  while (true) {
    STRATA_TRY(bool more, row.Step());
    if (!more) return out;
    Feedback feedback;
    feedback.id = row.Text(0);
    feedback.trace = row.Text(1);
    feedback.key.value = row.Text(2);
    feedback.model = row.Text(3);
    feedback.value = row.Real(4);
    feedback.weight = row.Real(5);
    feedback.metadata.text = row.Text(6);
    feedback.created = FromUnixMicros(row.Integer(7));
    feedback.test = row.Text(8);
    feedback.arm = row.Text(9);
    feedback.unit = row.Text(10);
    out.push_back(std::move(feedback));
  }
}

}  // namespace

std::optional<double> ScoreOf(const std::vector<Feedback>& feedback) {
  double praise = 0, all = 0;
  for (const auto& f : feedback) {
    if (f.value == 0) continue;
    all += f.weight;
    if (f.value > 0) praise += f.weight;
  }
  return all > 0 ? std::optional(praise / all) : std::nullopt;
}

Task<Result<Feedback>> Feedbacks::Add(Feedback feedback, WorkspaceId workspace) {
  feedback.id = NewResourceId();
  feedback.created = clock_.Wall();
  auto work = [&](store::Database& database) -> Result<> {
    STRATA_TRY(auto count,
               database.Integer("SELECT COUNT(*) FROM feedback WHERE workspace = ? AND trace = ?",
                                workspace.value, feedback.trace));
    if (count.value_or(0) >= static_cast<std::int64_t>(kOfATraceMax)) {
      return Fail(Code::kTooLarge, fmt::format("a trace takes at most {} feedbacks", kOfATraceMax));
    }
    return database.Run(
        "INSERT INTO feedback(id, workspace, trace, key, model, value, weight, metadata, created, "
        "test, arm, unit, subject) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
        feedback.id, workspace.value, feedback.trace, feedback.key.value, feedback.model,
        feedback.value, feedback.weight, feedback.metadata.text, ToUnixMicros(feedback.created),
        feedback.test, feedback.arm, feedback.unit, feedback.subject);
  };
  STRATA_CO_CHECK_OK(co_await file_.Write(std::move(work)));
  co_return feedback;
}

Task<Result<std::vector<Feedback>>> Feedbacks::OfTrace(std::string trace, WorkspaceId workspace) {
  auto work = [&](store::Database& database) -> Result<std::vector<Feedback>> {
    STRATA_TRY(auto row,
               database.Prepare(fmt::format(
                   "SELECT {} WHERE workspace = ? AND trace = ? ORDER BY sequence", kColumns)));
    row.Bind(1, workspace.value).Bind(2, trace);
    return FeedbackOf(row);
  };
  co_return co_await file_.Read(std::move(work));
}

Task<Result<TrialOutcomes>> Feedbacks::OfTest(std::string test, WorkspaceId workspace) {
  auto work = [&](store::Database& database) -> Result<TrialOutcomes> {
    STRATA_TRY(auto row,
               database.Prepare("SELECT arm, SUM(CASE WHEN value > 0 THEN weight ELSE 0 END) / "
                                "SUM(weight), COUNT(*) FROM feedback WHERE test = ? AND workspace "
                                "= ? AND value <> 0 AND weight > 0 GROUP BY arm, unit"));
    row.Bind(1, test).Bind(2, workspace.value);
    TrialOutcomes out;
    while (true) {
      STRATA_TRY(bool more, row.Step());
      if (!more) return out;
      bool on_trial = row.Text(0) == "b";
      (on_trial ? out.b : out.a).push_back(row.Real(1));
      (on_trial ? out.feedback_b : out.feedback_a) += static_cast<std::size_t>(row.Integer(2));
    }
  };
  co_return co_await file_.Read(std::move(work));
}

Task<Result<std::vector<Feedback>>> Feedbacks::List(Which which, std::size_t limit,
                                                    WorkspaceId workspace) {
  auto work = [&](store::Database& database) -> Result<std::vector<Feedback>> {
    STRATA_TRY(auto row, database.Prepare(fmt::format(
                             "SELECT {} WHERE workspace = ?{} ORDER BY sequence DESC LIMIT ?",
                             kColumns, which == Which::kBlame ? " AND value < 0" : "")));
    row.Bind(1, workspace.value).Bind(2, limit);
    return FeedbackOf(row);
  };
  co_return co_await file_.Read(std::move(work));
}

}  // namespace strata::job
