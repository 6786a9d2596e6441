#include "knowledge/retrieve/foreign_query.h"

#include <gtest/gtest.h>

#include "provider/local_models.h"

namespace strata::knowledge {
namespace {

TEST(ForeignQuery, IsOneThatTheBuiltInEmbeddersDoNotKnow) {
  for (const auto embedder : {provider::kBuiltinEmbedder, provider::kBuiltinStaticEmbedder}) {
    EXPECT_TRUE(IsForeign("Wie wird die Datei von dem Programm gelesen?", embedder));
    EXPECT_TRUE(IsForeign("ファイルの所有者を変更する", embedder));
    EXPECT_FALSE(IsForeign("How is the file read by the program?", embedder));
    EXPECT_FALSE(IsForeign("chmod", embedder));
    EXPECT_FALSE(IsForeign("", embedder));
  }
  EXPECT_FALSE(IsForeign("Wie wird die Datei von dem Programm gelesen?", "openai/embed"));
}

}  // namespace
}  // namespace strata::knowledge
