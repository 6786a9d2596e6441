#pragma once
// The models that run in this process, through llama.cpp: the shipped demo language model, the
// shipped embedding model and its static distillate, and whatever `strata model import` registered.
//
// No key, no network. llama.cpp stays in llama/; nothing above this header knows it.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "provider/chat_model.h"
#include "provider/embedder.h"
#include "provider/reranker.h"

namespace strata::vector {
class StaticEmbedder;
}

namespace strata::provider {

// `models.*` and `llama.*`. CUDA and Vulkan are build options (-DSTRATA_CUDA=ON,
// -DSTRATA_VULKAN=ON; cmake/setup/deps.sh builds llama.cpp with STRATA_LLAMA_FLAGS);
// `llama.gpu_layers` then says how much of a model goes to the GPU.
OptionTable LocalModelOptions();

// Ids of the shipped models.
inline constexpr std::string_view kBuiltinChatModel = "builtin/smollm2-135m-instruct";
inline constexpr std::string_view kBuiltinEmbedder = "builtin/all-minilm-l6-v2";
inline constexpr std::string_view kBuiltinStaticEmbedder = "builtin/static-minilm-256";
inline constexpr std::string_view kBuiltinReranker = "builtin/late-interaction-minilm";

// One vector a word piece of one text, not normalised, for late interaction and late chunking.
struct TokenEmbeddings {
  int dimensions = 0;
  std::vector<std::int32_t> token_ids;  // with the special tokens at both ends
  std::vector<float> values;            // token_ids.size() rows of `dimensions` floats
  bool truncated = false;               // the text was longer than the model sees
};

// An embedder whose transformer runs here. Thread-safe.
class LocalEmbedder : public Embedder {
 public:
  // Last hidden states, before pooling. Errors as Embed.
  virtual Task<Result<TokenEmbeddings>> EmbedTokens(std::string text, RequestContext& ctx) = 0;

  // Token ids as the model sees them, with its special tokens, not truncated.
  virtual std::vector<std::int32_t> Tokenize(std::string_view text) const = 0;
};

// A reranker over the token vectors of an embedder (llama/late_interaction.cc says how). Scores are
// 0 to 1. Long documents are read in windows; the work is about 0.3 ms of CPU a token. Thread-safe.
// `load` blocks and runs on a pool at each call; it gives the same embedder once it has loaded.
using EmbedderLoader = std::function<Result<std::shared_ptr<LocalEmbedder>>()>;
std::shared_ptr<Reranker> MakeLateInteraction(EmbedderLoader load);

struct LocalModelsSpec {
  // Where imported models and converted files lie (DATA/models); made when needed, "" for none.
  std::string data_folder;
};

// Thread-safe. Models load on first use of their accessor and stay loaded; a first use blocks for
// about 0.1 s, so call the accessors at start, not on an io thread. Destroy before the io_contexts
// whose coroutines use its models.
class LocalModels {
 public:
  // Finds the files and the CPU backends. Errors: kNotFound with the command that installs what is
  // missing, kInvalidArgument (bad option).
  static Result<std::unique_ptr<LocalModels>> Open(const Options& options, LocalModelsSpec spec);
  virtual ~LocalModels() = default;

  // The shipped models and the imported ones, without loading them.
  virtual std::vector<domain::ModelInfo> List() const = 0;

  // kNotFound (no such id, or it is of the other kind), kCorruption, kUnavailable (memory).
  virtual Result<std::shared_ptr<ChatModel>> Chat(std::string_view id) = 0;
  virtual Result<std::shared_ptr<LocalEmbedder>> TransformerEmbedder(std::string_view id) = 0;
  // Any embedder of this process, the static one included.
  virtual Result<std::shared_ptr<Embedder>> AnyEmbedder(std::string_view id) = 0;
  // The fast function itself: word pieces to vector, no coroutine.
  virtual Result<std::shared_ptr<const vector::StaticEmbedder>> Static() = 0;
};

}  // namespace strata::provider
