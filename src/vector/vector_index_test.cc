// Every implementation of VectorIndex against its contract.

#include "vector/exact_index.h"
#include "vector/graph_index.h"
#include "vector/vector_index_contract.h"

namespace strata::vector {
namespace {

using std::chrono::milliseconds;

// Options with which the graph answers whatever it can, however few rows there are.
GraphIndexOptions AlwaysGraph(std::size_t dimensions) {
  return {.dimensions = dimensions,
          .tier = {.exact_below = 1, .graph_from = 1, .random_row_cost = 0, .filter_cost = 0}};
}

void TendAll(GraphIndex& index) {
  while (index.Tend(milliseconds(1000))) {
  }
}

// A GraphIndex whose graph knows every change before it is searched.
class Tended final : public VectorIndex {
 public:
  explicit Tended(const GraphIndexOptions& options) : index_(options) {}
  Result<void> Upsert(std::span<const std::uint64_t> ids, std::span<const float> rows) override {
    auto done = index_.Upsert(ids, rows);
    TendAll(index_);
    return done;
  }
  void Remove(std::span<const std::uint64_t> ids) override {
    index_.Remove(ids);
    TendAll(index_);
  }
  Result<std::vector<VectorHit>> Search(std::span<const float> query, std::size_t limit,
                                        const IdFilter& filter) const override {
    return index_.Search(query, limit, filter);
  }
  Result<ScoreSpread> Spread(std::span<const float> query, std::size_t sample,
                             const IdFilter& filter) const override {
    return index_.Spread(query, sample, filter);
  }
  std::vector<float> Rows(std::span<const std::uint64_t> ids) const override {
    return index_.Rows(ids);
  }
  std::size_t dimensions() const override { return index_.dimensions(); }
  VectorStats Stats() const override { return index_.Stats(); }

 private:
  GraphIndex index_;
};

std::unique_ptr<VectorIndex> MakeExact(std::size_t dimensions) {
  return MakeExactIndex({.dimensions = dimensions});
}
std::unique_ptr<VectorIndex> MakeSmall(std::size_t dimensions) {
  return std::make_unique<GraphIndex>(GraphIndexOptions{.dimensions = dimensions});
}
std::unique_ptr<VectorIndex> MakeTended(std::size_t dimensions) {
  return std::make_unique<Tended>(AlwaysGraph(dimensions));
}
std::unique_ptr<VectorIndex> MakeUntended(std::size_t dimensions) {
  return std::make_unique<GraphIndex>(AlwaysGraph(dimensions));
}

// One-bit codes and no graph, however few rows there are.
std::unique_ptr<VectorIndex> MakeCoded(std::size_t dimensions) {
  return std::make_unique<Tended>(GraphIndexOptions{
      .dimensions = dimensions,
      .tier = {.exact_below = 1, .random_row_cost = 0, .code_cost = 0, .filter_cost = 0},
      .code_candidates = 100});
}

INSTANTIATE_TEST_SUITE_P(Exact, VectorIndexContract,
                         testing::Values(VectorIndexCase{.make = MakeExact}));
INSTANTIATE_TEST_SUITE_P(Scanned, VectorIndexContract,
                         testing::Values(VectorIndexCase{.make = MakeSmall}));
INSTANTIATE_TEST_SUITE_P(Untended, VectorIndexContract,
                         testing::Values(VectorIndexCase{.make = MakeUntended}));
INSTANTIATE_TEST_SUITE_P(Coded, VectorIndexContract,
                         testing::Values(VectorIndexCase{.make = MakeCoded, .recall = 0.9}));
INSTANTIATE_TEST_SUITE_P(Graph, VectorIndexContract,
                         testing::Values(VectorIndexCase{.make = MakeTended, .recall = 0.97}));

}  // namespace
}  // namespace strata::vector
