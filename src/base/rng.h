#pragma once
// Randomness in two kinds: seeded streams that replay, and the operating system's for secrets and
// ids.

#include <cstdint>
#include <span>
#include <string>

namespace strata {

// xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64. Same seed, same stream, on every
// machine. Not for secrets. Owned by one thread.
class Rng {
 public:
  explicit Rng(std::uint64_t seed);
  std::uint64_t Next();
  std::uint64_t Below(std::uint64_t bound);  // uniform in [0, bound), bound > 0
  double Unit();                             // uniform in [0, 1)
  double Gaussian();                         // mean 0, variance 1

 private:
  std::uint64_t state_[4];
};

// Fills from the kernel's generator; aborts when it has none.
void SecureRandom(std::span<std::uint8_t> out);
std::string SecureRandomHex(std::size_t bytes);

}  // namespace strata
