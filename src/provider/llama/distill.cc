// DistillStatic: every word piece through the transformer, then vector/static_embedder.h.
#include <fmt/format.h>

#include <algorithm>

#include "provider/llama/embedding_engine.h"
#include "provider/model_import.h"
#include "vector/static_embedder.h"

namespace strata::provider {

Result<> DistillStatic(const std::string& gguf_path, const std::string& output_path,
                       const std::function<void(double)>& progress) {
  STRATA_TRY(auto engine, llama::EmbeddingEngine::Load({.path = gguf_path}));
  vector::StaticRecipe recipe;
  recipe.vocabulary = engine->Vocabulary();
  if (recipe.vocabulary.empty()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} has no WordPiece vocabulary; only such models can be distilled",
                            gguf_path));
  }
  recipe.teacher = engine->name();
  recipe.teacher_dimensions = engine->dimensions();
  recipe.dimensions = std::min(recipe.dimensions, recipe.teacher_dimensions);
  auto ends = engine->Tokenize("");  // [CLS] [SEP]
  if (ends.size() != 2) return Fail(Code::kInternal, "an empty text is not two special tokens");
  constexpr std::size_t kTurn = 512;
  std::vector<std::vector<std::int32_t>> inputs;
  for (std::size_t id = 0; id < recipe.vocabulary.size(); ++id) {
    inputs.push_back({ends[0], static_cast<std::int32_t>(id), ends[1]});
    if (inputs.size() < kTurn && id + 1 < recipe.vocabulary.size()) continue;
    STRATA_CHECK_OK(engine->EmbedIds(inputs, recipe.token_vectors));
    inputs.clear();
    if (progress) {
      progress(static_cast<double>(id + 1) / static_cast<double>(recipe.vocabulary.size()));
    }
  }
  return vector::DistillStaticEmbedder(recipe, output_path);
}

}  // namespace strata::provider
