#pragma once
// Shadow labels: of a small share of a router's requests another candidate is asked too, in the
// background, after the caller has the answer; both answers are judged, and the row is kept for
// `strata route refit`. Off unless the router's definition says `labels`, with a cap of dollars a
// day.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "base/rng.h"
#include "base/wait_group.h"
#include "gateway/answer_taker.h"
#include "job/eval_asker.h"
#include "learn/bootstrap.h"
#include "net/runtime.h"
#include "store/sql_file.h"

namespace strata::job {

struct ShadowLabel {
  WorkspaceId workspace;
  std::string router;   // its name
  std::string version;  // "router/mix:3"
  std::string trace;    // of the caller's request
  WallTime created;
  std::int64_t picousd = 0;  // of asking and judging
  // What the caller's answer and the strongest candidate's are worth, in [0, 1].
  double quality = 0, strong = 0;
  std::string subject;  // the end user, "" unknown; kept, not given back
  std::string row;      // a labelled row (route/outcome_rows.h); "": it could not be labelled
};

// Rows in eval.db. Thread-safe; `file` outlives it and has EvalMigrations.
class ShadowRows {
 public:
  static constexpr std::size_t kOfARouterMax = 20'000;  // beyond: the oldest go

  explicit ShadowRows(store::SqlFile& file) : file_(file) {}

  Task<Result<>> Add(ShadowLabel label);
  // JSON lines, oldest first.
  Task<Result<std::string>> Lines(std::string router, WorkspaceId workspace);
  // Those since `from`, and of older ones the last thousand, newest first, without their rows.
  Task<Result<std::vector<ShadowLabel>>> Latest(WallTime from);

 private:
  store::SqlFile& file_;
};

// What labels say of a version: the quality of what callers got against the strongest candidate's.
struct ShadowQuality {
  std::size_t labels = 0;
  learn::Interval ratio;  // 95 %
};

// Thread-safe.
class ShadowLabeler final : public gateway::AnswerTaker {
 public:
  static constexpr std::size_t kUnderWayMax = 8;  // beyond, requests are not labelled
  static constexpr std::size_t kRecent = 500;     // labels of a version that its quality is of
  static constexpr std::size_t kJudgedMin = 30;   // fewer say nothing

  explicit ShadowLabeler(store::SqlFile& file, const Clock& clock = SystemClock())
      : rows_(file), clock_(clock), rng_(SeedOf(clock)) {}
  ~ShadowLabeler() override { Stop(); }

  // From now on requests are taken; what `parts` refers to and `runtime` outlive Stop. Once.
  void Start(AskerParts parts, net::Runtime& runtime);
  // Cancels what is under way and waits for it.
  void Stop();

  bool Wants(const route::PolicyRouter& router, const route::Decision& decision,
             const RequestContext& ctx) override;
  void Take(gateway::AnsweredRequest answered) override;

  ShadowRows& rows() { return rows_; }
  bool idle() const { return under_way_.count() == 0; }  // nothing is under way
  // nullopt: fewer than kJudgedMin labels.
  std::optional<ShadowQuality> QualityOf(const WorkspaceId& workspace,
                                         const std::string& version) const;
  // Dollars of today (UTC); of labels under way what they are expected to cost.
  double SpentToday(const WorkspaceId& workspace, const std::string& router) const;

 private:
  struct Asked;
  struct Judged;
  using Key = std::pair<std::string, std::string>;  // workspace, and a router or a version of one

  static std::uint64_t SeedOf(const Clock& clock);
  Task<void> LoadPast(WaitGroup::Ticket ticket);
  Task<void> LabelOne(WaitGroup::Ticket ticket, std::shared_ptr<gateway::AnsweredRequest> answered);
  Task<ShadowLabel> Label(const gateway::AnsweredRequest& answered, std::size_t other,
                          WallTime now);
  Task<Asked> Ask(const gateway::AnsweredRequest& answered, domain::ChatRequest request,
                  std::string_view part) const;
  Task<Judged> Judge(const gateway::AnsweredRequest& answered, const domain::ChatResponse& other,
                     std::size_t other_candidate, std::string text) const;
  std::optional<std::size_t> PickOther(const gateway::AnsweredRequest& answered);
  std::optional<std::int64_t> Reserve(const gateway::AnsweredRequest& answered, std::size_t other,
                                      WallTime now);
  void Settle(const ShadowLabel& label, std::int64_t reserved);

  ShadowRows rows_;
  const Clock& clock_;
  std::optional<AskerParts> parts_;
  net::Runtime* runtime_ = nullptr;
  std::stop_source stop_;
  mutable std::mutex mutex_;
  Rng rng_;
  bool ready_ = false;
  WaitGroup under_way_;
  std::int64_t day_ = 0;                                         // since 1970, of `spent_`
  std::map<Key, std::int64_t> spent_;                            // picousd, with what is reserved
  std::map<Key, std::deque<std::pair<double, double>>> recent_;  // quality, strong; oldest first
};

}  // namespace strata::job
