#include "vector/exact_index.h"

#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include "base/check.h"
#include "vector/fair_shared_mutex.h"
#include "vector/indexed_rows.h"

namespace strata::vector {
namespace {

constexpr std::size_t kDimensionsMax = 8192;  // what Kernels::dot_rows allows
constexpr std::size_t kCandidatesExtra = 32;  // scored again beside limit × oversampling

class ExactIndex final : public VectorIndex {
 public:
  explicit ExactIndex(const ExactIndexOptions& options)
      : options_(options), rows_(options.dimensions) {}

  Result<void> Upsert(std::span<const std::uint64_t> ids, std::span<const float> rows) override {
    STRATA_CHECK_OK(CheckValues(rows, ids.size() * dimensions(), "rows"));
    std::unique_lock lock(mutex_);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      std::span<const float> row = rows.subspan(i * dimensions(), dimensions());
      const std::int64_t known = rows_.Find(ids[i]);
      if (known < 0) {
        rows_.Add(ids[i], row);
      } else {
        rows_.Overwrite(static_cast<Slot>(known), row);
      }
    }
    return {};
  }

  void Remove(std::span<const std::uint64_t> ids) override {
    std::unique_lock lock(mutex_);
    for (std::uint64_t id : ids) {
      const std::int64_t known = rows_.Find(id);
      if (known >= 0) rows_.RemoveBySwap(static_cast<Slot>(known));
    }
  }

  Result<std::vector<VectorHit>> Search(std::span<const float> query, std::size_t limit,
                                        const IdFilter& filter) const override {
    STRATA_CHECK_OK(CheckValues(query, dimensions(), "query"));
    std::shared_lock lock(mutex_);
    limit = std::min(limit, rows_.live());
    if (limit == 0) return std::vector<VectorHit>();
    QuantizedQuery prepared = rows_.rows().Prepare(query);
    std::size_t wanted = std::min(limit * options_.oversampling + kCandidatesExtra, rows_.live());
    return rows_.Finish(prepared, limit,
                        rows_.Scan(prepared, wanted, filter, FilterOrder::kAfterScore));
  }

  Result<ScoreSpread> Spread(std::span<const float> query, std::size_t sample,
                             const IdFilter& filter) const override {
    STRATA_CHECK_OK(CheckValues(query, dimensions(), "query"));
    std::shared_lock lock(mutex_);
    return rows_.Spread(rows_.rows().Prepare(query), sample, filter);
  }

  std::vector<float> Rows(std::span<const std::uint64_t> ids) const override {
    std::shared_lock lock(mutex_);
    return rows_.Copy(ids);
  }

  std::size_t dimensions() const override { return options_.dimensions; }

  VectorStats Stats() const override {
    std::shared_lock lock(mutex_);
    return {.rows = rows_.live(), .dimensions = dimensions(), .memory_bytes = rows_.memory_bytes()};
  }

 private:
  const ExactIndexOptions options_;
  mutable FairSharedMutex mutex_;
  IndexedRows rows_;
};

}  // namespace

std::unique_ptr<VectorIndex> MakeExactIndex(const ExactIndexOptions& options) {
  STRATA_CHECK(options.dimensions >= 1 && options.dimensions <= kDimensionsMax,
               "dimensions of a vector index must be 1..8192");
  return std::make_unique<ExactIndex>(options);
}

}  // namespace strata::vector
