#include "vector/static_embedder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include "base/rng.h"

namespace strata::vector {
namespace {

namespace fs = std::filesystem;

StaticRecipe SmallRecipe() {
  StaticRecipe recipe;
  recipe.teacher = "teacher";
  recipe.vocabulary = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "of",
                       "river", "bank",  "money", "##s",   "."};
  recipe.teacher_dimensions = 8;
  recipe.dimensions = 4;
  Rng rng(11);
  recipe.token_vectors.resize(recipe.vocabulary.size() * 8);
  for (float& x : recipe.token_vectors) x = static_cast<float>(rng.Gaussian());
  return recipe;
}

class StaticEmbedderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("static-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    path_ = (folder_ / "m.bin").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string ReadAll() const {
    std::ifstream in(path_, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  void WriteAll(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(StaticEmbedderTest, VectorsAreUnitLengthAndKeepTheOrderOfNothing) {
  ASSERT_TRUE(DistillStaticEmbedder(SmallRecipe(), path_).has_value());
  auto model = StaticEmbedder::Open(path_);
  ASSERT_TRUE(model.has_value()) << model.error().message();
  std::vector<std::string> texts = {"The River banks.", "banks. river the", "zzz", ""};
  auto rows = (*model)->EmbedAll(texts);
  ASSERT_EQ(rows.size(), 4U * 4);
  double length = std::inner_product(rows.begin(), rows.begin() + 4, rows.begin(), 0.0);
  EXPECT_NEAR(length, 1, 1e-6);
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(rows[i], rows[4 + i], 1e-6);
  for (int i = 8; i < 16; ++i) EXPECT_EQ(rows[i], 0.0F) << "no known word piece: the zero vector";
  EXPECT_EQ((*model)->CountTokens("The River banks."), 5U);
}

TEST_F(StaticEmbedderTest, TheSameRecipeGivesTheSameBytesAndVersion) {
  ASSERT_TRUE(DistillStaticEmbedder(SmallRecipe(), path_).has_value());
  auto first = ReadAll();
  auto version = (*StaticEmbedder::Open(path_))->version();
  ASSERT_TRUE(DistillStaticEmbedder(SmallRecipe(), path_).has_value());
  EXPECT_EQ(ReadAll(), first);
  EXPECT_TRUE(version.starts_with("static-teacher-4:")) << version;
  auto other = SmallRecipe();
  other.token_vectors[40] += 1;
  ASSERT_TRUE(DistillStaticEmbedder(other, path_).has_value());
  EXPECT_NE((*StaticEmbedder::Open(path_))->version(), version);
}

TEST_F(StaticEmbedderTest, AFrequentWordWeighsLessThanARareOne) {
  auto recipe = SmallRecipe();
  ASSERT_TRUE(DistillStaticEmbedder(recipe, path_).has_value());
  auto model = *StaticEmbedder::Open(path_);
  std::vector<std::string> texts = {"the money", "the", "money"};
  auto rows = model->EmbedAll(texts);
  auto dot = [&](int a, int b) {
    return std::inner_product(rows.begin() + a * 4, rows.begin() + a * 4 + 4, rows.begin() + b * 4,
                              0.0);
  };
  EXPECT_GT(dot(0, 2), dot(0, 1));
}

TEST_F(StaticEmbedderTest, EveryDamagedFileIsRefused) {
  ASSERT_TRUE(DistillStaticEmbedder(SmallRecipe(), path_).has_value());
  const auto good = ReadAll();
  for (std::size_t cut : {std::size_t{0}, std::size_t{10}, std::size_t{60}, good.size() - 1}) {
    WriteAll(good.substr(0, cut));
    auto model = StaticEmbedder::Open(path_);
    ASSERT_FALSE(model.has_value()) << cut;
    EXPECT_EQ(model.error().code(), Code::kCorruption);
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x41);
    WriteAll(bad);
    EXPECT_FALSE(StaticEmbedder::Open(path_).has_value()) << "byte " << at;
  }
  auto missing = StaticEmbedder::Open(path_ + ".not-there");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
}

TEST_F(StaticEmbedderTest, RecipesThatDoNotFitAreRefused) {
  auto recipe = SmallRecipe();
  recipe.dimensions = 9;
  EXPECT_EQ(DistillStaticEmbedder(recipe, path_).error().code(), Code::kInvalidArgument);
  recipe = SmallRecipe();
  recipe.token_vectors.pop_back();
  EXPECT_EQ(DistillStaticEmbedder(recipe, path_).error().code(), Code::kInvalidArgument);
  recipe = SmallRecipe();
  recipe.vocabulary[4] = "a\nb";
  EXPECT_EQ(DistillStaticEmbedder(recipe, path_).error().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace strata::vector
