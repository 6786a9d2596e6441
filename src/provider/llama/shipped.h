#pragma once
// File names of the shipped models inside the models folder.

#include <string_view>

namespace strata::provider::llama {

inline constexpr std::string_view kChatFile = "SmolLM2-135M-Instruct.Q4_1.gguf";
inline constexpr std::string_view kEmbedderFile = "all-MiniLM-L6-v2.f32.gguf";
inline constexpr std::string_view kStaticFile = "static-minilm-256.bin";

}  // namespace strata::provider::llama
