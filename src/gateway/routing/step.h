#pragma once
// One model call of a plan that makes several: with a context of its own, as others may run beside
// it, and its whole answer kept.

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "provider/chat_model.h"

namespace strata::gateway {

// Belongs to one io thread. Shared by the request's coroutine and the one that runs the step.
class Step {
 public:
  Step(std::shared_ptr<provider::ChatModel> model, std::string role, RequestContext& request);
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
  ~Step();

  // Runs all at once to their ends; one that fails stops the others. What they cost is the
  // request's.
  static Task<void> RunAll(const std::vector<std::shared_ptr<Step>>& steps,
                           const domain::ChatRequest& request);

  const provider::ChatModel& model() const { return *model_; }
  // Before the run: what the request is compared with is said on one step's rows only.
  void CompareWith(std::optional<Baseline> strong, std::optional<Baseline> cheap) {
    own_.always_strong = strong;
    own_.always_cheap = cheap;
  }
  // Before the run: a second sample of one model must be able to differ from its first.
  void SampleAtLeastAt(double temperature) { temperature_ = temperature; }
  // Before the run: with the log-probabilities of its tokens, in its answer alone.
  void AskForLogprobs() { logprobs_ = true; }
  // After the run: either an error, or all events of a whole answer.
  const std::optional<Error>& error() const { return error_; }
  std::vector<domain::StreamEvent> TakeEvents();
  const domain::ChatResponse& answer() const { return answer_.response(); }

  // What became of one whose answer nobody gets, for its span: "agrees", "differs", "failed", …
  // The call is recorded as it ended.
  void Settle(std::string_view outcome);
  // Its answer stands; whoever reads it says with Record what became of it.
  void Stand();
  // As ChatStream::Record.
  Result<> Record(const Error* blocked);

 private:
  static Task<void> Run(std::shared_ptr<Step> self, domain::ChatRequest request);
  Task<Result<>> Collect(domain::ChatRequest request);
  void HandUp();

  struct Stop {
    std::stop_source* source;
    void operator()() const { source->request_stop(); }
  };

  const std::shared_ptr<provider::ChatModel> model_;
  RequestContext* request_;  // null: the request's coroutine is gone
  std::stop_source stop_;
  RequestContext own_;
  std::optional<std::stop_callback<Stop>> on_client_gone_;
  std::optional<double> temperature_;
  bool logprobs_ = false;
  std::vector<domain::StreamEvent> events_;
  domain::StreamAccumulator answer_;
  std::unique_ptr<provider::ChatStream> stream_;  // read to its end; where a guardrail judges it
  std::optional<Error> error_;
  bool done_ = false;
};

}  // namespace strata::gateway
