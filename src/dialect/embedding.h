#pragma once
// Embedding requests and answers as values; which wire form they have is openai.h's and bedrock.h's
// business.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::dialect {

enum class VectorEncoding : std::uint8_t { kFloat, kBase64 };
enum class EmbedInput : std::uint8_t { kUnspecified, kQuery, kDocument };
// What becomes of a text that has more tokens than the model sees.
enum class LongText : std::uint8_t { kRefuse, kCutEnd, kCutStart };

// Cohere's word for it, as `truncate` says it in their own API and in Bedrock's.
inline std::string_view TruncateWord(LongText long_text) {
  if (long_text == LongText::kRefuse) return "NONE";
  return long_text == LongText::kCutStart ? "START" : "END";
}

struct EmbedRequest {
  std::string model;
  std::vector<std::string> texts;  // at least one, none empty
  std::optional<int> dimensions;
  VectorEncoding encoding = VectorEncoding::kFloat;
  EmbedInput input = EmbedInput::kUnspecified;  // what the texts are, where the format says it
  bool normalize = true;                        // Titan; others always normalise
  LongText long_text = LongText::kCutEnd;
  std::string texts_at = "input[]";  // where a text stands in the body, "[]" for its number
  std::string user;
  // What only OpenAI's dialect says, for its own providers: the texts are lists of numbers of the
  // model's tokens, each as JSON text ("[9906,1917]"); members that have no word here, as a JSON
  // object or "".
  bool tokens = false;
  std::string extra;
};

// How many numbers such a list holds.
inline std::int64_t TokensListed(std::string_view list) {
  return std::ranges::count(list, ',') + 1;
}

// The member of the body that holds text `index`: "input[3]".
inline std::string PathOfText(const EmbedRequest& request, std::size_t index) {
  auto path = request.texts_at;
  auto at = path.find("[]");
  if (at != path.npos) path.insert(at + 1, std::to_string(index));
  return path;
}

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
