#pragma once
// A VectorIndex finds the rows nearest to a query by dot product, which is the cosine for rows of
// length 1. Everything in it can be rebuilt from the stored vectors: it holds no truth.
// Implementations: ExactIndex (vector/exact_index.h), GraphIndex (vector/graph_index.h).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"

namespace strata::vector {

struct VectorHit {
  std::uint64_t id = 0;
  float score = 0;  // dot product, in [-1, 1] for rows and queries of length 1
  friend bool operator==(const VectorHit&, const VectorHit&) = default;
};

// Says whether a row may be returned; empty: all may. Called from the searching thread, for up to
// every row, so it should cost some nanoseconds and must not block. The same answer for the same
// row during one search.
using IdFilter = std::function<bool(std::uint64_t id)>;

// How the scores of a query are spread over rows, whatever they are about.
struct ScoreSpread {
  double mean = 0;
  double deviation = 0;  // standard deviation
  std::size_t rows = 0;  // that were scored
};

struct VectorStats {
  std::size_t rows = 0;
  std::size_t dimensions = 0;
  std::size_t memory_bytes = 0;
};

// Thread-safe: searches run beside each other; a change is seen by searches that start after it
// returned.
class VectorIndex {
 public:
  virtual ~VectorIndex() = default;

  // Adds rows or replaces those whose id is known. `rows` is ids.size() × dimensions(), row-major.
  // All or nothing. Errors: kInvalidArgument (wrong size, a value that is not finite).
  virtual Result<void> Upsert(std::span<const std::uint64_t> ids, std::span<const float> rows) = 0;

  // Unknown ids are ignored.
  virtual void Remove(std::span<const std::uint64_t> ids) = 0;

  // The best `limit` rows that pass `filter`, best first, ties by id; fewer when there are fewer.
  // Errors: kInvalidArgument (wrong size, a value that is not finite).
  virtual Result<std::vector<VectorHit>> Search(std::span<const float> query, std::size_t limit,
                                                const IdFilter& filter = {}) const = 0;

  // The scores of those of `sample` rows, evenly spread over the index, that pass `filter`. A
  // sample of all rows is exact up to the precision of the index. O(sample × dimensions). Errors:
  // kInvalidArgument (wrong size, a value that is not finite).
  virtual Result<ScoreSpread> Spread(std::span<const float> query, std::size_t sample,
                                     const IdFilter& filter = {}) const = 0;

  // What is kept of rows, ids.size() × dimensions(), within the precision of the index; zeros for
  // unknown ids.
  virtual std::vector<float> Rows(std::span<const std::uint64_t> ids) const = 0;

  virtual std::size_t dimensions() const = 0;
  virtual VectorStats Stats() const = 0;
};

}  // namespace strata::vector
