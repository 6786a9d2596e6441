#pragma once
// Runs one encoder model (BERT and its kin) on texts: tokenizes, packs short texts together, pools,
// normalises.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "provider/embedder.h"
#include "provider/llama/backend.h"
#include "provider/local_models.h"

namespace strata::text {
class WordPieces;
}

namespace strata::provider::llama {

struct EmbeddingSpec {
  std::string path;
  int threads = 1;   // of one context; ggml's threads spin, so more pays on an idle machine only
  int contexts = 1;  // steps at the same time, of each urgency; all but the first made when needed
  int gpu_layers = 0;
};

// Thread-safe: each call borrows a context and waits while all are lent, so run at most `contexts`
// calls of each urgency at a time (a pool with that many threads).
class EmbeddingEngine {
 public:
  // Errors: as LoadModel; kInvalidArgument when the model is not an encoder.
  static Result<std::unique_ptr<EmbeddingEngine>> Load(const EmbeddingSpec& spec);
  ~EmbeddingEngine();
  EmbeddingEngine(const EmbeddingEngine&) = delete;
  EmbeddingEngine& operator=(const EmbeddingEngine&) = delete;

  int dimensions() const;
  std::int64_t tokens_max() const;  // special ones included
  std::string name() const;
  std::int64_t parameters() const;

  // One step: embeds as many of the first texts as share a pass and returns their number (at least
  // one). Adds a normalised row a text to `out.values`, counts tokens and cut texts. Blocks for
  // about 0.3 ms of CPU a token (MiniLM, one thread): 0.08 s at most where texts have 256 tokens.
  Result<std::size_t> EmbedStep(std::span<const std::string> texts, EmbedPurpose purpose,
                                Embeddings& out);

  // All of them, step after step.
  Result<> Embed(std::span<const std::string> texts, EmbedPurpose purpose, Embeddings& out);

  // The hidden states of every token of one text.
  Result<TokenEmbeddings> EmbedTokens(std::string_view text);

  // One unnormalised pooled row a list of ids, special tokens included by the caller.
  Result<> EmbedIds(std::span<const std::vector<std::int32_t>> inputs, std::vector<float>& out);

  // [CLS] pieces… [SEP], not cut. Thread-safe and cheap.
  std::vector<std::int32_t> Tokenize(std::string_view text) const;
  std::int64_t CountTokens(std::string_view text) const;  // without the special ones
  // The vocabulary in BERT's own spelling ("##ing"); empty for models without word pieces.
  std::vector<std::string> Vocabulary() const;

 private:
  struct State;
  explicit EmbeddingEngine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace strata::provider::llama
