#include "vector/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"

namespace strata::vector {
namespace {

TEST(Kernels, IntegerKernelsGiveTheSameSumAtEveryLength) {
  Rng rng(1);
  const Kernels& portable = RunnableKernels().back();
  ASSERT_EQ(portable.name, "portable");
  for (std::size_t size = 0; size < 200; ++size) {
    std::vector<std::int16_t> query(size);
    std::vector<std::int8_t> row(size);
    for (auto& value : query) value = static_cast<std::int16_t>(rng.Below(4095)) - 2047;
    for (auto& value : row)
      value = static_cast<std::int8_t>(static_cast<int>(rng.Below(255)) - 127);
    for (const Kernels& kernels : RunnableKernels()) {
      EXPECT_EQ(kernels.dot_rows(query.data(), row.data(), size),
                portable.dot_rows(query.data(), row.data(), size))
          << kernels.name << " size " << size;
    }
  }
}

TEST(Kernels, IntegerKernelsDoNotOverflowAtTheirLimits) {
  std::vector<std::int16_t> query(8192, -2047);
  std::vector<std::int8_t> row(8192, 127);
  for (const Kernels& kernels : RunnableKernels()) {
    EXPECT_EQ(kernels.dot_rows(query.data(), row.data(), 8192), -2047 * 127 * 8192) << kernels.name;
  }
}

TEST(Kernels, KernelsOverBytesGiveTheSameSumAtEveryLength) {
  Rng rng(3);
  const Kernels& portable = RunnableKernels().back();
  auto byte = [&] { return static_cast<std::int8_t>(static_cast<int>(rng.Below(256)) - 128); };
  for (std::size_t size = 0; size < 200; ++size) {
    std::vector<std::int8_t> high(size);
    std::vector<std::int8_t> low(size);
    std::vector<float> query(size);
    double sum = 0;
    for (std::size_t i = 0; i < size; ++i) {
      high[i] = byte();
      low[i] = byte();
      query[i] = static_cast<float>(rng.Gaussian());
      sum += static_cast<double>(query[i]) * (high[i] * 256 + low[i]);
    }
    for (const Kernels& kernels : RunnableKernels()) {
      EXPECT_EQ(kernels.dot_bytes(high.data(), low.data(), size),
                portable.dot_bytes(high.data(), low.data(), size))
          << kernels.name << " size " << size;
      EXPECT_NEAR(kernels.dot_planes(query.data(), high.data(), low.data(), size), sum, 1.0)
          << kernels.name << " size " << size;
    }
  }
}

TEST(Kernels, FloatKernelsAgreeToRounding) {
  Rng rng(2);
  for (std::size_t size = 0; size < 200; ++size) {
    std::vector<float> a(size);
    std::vector<float> b(size);
    double sum = 0;
    for (std::size_t i = 0; i < size; ++i) {
      a[i] = static_cast<float>(rng.Gaussian());
      b[i] = static_cast<float>(rng.Gaussian());
      sum += static_cast<double>(a[i]) * b[i];
    }
    for (const Kernels& kernels : RunnableKernels()) {
      EXPECT_NEAR(kernels.dot_float(a.data(), b.data(), size), sum, 1e-4) << kernels.name;
    }
  }
}

TEST(Kernels, NormalizeMakesLengthOneAndLeavesZero) {
  std::vector<float> row = {3, 4};
  Normalize(row);
  EXPECT_FLOAT_EQ(row[0], 0.6F);
  EXPECT_FLOAT_EQ(row[1], 0.8F);
  std::vector<float> zero = {0, 0};
  Normalize(zero);
  EXPECT_EQ(zero, (std::vector<float>{0, 0}));
}

}  // namespace
}  // namespace strata::vector
