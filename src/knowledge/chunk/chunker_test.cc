#include "knowledge/chunker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/rng.h"
#include "knowledge/parse/in_process.h"

namespace strata::knowledge {
namespace {

using testing::HasSubstr;

// Words and punctuation marks, as a word piece vocabulary counts at least.
std::int64_t CountWords(std::string_view text) {
  std::int64_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
    const bool space = c == ' ' || c == '\n' || c == '\t';
    words += (letter && !inside) || (!letter && !space) ? 1 : 0;
    inside = letter;
  }
  return words;
}

domain::ParsedDocument Markdown(std::string_view text) {
  auto document = ParseInProcess("a.md", "text/markdown", text, ParseLimits{});
  EXPECT_TRUE(document.has_value());
  return document ? std::move(*document) : domain::ParsedDocument{};
}

std::vector<domain::Chunk> Split(const ChunkRecipe& recipe,
                                 const domain::ParsedDocument& document) {
  const auto chunker = MakeChunker(recipe, CountWords);
  EXPECT_TRUE(chunker.has_value());
  auto chunks = (*chunker)->Split(document, {"doc", "file:///a.md"});
  EXPECT_TRUE(chunks.has_value());
  return chunks ? std::move(*chunks) : std::vector<domain::Chunk>{};
}

std::string Sentences(int from, int to) {
  std::string out;
  for (int i = from; i < to; ++i) {
    out += "Sentence number " + std::to_string(i) + " says a little about the topic. ";
  }
  return out;
}

// A document of random structure: sections, paragraphs, lists, tables, code, a very long word.
std::string RandomMarkdown(Rng& rng) {
  std::string out;
  const auto count = static_cast<int>(3 + rng.Below(25));
  for (int i = 0; i < count; ++i) {
    switch (rng.Below(7)) {
      case 0:
        out += std::string(1 + rng.Below(4), '#') + " Heading " + std::to_string(i) + "\n\n";
        break;
      case 1:
        for (std::uint64_t r = 0, rows = 1 + rng.Below(40); r < rows; ++r) {
          out += "| cell " + std::to_string(r) + " | value |\n" + (r == 0 ? "|---|---|\n" : "");
        }
        out += '\n';
        break;
      case 2:
        for (std::uint64_t r = 0, rows = 1 + rng.Below(20); r < rows; ++r)
          out += "- an item of it\n";
        out += '\n';
        break;
      case 3:
        out += "```\nline of code();\n    more();\n```\n\n";
        break;
      case 4:
        out +=
            std::string(1 + rng.Below(3000), 'x') + "\xC3\xA4 ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n\n";
        break;
      default:
        out += Sentences(0, static_cast<int>(1 + rng.Below(30))) + "\n\n";
    }
  }
  return out;
}

void ExpectPromises(const domain::ParsedDocument& document,
                    const std::vector<domain::Chunk>& chunks, const ChunkRecipe& recipe) {
  std::vector<bool> covered(document.text.size());
  std::set<std::string> ids;
  std::size_t at = 0;
  for (const auto& chunk : chunks) {
    ASSERT_LE(chunk.end, document.text.size());
    EXPECT_EQ(chunk.text, document.text.substr(chunk.start, chunk.end - chunk.start));
    EXPECT_LE(CountWords(EmbeddedText(chunk)), recipe.tokens_max);
    const auto text = EmbeddedText(chunk);
    EXPECT_EQ(chunk.tokens,
              std::max(CountWords(text), static_cast<std::int64_t>(text.size() / 16)));
    EXPECT_GE(chunk.start, at) << "document order";
    EXPECT_TRUE(ids.insert(chunk.id).second) << "ids are unique";
    at = chunk.start;
    for (std::size_t i = chunk.start; i < chunk.end; ++i) covered[i] = true;
  }
  for (const auto& part : document.parts) {
    for (std::size_t i = part.start; i < part.end; ++i) {
      const char c = document.text[i];
      if (c != ' ' && c != '\n') ASSERT_TRUE(covered[i]) << "byte " << i << " is in no chunk";
    }
  }
}

TEST(Chunker, AWordWithoutEndIsCut) {
  ChunkRecipe recipe;
  recipe.tokens_target = recipe.tokens_max = 64;
  const auto chunks =
      Split(recipe, Markdown("A hull. " + std::string(100'000, 'a') + " It floats."));
  EXPECT_GE(chunks.size(), 90U);
  for (const auto& chunk : chunks) EXPECT_LE(chunk.text.size(), 64U * 16 + 15);
}

TEST(Chunker, KeepsItsPromisesOnRandomDocuments) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Rng rng(seed);
    const auto document = Markdown(RandomMarkdown(rng));
    ChunkRecipe recipe;
    recipe.strategy = seed % 3 == 0 ? ChunkStrategy::kFixedSize : ChunkStrategy::kStructure;
    recipe.tokens_max = static_cast<std::int64_t>(32 + rng.Below(200));
    recipe.tokens_target = static_cast<std::int64_t>(
        16 + rng.Below(static_cast<std::uint64_t>(recipe.tokens_max) - 15));
    recipe.overlap_percent = static_cast<int>(rng.Below(3)) * 30;
    const auto chunks = Split(recipe, document);
    SCOPED_TRACE(seed);
    ExpectPromises(document, chunks, recipe);
    const auto again = Split(recipe, document);
    ASSERT_EQ(chunks.size(), again.size());
    for (std::size_t i = 0; i < chunks.size(); ++i) EXPECT_EQ(chunks[i].id, again[i].id);
  }
}

TEST(Chunker, CutsBetweenSentencesOnly) {
  const auto document = Markdown(Sentences(0, 200));
  for (const auto& chunk : Split({}, document)) {
    EXPECT_TRUE(chunk.text.starts_with("Sentence")) << chunk.text;
    EXPECT_TRUE(chunk.text.ends_with(".")) << chunk.text;
    EXPECT_GT(chunk.tokens, 100);
  }
}

TEST(Chunker, PutsTheHeadingPathBeforeTheTextOnce) {
  const auto chunks =
      Split({}, Markdown("# Guide\n\n" + Sentences(0, 40) + "\n\n## Setup\n\n" + Sentences(0, 60)));
  ASSERT_GE(chunks.size(), 4U);
  EXPECT_TRUE(chunks[0].text.starts_with("Guide\n\n"));
  EXPECT_EQ(chunks[0].context, "");
  const auto& last = chunks.back();
  EXPECT_EQ(last.context, "Guide > Setup");
  EXPECT_THAT(last.headings, testing::ElementsAre("Guide", "Setup"));
  EXPECT_EQ(EmbeddedText(last), "Guide > Setup\n" + last.text);
}

TEST(Chunker, RepeatsTheHeaderRowOfASplitTable) {
  std::string table = "# T\n\n| Country | Cases |\n|---|---|\n";
  for (int i = 0; i < 120; ++i) table += "| Land" + std::to_string(i) + " | 1 |\n";
  const auto chunks = Split({}, Markdown(table));
  ASSERT_GT(chunks.size(), 2U);
  for (std::size_t i = 1; i < chunks.size(); ++i) {
    EXPECT_EQ(chunks[i].context, "T\n| Country | Cases |");
    EXPECT_TRUE(chunks[i].text.starts_with("| Land"));
  }
}

TEST(Chunker, MergesSmallSectionsAndKeepsHeadingsWithTheirText) {
  const auto chunks = Split(
      {}, Markdown("# A\n\n## B\n\nShort.\n\n## C\n\nShort too.\n\n# D\n\n" + Sentences(0, 12)));
  ASSERT_EQ(chunks.size(), 2U);
  EXPECT_EQ(chunks[0].text, "A\n\nB\n\nShort.\n\nC\n\nShort too.");
  EXPECT_TRUE(chunks[1].text.starts_with("D\n\nSentence"));
}

TEST(Chunker, OverlapsByWholeSentences) {
  ChunkRecipe recipe;
  recipe.strategy = ChunkStrategy::kFixedSize;
  recipe.tokens_target = 60;
  recipe.overlap_percent = 30;
  const auto chunks = Split(recipe, Markdown(Sentences(0, 60)));
  ASSERT_GT(chunks.size(), 3U);
  for (std::size_t i = 1; i < chunks.size(); ++i) {
    EXPECT_LT(chunks[i].start, chunks[i - 1].end);
    EXPECT_TRUE(chunks[i].text.starts_with("Sentence"));
  }
}

TEST(Chunker, IdsChangeWithDocumentSourceAndRecipe) {
  const auto document = Markdown("One sentence.");
  ChunkRecipe other;
  other.tokens_target = 100;
  const auto a = MakeChunker({}, CountWords), b = MakeChunker(other, CountWords);
  const auto id = [&](const auto& chunker, const char* uri, const char* owner = "d") {
    return (*(*chunker)->Split(document, {owner, uri}))[0].id;
  };
  EXPECT_EQ(id(a, "u"), id(a, "u"));
  EXPECT_NE(id(a, "u"), id(a, "u", "e"));
  EXPECT_NE(id(a, "u"), id(a, "v"));
  EXPECT_NE(id(a, "u"), id(b, "u"));
}

TEST(ChunkRecipe, RefusesWhatIsNotSupportedByName) {
  for (const char* name : {"HIERARCHICAL", "SEMANTIC"}) {
    const auto recipe = RecipeFromBedrock(name, 300, 20, 254);
    ASSERT_FALSE(recipe.has_value());
    EXPECT_EQ(recipe.error().code(), Code::kUnsupported);
    EXPECT_THAT(recipe.error().message(), HasSubstr("FIXED_SIZE"));
  }
  EXPECT_EQ(RecipeFromBedrock("FIXED_SIZE", 300, 20, 254)->tokens_target, 254);
  EXPECT_THAT(RecipeFromBedrock("FIXED_SIZE", 300, 0, 254).error().field(),
              HasSubstr("overlapPercentage"));
}

TEST(ChunkRecipe, NoneIsOneChunkOrAClearRefusal) {
  const auto recipe = RecipeFromBedrock("NONE", 0, 0, 254);
  ASSERT_TRUE(recipe.has_value());
  EXPECT_EQ(Split(*recipe, Markdown("# A\n\nText.")).size(), 1U);
  const auto chunker = MakeChunker(*recipe, CountWords);
  const auto large = (*chunker)->Split(Markdown(Sentences(0, 100)), {"d", "u"});
  ASSERT_FALSE(large.has_value());
  EXPECT_EQ(large.error().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace strata::knowledge
