#include "tests/fakes/fake_embedder.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/encoding.h"
#include "base/rng.h"

namespace strata::fakes {
namespace {

// Calls `use` with each word: a run of letters, digits and non-ASCII bytes, ASCII in lower case.
template <class F>
void ForEachWord(std::string_view text, F use) {
  std::string word;
  auto flush = [&] {
    if (!word.empty()) use(word);
    word.clear();
  };
  for (char c : text) {
    bool upper = c >= 'A' && c <= 'Z';
    bool part = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
    if (!part) {
      flush();
      continue;
    }
    word.push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
  }
  flush();
}

}  // namespace

FakeEmbedder::FakeEmbedder(std::string id, int dimensions) {
  info_.id = std::move(id);
  info_.provider = info_.id.starts_with("builtin/") ? "builtin" : "fake";
  info_.upstream_id = info_.id;
  info_.can.embed = true;
  info_.dimensions = dimensions;
  info_.context_tokens = 256;
}

std::vector<float> FakeEmbedder::VectorOf(std::string_view text) const {
  std::vector<double> sum(static_cast<std::size_t>(info_.dimensions), 0.0);
  ForEachWord(text, [&](const std::string& word) {
    Rng rng(Hash64(word));
    for (double& value : sum) value += rng.Gaussian();
  });
  double square = 0;
  for (double value : sum) square += value * value;
  if (square == 0) sum[0] = square = 1;  // a text without words still has a direction
  std::vector<float> out;
  for (double value : sum) out.push_back(static_cast<float>(value / std::sqrt(square)));
  return out;
}

Task<Result<provider::Embeddings>> FakeEmbedder::Embed(std::vector<std::string> texts,
                                                       provider::EmbedPurpose,
                                                       RequestContext& ctx) {
  ++calls_;
  if (!thrown_.empty()) throw Bug(thrown_);
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  for (const auto& [part, error] : failures_) {
    const auto holds = [&](const std::string& text) { return text.find(part) != text.npos; };
    if (std::ranges::any_of(texts, holds)) co_return Fail(error);
  }
  provider::Embeddings out;
  out.dimensions = info_.dimensions;
  for (const auto& text : texts) {
    auto vector = VectorOf(text);
    out.values.insert(out.values.end(), vector.begin(), vector.end());
    auto tokens = CountTokens(text);
    out.input_tokens += tokens;
    if (tokens > tokens_max()) ++out.truncated;
  }
  co_return out;
}

std::int64_t FakeEmbedder::CountTokens(std::string_view text) const {
  std::int64_t words = 0;
  ForEachWord(text, [&](const std::string&) { ++words; });
  return words;
}

}  // namespace strata::fakes
