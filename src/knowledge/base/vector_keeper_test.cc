#include "knowledge/base/vector_keeper.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/rng.h"
#include "vector/kernels.h"

namespace strata::knowledge {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDimensions = 16;
constexpr std::size_t kRows = 600;

class VectorKeeperTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = (fs::temp_directory_path() / "strata-keeper-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    std::ofstream(Database()) << "there";
    Rng rng(3);
    for (std::uint64_t id = 0; id < kRows; ++id) {
      ids_.push_back(id);
      for (std::size_t i = 0; i < kDimensions; ++i) {
        rows_.push_back(static_cast<float>(rng.Gaussian()));
      }
      vector::Normalize(std::span(rows_).last(kDimensions));
    }
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Database() const { return folder_ + "/kb-1.db"; }
  std::string GraphFile() const { return folder_ + "/kb-1.graph"; }

  std::unique_ptr<VectorKeeper> Keeper(Pool* pool) {
    VectorKeeperOptions options{.database = Database(), .graph_file = GraphFile(), .index = {}};
    options.index.dimensions = kDimensions;
    options.index.tier = {.exact_below = 100, .graph_from = 100, .random_row_cost = 0};
    auto keeper = std::make_unique<VectorKeeper>(std::move(options), pool);
    EXPECT_TRUE(keeper->index().Upsert(ids_, rows_).has_value());
    return keeper;
  }

  // Builds and saves the graph of generation `generation`.
  void Build(std::int64_t generation) {
    Pool pool("graphs", 1, 10);
    auto keeper = Keeper(&pool);
    keeper->Followed(generation);
    ASSERT_TRUE(Eventually([&] { return fs::exists(GraphFile()); }));
    EXPECT_EQ(keeper->graph_stats().linked, kRows);
  }

  static bool Eventually(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!done() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return done();
  }

  bool FindsItself(const VectorKeeper& keeper, std::uint64_t id) {
    const auto hits =
        keeper.index().Search(std::span(rows_).subspan(id * kDimensions, kDimensions), 1);
    return hits.has_value() && hits->size() == 1 && hits->front().id == id;
  }

  std::string folder_;
  std::vector<std::uint64_t> ids_;
  std::vector<float> rows_;
};

TEST_F(VectorKeeperTest, AGraphIsBuiltInTheBackgroundAndTakenUpAfterARestart) {
  Build(5);
  auto again = Keeper(nullptr);
  EXPECT_EQ(again->graph_stats().linked, 0U);
  again->Followed(6);
  EXPECT_EQ(again->graph_stats().linked, kRows);
  EXPECT_TRUE(FindsItself(*again, 17));
}

TEST_F(VectorKeeperTest, AFileThatIsNewerThanTheDatabaseOrDamagedIsMadeAgain) {
  Build(5);
  auto restored = Keeper(nullptr);
  restored->Followed(4);
  EXPECT_EQ(restored->graph_stats().linked, 0U);
  EXPECT_FALSE(fs::exists(GraphFile()));
  EXPECT_TRUE(FindsItself(*restored, 17));

  Build(5);
  std::fstream(GraphFile()).seekp(2000).put('\x7F').put('\x01');
  auto damaged = Keeper(nullptr);
  damaged->Followed(5);
  EXPECT_EQ(damaged->graph_stats().linked, 0U);
  EXPECT_FALSE(fs::exists(GraphFile()));
  EXPECT_TRUE(FindsItself(*damaged, 17));
  Build(5);
}

TEST_F(VectorKeeperTest, AGraphIsNotSavedBesideADeletedBase) {
  Pool pool("graphs", 1, 10);
  auto keeper = Keeper(&pool);
  fs::remove(Database());
  keeper->Followed(1);
  EXPECT_TRUE(Eventually([&] { return keeper->graph_stats().linked == kRows; }));
  keeper.reset();
  EXPECT_FALSE(fs::exists(GraphFile()));
}

TEST_F(VectorKeeperTest, ABaseIsClosedWhileItsGraphIsBeingBuilt) {
  Pool pool("graphs", 1, 10);
  auto keeper = Keeper(&pool);
  keeper->Followed(1);
  keeper.reset();
  SUCCEED();
}

}  // namespace
}  // namespace strata::knowledge
