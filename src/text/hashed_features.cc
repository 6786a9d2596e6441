#include "text/hashed_features.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/check.h"
#include "base/encoding.h"
#include "base/utf8.h"
#include "text/normalize.h"

namespace strata::text {
namespace {

// Hash64 seeds: one for each kind of feature, so that a word and an equal n-gram differ.
enum Seed : std::uint64_t { kWordSeed = 1, kPairSeed = 2, kGramSeed = 3 };

bool IsWordByte(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

class Collector {
 public:
  explicit Collector(const HashedFeatureOptions& options) : options_(options) {}

  void AddWord(std::string_view word) {
    std::uint64_t hash = Hash64(word, kWordSeed);
    if (options_.words) Add(hash);
    if (options_.word_pairs && last_word_ != 0) {
      std::uint64_t pair[2] = {last_word_, hash};
      Add(Hash64({reinterpret_cast<const char*>(pair), sizeof(pair)}, kPairSeed));
    }
    last_word_ = hash;
    if (options_.char_gram_min > 0) AddGrams("<" + std::string(word) + ">");
  }

  void Expect(std::size_t features) { features_.reserve(features); }

  std::vector<HashedFeature> Finish() {
    std::ranges::sort(features_, {}, &HashedFeature::index);
    std::vector<HashedFeature> unique;
    unique.reserve(features_.size());
    for (const HashedFeature& feature : features_) {
      if (!unique.empty() && unique.back().index == feature.index) {
        unique.back().value += feature.value;
      } else {
        unique.push_back(feature);
      }
    }
    std::erase_if(unique, [](const HashedFeature& feature) { return feature.value == 0; });
    double squares = 0;
    for (const HashedFeature& feature : unique) squares += feature.value * feature.value;
    auto factor = static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0);
    for (HashedFeature& feature : unique) feature.value *= factor;
    return unique;
  }

 private:
  // n-grams of code points.
  void AddGrams(std::string_view word) {
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < word.size(); at += Utf8SequenceSize(word, at))
      starts.push_back(at);
    starts.push_back(word.size());
    for (int size = options_.char_gram_min; size <= options_.char_gram_max; ++size) {
      auto step = static_cast<std::size_t>(size);
      for (std::size_t i = 0; i + step < starts.size(); ++i) {
        Add(Hash64(word.substr(starts[i], starts[i + step] - starts[i]), kGramSeed));
      }
    }
  }

  void Add(std::uint64_t hash) {
    auto index = static_cast<std::uint32_t>(hash & ((std::uint64_t{1} << options_.bits) - 1));
    features_.push_back({.index = index, .value = (hash >> 63) != 0 ? 1.0F : -1.0F});
  }

  const HashedFeatureOptions options_;
  std::vector<HashedFeature> features_;
  std::uint64_t last_word_ = 0;
};

}  // namespace

std::vector<HashedFeature> HashFeatures(std::string_view text,
                                        const HashedFeatureOptions& options) {
  STRATA_CHECK(options.bits >= 8 && options.bits <= 24, "bits of hashed features out of range");
  Collector collector(options);
  // FoldCase also makes malformed bytes valid, which the n-grams rely on.
  std::string folded = FoldCase(Utf8Prefix(text, options.bytes_max));
  collector.Expect(folded.size() / 3);  // a word and a pair for every six bytes
  for (std::size_t at = 0; at < folded.size();) {
    if (!IsWordByte(folded[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < folded.size() && IsWordByte(folded[end])) ++end;
    collector.AddWord(std::string_view(folded).substr(at, end - at));
    at = end;
  }
  return collector.Finish();
}

}  // namespace strata::text
