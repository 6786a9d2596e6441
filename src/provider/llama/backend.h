#pragma once
// The one place that starts llama.cpp in a process: CPU (and GPU) backends, its log, and owners for
// its C objects.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct llama_model;
struct llama_context;
struct llama_vocab;

namespace strata::provider::llama {

struct ModelDeleter {
  void operator()(llama_model* model) const;
};
struct ContextDeleter {
  void operator()(llama_context* context) const;
};
using ModelPtr = std::unique_ptr<llama_model, ModelDeleter>;
using ContextPtr = std::unique_ptr<llama_context, ContextDeleter>;

// Loads the backend libraries of `folder` (libggml-cpu-*.so: the best variant for this CPU is
// chosen; CUDA and Vulkan ones where built) and sends llama.cpp's warnings to our log. Only the
// first call of a process acts; thread-safe. kNotFound when no backend can be loaded.
Result<> StartBackends(const std::string& folder);

// What the first StartBackends was given.
std::string StartedBackendFolder();

// Whether an address-space limit makes sense: sanitizers reserve terabytes.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kLimitsFit = false;
#else
inline constexpr bool kLimitsFit = true;
#endif
#else
inline constexpr bool kLimitsFit = true;
#endif

// Where the backends were built or packaged; "" when neither place has them.
std::string DefaultBackendFolder();
// The shipped models' folder: the packaged one, else where the build puts them.
std::string DefaultModelsFolder();

struct LoadSpec {
  std::string path;
  int gpu_layers = 0;
  bool vocabulary_only = false;
};

// Reads a GGUF. StartBackends first. The file must have been validated (ValidateGgufMain) unless it
// is a shipped one: llama.cpp aborts the process on some broken files. Errors: kNotFound,
// kCorruption (what llama.cpp said).
Result<ModelPtr> LoadModel(const LoadSpec& spec);

// A scalar of the file's metadata as text; "" when absent.
std::string Metadata(const llama_model& model, const char* key);

// Token ids of `text`. Special tokens are added at the ends as the model wants with `AddSpecial::
// kYes`; "<|im_end|>" and the like in the text are control tokens only with `ParseSpecial::kYes`.
enum class AddSpecial : std::uint8_t { kNo, kYes };
enum class ParseSpecial : std::uint8_t { kNo, kYes };
std::vector<std::int32_t> TokenizeText(const llama_vocab& vocab, std::string_view text,
                                       AddSpecial add, ParseSpecial parse);

// The bytes a token stands for; control tokens give "".
std::string TokenText(const llama_vocab& vocab, std::int32_t token);

}  // namespace strata::provider::llama
