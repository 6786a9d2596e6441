#pragma once
// ChatModel over a generation engine: prompt, sampler, queue, stream of events.

#include <memory>
#include <string>

#include "provider/chat_model.h"
#include "provider/llama/chat_prompt.h"
#include "provider/llama/generation_engine.h"

namespace strata::provider::llama {

struct ChatModelSpec {
  std::string path;
  GenerationSpec generation;
  SamplingDefaults sampling;
  std::int64_t output_tokens_default = 1024;  // when a request names no max_tokens
  int gpu_layers = 0;
  std::string chat_template;  // in place of the file's own; "" keeps that
  std::size_t prompts_waiting_max = 64;
};

// A ChatModel, and what tests and benchmarks look at beside it.
class LlamaChatModel : public ChatModel {
 public:
  virtual const GenerationEngine& engine() const = 0;
};

// Loads the file (0.1 s for 100 MB that are in the page cache). `info` without context and output
// limits and capabilities, which come from the model. Errors: as LoadModel; kInvalidArgument when
// the model does not chat, kUnavailable (memory).
Result<std::shared_ptr<LlamaChatModel>> LoadChatModel(const ChatModelSpec& spec,
                                                      domain::ModelInfo info);

}  // namespace strata::provider::llama
