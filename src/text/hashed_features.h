#pragma once
// Sparse features of a text without a dictionary: words, word pairs and character n-grams hashed
// into 2^bits buckets with signs. Source: Weinberger et al. 2009, Feature Hashing for Large Scale
// Multitask Learning.

#include <cstdint>
#include <string_view>
#include <vector>

namespace strata::text {

struct HashedFeature {
  std::uint32_t index = 0;
  float value = 0;
  friend bool operator==(const HashedFeature&, const HashedFeature&) = default;
};

struct HashedFeatureOptions {
  int bits = 18;  // 2^bits buckets; 8..24
  bool words = true;
  bool word_pairs = true;
  int char_gram_min = 3;  // inside words, with a boundary mark at each end; 0 for none
  int char_gram_max = 5;
  std::size_t bytes_max = 16384;  // the text beyond is ignored
};

// Sorted by index, indices unique, length 1 (Euclid) unless empty. The same on every machine.
// Thread-safe.
std::vector<HashedFeature> HashFeatures(std::string_view text,
                                        const HashedFeatureOptions& options = {});

}  // namespace strata::text
