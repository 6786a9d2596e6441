#include "base/rng.h"

#include <sys/random.h>

#include <cmath>
#include <numbers>

#include "base/check.h"
#include "base/encoding.h"

namespace strata {

Rng::Rng(std::uint64_t seed) {
  for (auto& word : state_) {
    seed += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    word = z ^ (z >> 31);
  }
}

std::uint64_t Rng::Next() {
  auto rotate = [](std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
  std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
  std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = rotate(state_[3], 45);
  return result;
}

std::uint64_t Rng::Below(std::uint64_t bound) {
  STRATA_CHECK(bound > 0, "empty range");
  // Rejection keeps the result unbiased; the loop repeats with probability below 1/2.
  std::uint64_t limit = -bound % bound;
  while (true) {
    std::uint64_t value = Next();
    if (value >= limit) return value % bound;
  }
}

double Rng::Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

double Rng::Gaussian() {
  double radius = std::sqrt(-2.0 * std::log(1.0 - Unit()));
  return radius * std::cos(2.0 * std::numbers::pi * Unit());
}

void SecureRandom(std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    auto got = getrandom(out.data() + done, out.size() - done, 0);
    STRATA_FATAL(got > 0, "the kernel gave no randomness");
    done += static_cast<std::size_t>(got);
  }
}

std::string SecureRandomHex(std::size_t bytes) {
  std::string raw(bytes, '\0');
  SecureRandom({reinterpret_cast<std::uint8_t*>(raw.data()), raw.size()});
  return HexEncode(raw);
}

}  // namespace strata
