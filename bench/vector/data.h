#pragma once
// The rows and queries of bench_vector: made once, kept in a folder as float32, mapped.
//
// Rows: texts of bench/gen drawn from collections, by the static embedder, whose dimensions are
// made up to 384 with noise (kNoise), which its truncation took away. Queries: the collections'
// own, the same way. rows.f32 and queries.f32 hold rows of 384 numbers and nothing else, so that
// other programs read them too.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "vector/mapped_file.h"

namespace strata::bench {

inline constexpr std::size_t kDimensions = 384;
// Length of the noise beside a vector of length 1; together they are scaled to length 1 again.
inline constexpr double kNoise = 0.25;

struct VectorDataOptions {
  std::string folder;             // where it is kept
  std::vector<std::string> sets;  // folders in BEIR's form
  std::string static_embedder;    // its file
  std::size_t rows = 100'000;
  std::size_t queries = 1000;
  std::uint64_t seed = 1;
};

class VectorData {
 public:
  // Makes what is missing. rows.f32 may be longer than asked for: the first rows are the same.
  static Result<VectorData> Open(const VectorDataOptions& options);

  std::size_t rows() const { return rows_; }
  std::size_t queries() const { return queries_; }
  std::span<const float> Row(std::size_t row) const { return At(*row_file_, row, 1); }
  std::span<const float> Rows(std::size_t first, std::size_t count) const {
    return At(*row_file_, first, count);
  }
  std::span<const float> Query(std::size_t query) const { return At(*query_file_, query, 1); }

 private:
  static std::span<const float> At(const vector::MappedFile& file, std::size_t row,
                                   std::size_t count) {
    const auto* numbers = reinterpret_cast<const float*>(file.bytes().data());
    return {numbers + row * kDimensions, count * kDimensions};
  }

  std::shared_ptr<const vector::MappedFile> row_file_;
  std::shared_ptr<const vector::MappedFile> query_file_;
  std::size_t rows_ = 0;
  std::size_t queries_ = 0;
};

}  // namespace strata::bench
