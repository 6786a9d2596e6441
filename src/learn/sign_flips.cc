#include "learn/sign_flips.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "base/rng.h"

namespace strata::learn {
namespace {

constexpr std::size_t kAllFlipsMax = 14;
constexpr std::uint64_t kDrawnFlips = 20'000;

// The sum after the flips that `signs` has a bit for, 64 differences a word.
double Flipped(std::span<const double> values, std::span<const std::uint64_t> signs) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += ((signs[i / 64] >> (i % 64)) & 1) != 0 ? -values[i] : values[i];
  }
  return sum;
}

}  // namespace

double SignFlipPValue(std::span<const double> differences) {
  std::vector<double> values;
  std::ranges::copy_if(differences, std::back_inserter(values), [](double d) { return d != 0; });
  if (values.empty()) return 1;
  double size = 0;
  for (double v : values) size += std::abs(v);
  // Sums in another order differ in their last bits: those are ties.
  const double limit = std::accumulate(values.begin(), values.end(), 0.0) + 1e-12 * size;
  std::vector<std::uint64_t> signs(values.size() / 64 + 1, 0);
  if (values.size() <= kAllFlipsMax) {
    const auto all = std::uint64_t{1} << values.size();
    std::uint64_t low = 0;
    for (signs[0] = 0; signs[0] < all; ++signs[0]) low += Flipped(values, signs) <= limit ? 1 : 0;
    return static_cast<double>(low) / static_cast<double>(all);
  }
  Rng rng(1935);
  std::uint64_t low = 1;  // the differences as they are, so that the p-value stays exact
  for (std::uint64_t draw = 0; draw < kDrawnFlips; ++draw) {
    for (auto& word : signs) word = rng.Next();
    low += Flipped(values, signs) <= limit ? 1 : 0;
  }
  return static_cast<double>(low) / static_cast<double>(kDrawnFlips + 1);
}

}  // namespace strata::learn
