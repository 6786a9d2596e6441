#pragma once
// Static embeddings: one vector a word piece, made once from a sentence transformer; a text's
// vector is their weighted mean. Some hundred times faster than the transformer and less exact: for
// routing features and for very large corpora.
//
// Source: model2vec (Minish Lab, 2024, "Model2Vec: distil a small fast model from any sentence
// transformer"): token vectors of the teacher, PCA, weighting by Zipf's law (SIF with the token's
// rank in place of its frequency; Arora, Liang, Ma 2017), mean, L2 norm.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::vector {

// What Distill starts from. `vocabulary[i]` is the WordPiece token with id i ("##ing" continues a
// word); `token_vectors` holds one row of `teacher_dimensions` floats a token, what the teacher
// says of that token alone.
struct StaticRecipe {
  std::string teacher;  // "all-MiniLM-L6-v2"; stored in the file and part of version()
  std::vector<std::string> vocabulary;
  std::vector<float> token_vectors;
  int teacher_dimensions = 0;
  int dimensions = 256;  // kept by PCA; at most teacher_dimensions
  // Weight of the token with rank r (its id, as BERT's vocabulary is ordered by frequency) is
  // sif / (sif + p(r)), p Zipf's distribution. Unitless, > 0.
  double sif = 1e-3;
};

// Computes the token vectors and writes the file (to `path`.new, then renamed). Deterministic: the
// same recipe gives the same bytes on the same kind of machine. Some seconds of CPU for 30,000
// tokens. Errors: kInvalidArgument (sizes do not fit), kUnavailable (cannot write).
Result<> DistillStaticEmbedder(const StaticRecipe& recipe, const std::string& path);

// Thread-safe and immutable; the token vectors are a shared read-only mapping of the file.
class StaticEmbedder {
 public:
  // kNotFound, kCorruption (bad magic, version, size or checksum; names the file).
  static Result<std::shared_ptr<const StaticEmbedder>> Open(const std::string& path);
  ~StaticEmbedder();
  StaticEmbedder(const StaticEmbedder&) = delete;
  StaticEmbedder& operator=(const StaticEmbedder&) = delete;

  int dimensions() const;
  // Changes whenever the vectors do: "static-minilm-256:3f2a9c01"; goes into index recipes.
  const std::string& version() const;

  // Writes the L2-normalised vector of `text` to `out` (dimensions() floats) and returns the number
  // of word pieces. A text without a known word piece gives the zero vector. Cost is linear in the
  // text; there is no length limit, so callers bound their texts.
  std::size_t Embed(std::string_view text, std::span<float> out) const;

  // `texts.size()` rows of dimensions() floats.
  std::vector<float> EmbedAll(std::span<const std::string> texts) const;

  // Word pieces of `text`, without special tokens.
  std::size_t CountTokens(std::string_view text) const;

 private:
  struct State;
  explicit StaticEmbedder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace strata::vector
