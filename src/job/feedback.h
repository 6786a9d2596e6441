#pragma once
// What users say of answers, by trace.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/span.h"
#include "base/task.h"
#include "store/sql_file.h"

namespace strata::job {

struct Feedback {
  std::string id;
  std::string trace;
  KeyId key;          // who handed it in
  std::string model;  // as the request had asked
  double value = 0;   // −10 to 10; above 0 is praise, below it blame
  double weight = 1;  // 0 to 1
  JsonText metadata;  // an object, "" for none
  // Of a test of two versions of a router that the trace was part of, "" without one.
  std::string test, arm, unit;
  std::string subject;  // the end user whose trace it is, "" unknown; kept, not given back
  WallTime created;
};

// Of one trace's feedback: the weighted share of praise among praise and blame; nullopt without
// either.
std::optional<double> ScoreOf(const std::vector<Feedback>& feedback);

// What is said of the two arms of a test, one number a unit (a session, a user): the weighted share
// of praise among its praise and blame.
struct TrialOutcomes {
  std::vector<double> a, b;
  std::size_t feedback_a = 0, feedback_b = 0;
};

// Thread-safe. `file` outlives it and has EvalMigrations.
class Feedbacks {
 public:
  static constexpr std::size_t kOfATraceMax = 100;
  static constexpr std::size_t kMetadataBytesMax = 16 * 1024;

  explicit Feedbacks(store::SqlFile& file, const Clock& clock = SystemClock())
      : file_(file), clock_(clock) {}

  // Gives it an id. kTooLarge: kOfATraceMax.
  Task<Result<Feedback>> Add(Feedback feedback, WorkspaceId workspace);
  Task<Result<std::vector<Feedback>>> OfTrace(std::string trace, WorkspaceId workspace);
  Task<Result<TrialOutcomes>> OfTest(std::string test, WorkspaceId workspace);
  // Newest first; `blame`: only what is below 0.
  enum class Which : std::uint8_t { kAll, kBlame };
  Task<Result<std::vector<Feedback>>> List(Which which, std::size_t limit, WorkspaceId workspace);

 private:
  store::SqlFile& file_;
  const Clock& clock_;
};

}  // namespace strata::job
