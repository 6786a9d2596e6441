#pragma once
// A deterministic Embedder: the sum of one fixed pseudo-random vector for each word, so that texts
// which share words are near each other, on every machine. One named builtin/… counts as a model of
// this process.

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "provider/embedder.h"

namespace strata::fakes {

// Thread-safe.
class FakeEmbedder final : public provider::Embedder {
 public:
  explicit FakeEmbedder(std::string id = "fake-embed", int dimensions = 32);

  int calls() const { return calls_; }
  // Every later call fails so. Before the calls that are to fail, from one thread.
  void FailWith(Error error) { FailOn({}, std::move(error)); }
  // Those with a text that holds `part` alone.
  void FailOn(std::string part, Error error) { failures_.emplace_back(std::move(part), error); }
  void Recover() { failures_.clear(); }
  // A bug: so does every later call throw, until it is given "".
  void ThrowWith(std::string what) { thrown_ = std::move(what); }

  Task<Result<provider::Embeddings>> Embed(std::vector<std::string> texts,
                                           provider::EmbedPurpose purpose,
                                           RequestContext& ctx) override;
  std::int64_t CountTokens(std::string_view text) const override;  // words
  std::int64_t tokens_max() const override { return 256; }
  const domain::ModelInfo& Info() const override { return info_; }
  bool SpeaksOpenAi() const override { return speaks_openai_; }
  void SpeakOpenAi() { speaks_openai_ = true; }  // before the calls

  // The vector of one text, as Embed gives it.
  std::vector<float> VectorOf(std::string_view text) const;

 private:
  domain::ModelInfo info_;
  bool speaks_openai_ = false;
  std::atomic<int> calls_{0};
  std::vector<std::pair<std::string, Error>> failures_;  // by what a text holds
  std::string thrown_;
};

}  // namespace strata::fakes
