// ValidateGgufMain: the body of the child process that tries a model file.
#include <fmt/format.h>
#include <llama.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/json_text.h"
#include "provider/llama/backend.h"
#include "provider/llama/chat_prompt.h"
#include "provider/llama/embedding_engine.h"
#include "provider/llama/model_kind.h"
#include "provider/model_import.h"

namespace strata::provider {
namespace {

// Uses the model as the server will: finds missing tensors, broken sizes, unknown types, a chat
// template that does not parse.
Result<> TryEmbedding(const std::string& path) {
  STRATA_TRY(auto engine, llama::EmbeddingEngine::Load({.path = path}));
  std::vector<std::string> texts = {"a", "b c"};
  Embeddings out;
  STRATA_CHECK_OK(engine->Embed(texts, EmbedPurpose::kDocument, out));
  for (float value : out.values) {
    if (!std::isfinite(value)) return Fail(Code::kInvalidArgument, "its vectors are not finite");
  }
  return {};
}

Result<> TryChat(llama_model& model) {
  STRATA_CHECK_OK(llama::ChatPrompts::Make(model, ""));
  auto params = llama_context_default_params();
  params.n_ctx = params.n_batch = params.n_ubatch = 256;
  params.n_seq_max = 2;
  params.kv_unified = true;
  params.n_threads = params.n_threads_batch = 1;
  llama::ContextPtr context(llama_init_from_model(&model, params));
  if (!context) return Fail(Code::kInvalidArgument, "llama.cpp cannot make a context of it");
  const auto& vocab = *llama_model_get_vocab(&model);
  auto tokens = llama::TokenizeText(vocab, "a", llama::AddSpecial::kYes, llama::ParseSpecial::kNo);
  if (tokens.empty() || tokens.size() > 256) {
    return Fail(Code::kInvalidArgument, "its tokenizer does not know the letter a");
  }
  auto batch = llama_batch_get_one(tokens.data(), static_cast<std::int32_t>(tokens.size()));
  if (llama_decode(context.get(), batch) != 0) {
    return Fail(Code::kInvalidArgument, "it loads but does not run");
  }
  return {};
}

Result<std::string> Validate(const std::string& path) {
  ::setenv("GGML_NO_BACKTRACE", "1", 1);  // an abort would start a debugger
  const char* folder = std::getenv("STRATA_LLAMA_BACKENDS");
  auto backends = folder != nullptr && *folder != '\0' ? folder : llama::DefaultBackendFolder();
  STRATA_CHECK_OK(llama::StartBackends(backends));
  STRATA_TRY(auto model, llama::LoadModel({.path = path}));
  STRATA_TRY(auto kind, llama::KindOf(*model));
  if (kind == llama::ModelKind::kEmbed) {
    STRATA_CHECK_OK(TryEmbedding(path));
  } else {
    STRATA_CHECK_OK(TryChat(*model));
  }
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
