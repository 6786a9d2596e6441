#pragma once
// Embedding requests and answers as values; which wire form they have is openai.h's and bedrock.h's
// business.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace strata::dialect {

enum class VectorEncoding : std::uint8_t { kFloat, kBase64 };
enum class EmbedInput : std::uint8_t { kUnspecified, kQuery, kDocument };

struct EmbedRequest {
  std::string model;
  std::vector<std::string> texts;  // at least one, none empty
  std::optional<int> dimensions;
  VectorEncoding encoding = VectorEncoding::kFloat;
  EmbedInput input = EmbedInput::kUnspecified;  // what the texts are, where the format says it
  bool normalize = true;                        // Titan; others always normalise
  bool truncate = true;  // false: a text that is too long is an error (Cohere truncate NONE)
  std::string user;
};

// Rows of `dimensions` floats, one a text, not owned.
struct EmbeddingView {
  int dimensions = 0;
  std::span<const float> values;
  std::int64_t input_tokens = 0;
};

// The same, owned: what a provider answered.
struct EmbeddingRows {
  int dimensions = 0;
  std::vector<float> values;
  std::int64_t input_tokens = 0;
};

}  // namespace strata::dialect
