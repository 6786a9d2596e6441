#pragma once
// Centres of rows, by Lloyd's algorithm (least squares quantization, 1982), in steps that can be
// taken between other work.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/rng.h"

namespace strata::vector {

// Owned by one thread.
class KMeans {
 public:
  // `rows`: row-major, at least `centres` of them; the same seed gives the same centres.
  KMeans(std::vector<float> rows, std::size_t dimensions, std::size_t centres, std::uint64_t seed);

  // Looks at some rows, a few milliseconds. false: done.
  bool Step();
  // Row-major.
  std::vector<float> TakeCentres() { return std::move(centres_); }

 private:
  void EndPass();

  const std::vector<float> rows_;
  const std::size_t dimensions_;
  const std::size_t count_;  // of centres
  Rng rng_;
  std::vector<float> centres_;
  std::vector<float> half_squares_;  // |centre|² / 2
  std::vector<double> sums_;
  std::vector<std::size_t> members_;
  std::size_t next_ = 0;
  int pass_ = 0;
};

}  // namespace strata::vector
