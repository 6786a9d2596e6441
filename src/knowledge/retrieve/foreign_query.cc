#include "knowledge/retrieve/foreign_query.h"

#include "provider/local_models.h"
#include "text/language.h"

namespace strata::knowledge {

bool IsForeign(std::string_view query, std::string_view embedder) {
  const bool english_only =
      embedder == provider::kBuiltinEmbedder || embedder == provider::kBuiltinStaticEmbedder;
  if (!english_only) return false;
  const auto language = text::GuessLanguage(query);
  return !language.empty() && language != "en";
}

}  // namespace strata::knowledge
