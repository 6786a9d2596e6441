// ValidateGgufMain: the body of the child process that tries a model file.
#include <fmt/format.h>
#include <llama.h>

#include <cstdio>
#include <string>

#include "base/json_text.h"
#include "provider/llama/backend.h"
#include "provider/llama/model_kind.h"
#include "provider/model_import.h"

namespace strata::provider {
namespace {

using llama::ContextPtr;

// Makes a context and runs two tokens: finds missing tensors, broken sizes and unknown types.
Result<> TryOnce(llama_model& model, llama::ModelKind kind) {
  auto params = llama_context_default_params();
  params.n_ctx = params.n_batch = params.n_ubatch = 64;
  params.n_threads = params.n_threads_batch = 1;
  params.embeddings = kind == llama::ModelKind::kEmbed;
  ContextPtr context(llama_init_from_model(&model, params));
  if (!context) return Fail(Code::kInvalidArgument, "llama.cpp cannot make a context of it");
  const auto* vocab = llama_model_get_vocab(&model);
  auto tokens = llama::TokenizeText(*vocab, "a", llama::AddSpecial::kYes, llama::ParseSpecial::kNo);
  if (tokens.empty() || tokens.size() > 64) {
    return Fail(Code::kInvalidArgument, "its tokenizer does not know the letter a");
  }
  auto batch = llama_batch_get_one(tokens.data(), static_cast<std::int32_t>(tokens.size()));
  if (llama_decode(context.get(), batch) != 0) {
    return Fail(Code::kInvalidArgument, "it loads but does not run");
  }
  return {};
}

Result<std::string> Validate(const std::string& path) {
  STRATA_CHECK_OK(llama::StartBackends(llama::DefaultBackendFolder()));
  STRATA_TRY(auto model, llama::LoadModel({.path = path}));
  STRATA_TRY(auto kind, llama::KindOf(*model));
  STRATA_CHECK_OK(TryOnce(*model, kind));
  return fmt::format(R"({{"kind":"{}","architecture":{}}})", llama::KindName(kind),
                     JsonString(llama::Metadata(*model, "general.architecture")));
}

}  // namespace

int ValidateGgufMain(const std::string& path) {
  auto found = Validate(path);
  if (!found.has_value()) {
    fmt::print(stderr, "{}\n", found.error().message());
    return 1;
  }
  fmt::print("{}\n", *found);
  return 0;
}

}  // namespace strata::provider
