// Lines of corpora: their strings are text, whatever they hold.

#include <gtest/gtest.h>

#include "knowledge/base/service_fixture.h"
#include "knowledge/corpus.h"

namespace strata::knowledge {
namespace {

class CorpusLinesTest : public ServiceFixture {
 protected:
  RetrievedChunk Found(std::string_view line, std::string query) {
    const auto base = MakeBase();
    const auto source = MakeCustom(base);
    auto document = ParseCorpusLine(line);
    EXPECT_TRUE(document.has_value());
    if (document.has_value()) Index(base, source, {std::move(*document)});
    auto found = Search(base, std::move(query));
    return found.empty() ? RetrievedChunk() : found[0];
  }
};

TEST_F(CorpusLinesTest, AControlCharacterLosesNoDocument) {
  const auto chunk = Found(R"({"_id": "a", "text": "A\u0000 tide\u0007 comes\u0085."})", "tide");
  EXPECT_EQ(chunk.text, "A  tide  comes .");
  EXPECT_EQ(chunk.start, 0);
  EXPECT_EQ(chunk.end, 16);
}

TEST_F(CorpusLinesTest, AByteOrderMarkIsACharacterOfTheText) {
  const auto chunk = Found(R"({"_id": "a", "text": "\uFEFFThe tide comes."})", "tide");
  EXPECT_EQ(chunk.text, "The tide comes.");
  EXPECT_EQ(chunk.start, 1);
  EXPECT_EQ(chunk.end, 16);
}

}  // namespace
}  // namespace strata::knowledge
