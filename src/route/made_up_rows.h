#pragma once
// For tests: made-up outcomes whose rule is known, and a small embedder that knows their words. The
// cheap model answers easy questions as well as the strong one, and hard ones seldom.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "route/trainer.h"

namespace strata::route {

inline const std::vector<std::string> kEasyWords = {"colour", "apple", "house",
                                                    "garden", "river", "summer"};
inline const std::vector<std::string> kHardWords = {"tensor", "lemma",  "quark",
                                                    "enzyme", "torque", "cohort"};
inline const std::vector<std::string> kStrangeWords = {"zzyx", "qwrt", "bnmk", "plok"};

inline std::shared_ptr<const vector::StaticEmbedder> Embedder() {
  static const auto kEmbedder = [] {
    vector::StaticRecipe recipe;
    recipe.teacher = "teacher";
    recipe.vocabulary = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "is", "of", "what", "?"};
    for (const auto* words : {&kEasyWords, &kHardWords, &kStrangeWords}) {
      recipe.vocabulary.insert(recipe.vocabulary.end(), words->begin(), words->end());
    }
    recipe.teacher_dimensions = 16;
    recipe.dimensions = 8;
    Rng rng(2);
    recipe.token_vectors.resize(recipe.vocabulary.size() * 16);
    for (float& x : recipe.token_vectors) x = static_cast<float>(rng.Gaussian());
    auto path =
        (std::filesystem::temp_directory_path() / ("r-" + std::to_string(::getpid()))).string();
    EXPECT_TRUE(vector::DistillStaticEmbedder(recipe, path).has_value());
    auto opened = vector::StaticEmbedder::Open(path);
    std::filesystem::remove(path);
    return *opened;
  }();
  return kEmbedder;
}

inline std::string Prompt(Rng& rng, const std::vector<std::string>& words) {
  std::string prompt = "What is the";
  for (int i = 0; i < 6; ++i) prompt += " " + words[rng.Below(words.size())];
  return prompt + "?";
}

// The cheap model answers easy questions as well as the strong one, and hard ones seldom.
inline std::vector<OutcomeRow> Rows(std::size_t n, std::uint64_t seed,
                                    const std::string& source = "s") {
  Rng rng(seed);
  std::vector<OutcomeRow> rows;
  for (std::size_t i = 0; i < n; ++i) {
    bool hard = rng.Unit() < 0.4;
    OutcomeRow row;
    row.id = source + std::to_string(seed) + "-" + std::to_string(i);
    row.source = source;
    row.prompt = Prompt(rng, hard ? kHardWords : kEasyWords);
    auto add = [&](const char* model, double chance, double price) {
      ModelOutcome o;
      o.model = model;
      o.quality = rng.Unit() < chance ? 1 : 0;
      o.input_tokens = static_cast<double>(row.prompt.size()) / 4;
      o.output_tokens = hard ? 200 : 50;
      o.cost = price * (o.input_tokens + 4 * o.output_tokens);
      row.outcomes.push_back(o);
    };
    add("cheap", hard ? 0.3 : 0.95, 1e-7);
    add("middle", hard ? 0.6 : 0.95, 5e-7);
    add("strong", 0.95, 1e-5);
    rows.push_back(std::move(row));
  }
  return rows;
}

inline Result<RouterState> TrainOn(const std::vector<OutcomeRow>& rows,
                                   const TrainOptions& options) {
  auto features = ExtractAll(rows, *Embedder());
  std::vector<const FeatureRow*> use;
  for (const auto& f : features) use.push_back(&f);
  return TrainRouter(use, Embedder()->version(), options);
}

}  // namespace strata::route
