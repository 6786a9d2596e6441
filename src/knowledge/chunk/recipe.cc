// What decides about chunks: recipes and options.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "knowledge/chunker.h"

namespace strata::knowledge {
namespace {

// Goes up when the same recipe would give other chunks than before.
constexpr int kAlgorithm = 2;

constexpr auto kOptions = std::to_array<Option>({
    {"kb.chunk.tokens_target", OptionKind::kInteger, "tokens", "200", "16..4096",
     "Size that chunks are filled to, heading path included; the embedder's limit is never "
     "passed."},
    {"kb.chunk.overlap_percent", OptionKind::kInteger, "%", "0", "0..99",
     "Share of a chunk that is repeated, in whole sentences, at the start of the next."},
});

std::string_view StrategyName(ChunkStrategy strategy) {
  switch (strategy) {
    case ChunkStrategy::kFixedSize:
      return "fixed";
    case ChunkStrategy::kNone:
      return "none";
    case ChunkStrategy::kStructure:
      break;
  }
  return "structure";
}

}  // namespace

std::string ChunkRecipe::Version() const {
  return fmt::format("{}/{} target={} max={} overlap={}%", StrategyName(strategy), kAlgorithm,
                     tokens_target, tokens_max, overlap_percent);
}

Result<ChunkRecipe> RecipeFromBedrock(std::string_view strategy, std::int64_t max_tokens,
                                      std::int64_t overlap_percentage,
                                      std::int64_t embedder_tokens_max) {
  ChunkRecipe recipe;
  recipe.tokens_max = embedder_tokens_max;
  recipe.tokens_target = std::min(recipe.tokens_target, recipe.tokens_max);
  if (strategy.empty() || strategy == "STRUCTURE") return recipe;
  if (strategy == "NONE") {
    recipe.strategy = ChunkStrategy::kNone;
    return recipe;
  }
  if (strategy != "FIXED_SIZE") {
    return Fail(
        Code::kUnsupported,
        fmt::format("chunkingStrategy {} is not supported; supported: FIXED_SIZE, NONE, and "
                    "the structure-aware default when chunkingConfiguration is left out",
                    strategy.substr(0, 40)));
  }
  const std::string field = "chunkingConfiguration.fixedSizeChunkingConfiguration.";
  if (max_tokens < 1) return std::unexpected(InvalidArgument(field + "maxTokens", "must be >= 1"));
  if (overlap_percentage < 1 || overlap_percentage > 99) {
    return std::unexpected(InvalidArgument(field + "overlapPercentage", "must be from 1 to 99"));
  }
  recipe.strategy = ChunkStrategy::kFixedSize;
  recipe.tokens_target = std::clamp<std::int64_t>(max_tokens, 16, recipe.tokens_max);
  recipe.overlap_percent = static_cast<int>(overlap_percentage);
  return recipe;
}

OptionTable ChunkOptionTable() { return kOptions; }

ChunkRecipe ChunkRecipeFrom(const Options& options) {
  ChunkRecipe recipe;
  recipe.tokens_target = options.Integer("kb.chunk.tokens_target");
  recipe.tokens_max = std::max(recipe.tokens_max, recipe.tokens_target);
  recipe.overlap_percent = static_cast<int>(options.Integer("kb.chunk.overlap_percent"));
  return recipe;
}

}  // namespace strata::knowledge
