#pragma once
// Whether a model file chats or embeds.

#include <cstdint>
#include <string_view>

#include "base/result.h"

struct llama_model;

namespace strata::provider::llama {

enum class ModelKind : std::uint8_t { kChat, kEmbed };

std::string_view KindName(ModelKind kind);  // "chat", "embed"

// An embedding model says how it pools (ARCH.pooling_type); whatever else decodes text chats.
// kInvalidArgument: it does neither (an encoder with decoder, a reranker, an audio part).
Result<ModelKind> KindOf(const llama_model& model);

}  // namespace strata::provider::llama
