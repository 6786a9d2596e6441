#include "text/word_pieces.h"

#include <gtest/gtest.h>

namespace strata::text {
namespace {

constexpr std::string_view kVocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\nrun\n##ning\n.\n,\n'\nt\ndon\ncafe\n[\n]\nsep\n"
    "\xE4\xB8\xAD\na\n##a\n#\n##b\nb\n";

WordPieces Make() { return *WordPieces::Parse(kVocabulary); }

std::string Pieces(std::string_view text) {
  WordPieces pieces = Make();
  std::vector<WordPiece> found;
  pieces.Encode(text, found);
  std::string out;
  for (const WordPiece& piece : found) {
    if (!out.empty()) out += ' ';
    out += pieces.Piece(piece.id);
  }
  return out;
}

std::string Spans(std::string_view text) {
  std::vector<WordPiece> found;
  Make().Encode(text, found);
  std::string out;
  for (const WordPiece& piece : found) {
    out += "<" + std::string(text.substr(piece.begin, piece.end - piece.begin)) + ">";
  }
  return out;
}

TEST(WordPieces, TakesTheLongestPieceFirst) {
  EXPECT_EQ(Pieces("unaffable running"), "un ##aff ##able run ##ning");
}

TEST(WordPieces, AWordWithAnUnknownRestIsUnknownAsAWhole) {
  EXPECT_EQ(Pieces("unaffablez run"), "[UNK] run");
}

TEST(WordPieces, LowersCaseDropsAccentsAndSplitsPunctuation) {
  EXPECT_EQ(Pieces("UNaffable, Caf\u00E9."), "un ##aff ##able , cafe .");
  EXPECT_EQ(Pieces("cafe\u0301"), "cafe");
  EXPECT_EQ(Pieces("Don't"), "don ' t");
}

TEST(WordPieces, SetsIdeographsApartAndDropsControls) {
  EXPECT_EQ(Pieces("a\u4E2Da"), "a \u4E2D a");
  EXPECT_EQ(Pieces(std::string_view("r\0u\u200Bn\xFF", 8)), "run");
}

TEST(WordPieces, SpecialPiecesInTheTextArePlainText) {
  EXPECT_EQ(Pieces("[SEP]"), "[ sep ]");
  EXPECT_EQ(Pieces("##b"), "# # b");
}

TEST(WordPieces, WordsOfMoreThanAHundredCharactersAreUnknown) {
  EXPECT_EQ(Pieces(std::string(101, 'a')), "[UNK]");
  EXPECT_EQ(Make().Count(std::string(100, 'a')), 100U);
  EXPECT_EQ(Spans("b " + std::string(5000, 'a') + " b"), "<b><" + std::string(5000, 'a') + "><b>");
}

TEST(WordPieces, SpansAreTheBytesOfTheSource) {
  EXPECT_EQ(Spans("  Unaffable,run"), "<Un><aff><able><,><run>");
  EXPECT_EQ(Spans("Caf\u00E9 cafe\u0301 x"), "<Caf\u00E9><cafe\u0301><x>");
}

TEST(WordPieces, CountAndIdsAgreeWithPiecesAndStopAtTheLimit) {
  WordPieces pieces = Make();
  std::string text = "unaffable running, don't zzz";
  std::vector<WordPiece> found;
  std::vector<std::int32_t> ids;
  pieces.Encode(text, found);
  pieces.EncodeIds(text, ids);
  ASSERT_EQ(found.size(), ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(found[i].id, ids[i]);
  EXPECT_EQ(pieces.Count(text), ids.size());
  EXPECT_EQ(pieces.Count(text, 3), 3U);
  ids.clear();
  pieces.EncodeIds(text, ids, 2);
  EXPECT_EQ(ids.size(), 2U);
  pieces.EncodeIds(text, ids, 0);
  EXPECT_EQ(ids.size(), 2U);
}

TEST(WordPieces, ModelInputIsFramedAndCut) {
  WordPieces pieces = Make();
  EXPECT_EQ(pieces.ModelInput("run", 8), (std::vector<std::int32_t>{2, 7, 3}));
  EXPECT_EQ(pieces.ModelInput("unaffable run", 4), (std::vector<std::int32_t>{2, 4, 5, 3}));
  EXPECT_EQ(pieces.ModelInput("run", 0), (std::vector<std::int32_t>{2, 3}));
}

TEST(WordPieces, RefusesBrokenVocabularies) {
  EXPECT_EQ(WordPieces::Parse("[PAD]\n[UNK]\n[CLS]\n").error().message(),
            "the vocabulary lacks [SEP]");
  EXPECT_FALSE(WordPieces::Parse("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\na\n").has_value());
  EXPECT_FALSE(WordPieces::Parse("[PAD]\n\n[UNK]\n[CLS]\n[SEP]\n").has_value());
  EXPECT_EQ(WordPieces::Load("/nonexistent/vocab.txt").error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace strata::text
