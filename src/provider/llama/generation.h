#pragma once
// One answer being generated: what the engine's thread writes and a request's coroutine reads.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "domain/conversation.h"
#include "domain/usage.h"

struct common_sampler;

namespace strata::provider::llama {

struct SamplerDeleter {
  void operator()(common_sampler* sampler) const;
};
using SamplerPtr = std::unique_ptr<common_sampler, SamplerDeleter>;

// What is to be generated.
struct GenerationRequest {
  std::vector<std::int32_t> prompt;  // at least one token, special ones included
  std::int64_t output_max = 0;       // tokens, at least 1
  std::vector<std::string> stop;
  bool logprobs = false;
  int top_logprobs = 0;
  SamplerPtr sampler;
  std::vector<std::int32_t> shown_special;  // control tokens that are part of the text (tools)
  // Only requests with the same key share cached prompt prefixes: what is cached, and so
  // cache_read_tokens, must not tell one caller what another one asked.
  std::string cache_key;
  SteadyTime deadline = SteadyTime::max();  // of the system's clock
  std::stop_token cancel;
};

// How an answer ended.
struct GenerationEnd {
  domain::StopReason reason = domain::StopReason::kEndTurn;
  std::string stop_sequence;
};

// Thread-safe. Shared by both sides; the engine lets go of it when the answer has ended.
class Generation {
 public:
  explicit Generation(std::int64_t prompt_tokens);

  // --- the request's coroutine, one at a time ---

  struct Step {
    std::string text;                            // may be empty
    std::vector<domain::TokenLogprob> logprobs;  // when asked for, of the tokens that are shown
    std::optional<GenerationEnd> end;
  };
  // Returns when the answer has a place and its prompt is being read. Errors: as Next.
  Task<Result<>> Admitted();
  // All text that is there, waiting for the first of it; with `end` set, the last of it.
  // Errors: kCancelled, kDeadlineExceeded, kUnavailable (shutting down), kInternal.
  Task<Result<Step>> Next();
  domain::Usage usage() const;
  // Nobody reads on: the engine gives the place to another. Wakes a reader with kCancelled.
  void Cancel();

  // --- the engine ---

  bool cancelled() const;
  void Admit(std::int64_t cached_tokens);
  using Logprobs = std::vector<domain::TokenLogprob>;
  // One generated token, and what may be shown now.
  void Add(std::string_view text, Logprobs logprobs = {});
  // What was held back, at the end.
  void AddRest(std::string_view text, Logprobs logprobs);
  void Finish(GenerationEnd end);
  void Fail(Error error);

 private:
  using Wake = std::move_only_function<void()>;
  Task<void> Wait();
  Wake TakeWaiter();  // with mutex_ held; call the result without it

  mutable std::mutex mutex_;
  Wake waiter_;
  bool admitted_ = false;
  bool admission_seen_ = false;
  bool cancelled_ = false;
  std::string text_;
  Logprobs logprobs_;
  std::optional<GenerationEnd> end_;
  std::optional<Error> error_;
  domain::Usage usage_;
};

}  // namespace strata::provider::llama
