#pragma once
// The exact VectorIndex: scans every row as 8-bit integers and scores the candidates again at 16
// bits.
//
// A row is stored as scale × (high + low / 256), two bytes a dimension: the scan reads only `high`,
// the second pass both. The error of a returned score is below 1e-4 for rows and queries of length
// 1; the recall against a float scan is measured in bench/retrieval. Memory: 2 bytes × dimensions
// (rounded up to 32) and some 60 bytes a row.

#include <memory>

#include "vector/vector_index.h"

namespace strata::vector {

struct ExactIndexOptions {
  std::size_t dimensions = 384;  // 1..8192
  // Candidates scored again for each row asked for; more costs time and finds the rare row that 8
  // bits rank too low.
  std::size_t oversampling = 4;
};

std::unique_ptr<VectorIndex> MakeExactIndex(const ExactIndexOptions& options);

}  // namespace strata::vector
