#pragma once
// An Embedder turns texts into vectors. Implementations: llama/ (MiniLM and imported models),
// static/ (in vector/), openai/, bedrock/; the fake is in tests/fakes.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "dialect/embedding.h"
#include "domain/model_info.h"

namespace strata::provider {

enum class EmbedRole : std::uint8_t { kQuery, kDocument };

// What the texts are, and what becomes of one with more tokens than the model sees. Models of this
// process cut its end whatever is said here; gateway::FitTexts does the rest before they are asked.
struct EmbedPurpose {
  EmbedRole role = EmbedRole::kDocument;
  dialect::LongText long_text = dialect::LongText::kCutEnd;
  // As in dialect::EmbedRequest, only for who SpeaksOpenAi. `extra` is valid until the task ends.
  bool tokens = false;
  std::string_view extra = {};

  static const EmbedPurpose kQuery;
  static const EmbedPurpose kDocument;
};

inline constexpr EmbedPurpose EmbedPurpose::kQuery{.role = EmbedRole::kQuery};
inline constexpr EmbedPurpose EmbedPurpose::kDocument{.role = EmbedRole::kDocument};

// `count` vectors of `dimensions` floats each, L2-normalised, row after row.
struct Embeddings {
  int dimensions = 0;
  std::vector<float> values;
  std::int64_t input_tokens = 0;
  std::int64_t truncated = 0;  // texts that were longer than the model sees

  std::size_t count() const {
    return dimensions == 0 ? 0 : values.size() / static_cast<std::size_t>(dimensions);
  }
  std::span<const float> row(std::size_t i) const {
    return std::span(values).subspan(i * static_cast<std::size_t>(dimensions),
                                     static_cast<std::size_t>(dimensions));
  }
};

// Thread-safe.
class Embedder {
 public:
  virtual ~Embedder() = default;

  // One vector a text, in order. Batches as its model likes. Errors as ChatModel::Start.
  virtual Task<Result<Embeddings>> Embed(std::vector<std::string> texts, EmbedPurpose purpose,
                                         RequestContext& ctx) = 0;

  // Word pieces of `text` for this model, without special tokens; an upper estimate where the
  // tokenizer is remote.
  virtual std::int64_t CountTokens(std::string_view text) const = 0;

  // Most tokens the model sees of one text (MiniLM: 256 with its two special ones); more is cut
  // off.
  virtual std::int64_t tokens_max() const = 0;

  virtual const domain::ModelInfo& Info() const = 0;

  // Whether it takes what only OpenAI's dialect says (EmbedPurpose).
  virtual bool SpeaksOpenAi() const { return false; }
};

}  // namespace strata::provider
