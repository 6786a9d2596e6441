#include "provider/llama/model_kind.h"

#include <fmt/format.h>
#include <llama.h>

#include <string>

#include "provider/llama/backend.h"

namespace strata::provider::llama {

std::string_view KindName(ModelKind kind) { return kind == ModelKind::kChat ? "chat" : "embed"; }

Result<ModelKind> KindOf(const llama_model& model) {
  auto architecture = Metadata(model, "general.architecture");
  auto pooling = Metadata(model, (architecture + ".pooling_type").c_str());
  if (pooling == "1" || pooling == "2" || pooling == "3") return ModelKind::kEmbed;
  if (pooling == "4") {
    return Fail(Code::kInvalidArgument, "it is a reranker; rerankers cannot be imported");
  }
  auto causal = Metadata(model, (architecture + ".attention.causal").c_str());
  if (llama_model_has_encoder(&model) || causal == "false") {
    return Fail(Code::kInvalidArgument,
                fmt::format("architecture {} neither chats nor pools", architecture));
  }
  return ModelKind::kChat;
}

}  // namespace strata::provider::llama
