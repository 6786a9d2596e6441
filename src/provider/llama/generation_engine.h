#pragma once
// Generates many answers at once with one model: one llama.cpp context whose sequences are decoded
// together (continuous batching), on a thread of its own.
//
// Each step of the thread decodes one token of every running answer and at most `prefill_tokens`
// of prompts, so that a long prompt delays the others, and a cancel, by one step only. The
// key-value cache of an answer that has ended stays until its cells are needed: a prompt that
// begins like it starts from there.

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "provider/llama/backend.h"
#include "provider/llama/generation.h"

namespace strata::provider::llama {

struct GenerationSpec {
  int threads = 1;        // of the context; ggml's threads spin at barriers
  int sequences_max = 8;  // answers generated at the same time
  std::int64_t context_tokens =
      0;                       // cells of the cache, shared by all; 0 = as the model was trained
  std::size_t queue_max = 64;  // requests that may wait for a place
  int prefill_tokens = 32;     // of prompts, a step
};

// Thread-safe. Destroying it fails what is running with kUnavailable and joins the thread: destroy
// it before the io_contexts whose coroutines read its generations.
class GenerationEngine {
 public:
  // `model` outlives the engine. kUnavailable when there is not enough memory.
  static Result<std::unique_ptr<GenerationEngine>> Create(llama_model& model, std::string name,
                                                          const GenerationSpec& spec);
  ~GenerationEngine();
  GenerationEngine(const GenerationEngine&) = delete;
  GenerationEngine& operator=(const GenerationEngine&) = delete;

  // Most tokens of prompt and answer together.
  std::int64_t context_tokens() const;

  // Takes the request into the queue. Errors: kInvalidArgument (the prompt does not fit the
  // context), kRateLimited with retry_after (the queue is full).
  Result<std::shared_ptr<Generation>> Submit(GenerationRequest request);

  // For tests and metrics.
  struct Counters {
    std::int64_t steps = 0;
    std::int64_t running_max = 0;  // answers in one step
    std::int64_t batch_max = 0;    // tokens in one step
    std::int64_t preempted = 0;    // answers that lost their place to others for want of cells
  };
  Counters counters() const;
  std::size_t waiting() const;
  std::size_t running() const;

 private:
  class Impl;
  explicit GenerationEngine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::provider::llama
