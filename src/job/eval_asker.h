#pragma once
// Asks one target one row of an evaluation set, through the pipeline that every request takes, and
// has the answer judged. Each call has a trace and ledger rows of its own, with the tags
// eval=RUN and eval_part=answer or judge.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/labels.h"
#include "base/pool.h"
#include "base/task.h"
#include "gateway/chat_service.h"
#include "gateway/request_scope.h"
#include "job/eval_runs.h"
#include "provider/registry.h"
#include "store/keys.h"

namespace strata::job {

// As the configuration in force has it.
struct CallSettings {
  std::chrono::milliseconds timeout{600'000};
  Texts texts = Texts::kKept;  // of traces
};

struct AskerParts {  // all outlive it
  const gateway::ChatService& chat;
  const gateway::TraceSinks& trace_sinks;
  const provider::Registry& registry;
  const store::KeyStore& keys;
  std::shared_ptr<const vector::StaticEmbedder> embedder;  // null: kEmbedding gives 0
  Pool& pool;                                              // judges that only compute
  std::function<CallSettings()> settings;
  // Where the request's model is a stored prompt, puts the row's variables into it; the one that
  // the row does not give takes its question, which is not sent again then. Leaves other requests
  // as they are. kNotFound: no such prompt; kInvalidArgument: variables that do not fit. Unset: no
  // model is a prompt.
  std::function<Result<>(domain::ChatRequest&, const EvalRow&, const WorkspaceId&)> as_prompt = {};
};

// Thread-safe.
class EvalAsker {
 public:
  explicit EvalAsker(AskerParts parts) : parts_(std::move(parts)) {}

  // An answer that fails for another reason than `stop` is a case too, judged 0. What may help is
  // tried three times. kCancelled: `stop`.
  Task<Result<EvalCase>> Run(const EvalRun& run, const EvalRow& row, std::size_t target,
                             std::stop_token stop) const;

  // Has a model judge the row's graded answer number `answer`. kCancelled: `stop`.
  struct Checked {
    HumanCheck check;
    std::int64_t picousd = 0;
  };
  Task<Result<Checked>> Check(const EvalRun& run, const EvalRow& row, std::size_t judge,
                              std::size_t answer, std::stop_token stop) const;

 private:
  struct Asked;
  Task<Result<Asked>> Ask(const EvalRun& run, domain::ChatRequest request, LabelSet labels,
                          std::string_view part, std::stop_token stop) const;
  Task<void> AskOnce(const EvalRun& run, domain::ChatRequest request, const LabelSet& labels,
                     std::string_view part, std::stop_token stop, Asked& asked) const;
  Task<Result<>> HaveJudged(const EvalRun& run, const EvalRow& row, Asked asked,
                            std::stop_token stop, EvalCase& out) const;

  AskerParts parts_;
};

}  // namespace strata::job
