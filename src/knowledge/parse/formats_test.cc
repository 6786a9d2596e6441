#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "knowledge/document_format.h"
#include "knowledge/parse/charset.h"
#include "knowledge/parse/document_check.h"
#include "knowledge/parse/in_process.h"

namespace strata::knowledge {
namespace {

using domain::BlockType;
using testing::ElementsAre;
using testing::HasSubstr;

domain::ParsedDocument Parsed(std::string_view media_type, std::string_view bytes) {
  auto document = ParseInProcess("document", media_type, bytes, ParseLimits{});
  EXPECT_TRUE(document.has_value()) << document.error().message();
  if (!document) return {};
  const auto checked = CheckDocument(*document);
  EXPECT_TRUE(checked.has_value()) << checked.error().message();
  return std::move(*document);
}

std::vector<std::string> Shapes(const domain::ParsedDocument& document) {
  constexpr std::string_view kLetters = "HPLTCFhf";
  std::vector<std::string> shapes;
  for (const auto& part : document.parts) {
    shapes.push_back(std::string(1, kLetters[static_cast<std::size_t>(part.type)]) +
                     std::to_string(part.level) + " " + part.text);
  }
  return shapes;
}

TEST(MarkdownParser, GivesHeadingsListsCodeAndTables) {
  const auto document = Parsed("text/markdown",
                               "---\ntitle: Guide\ntags:\n  - a\n  - b\n---\n# One\n\nSome *text* "
                               "with a [link](http://x).\n\n1. first\n2. second\n   - nested\n\n"
                               "```\nint  x;\n```\n\n| a | b |\n|---|---|\n| 1 | 2\\|3 |\n");
  EXPECT_EQ(document.title, "Guide");
  EXPECT_EQ(document.metadata.text, R"({"title":"Guide","tags":"a, b"})");
  EXPECT_THAT(Shapes(document), ElementsAre("H1 One", "P0 Some text with a link.", "L0 1. first",
                                            "L0 2. second", "L1 - nested", "C0 int  x;",
                                            "T0 | a | b |\n| --- | --- |\n| 1 | 2\\|3 |"));
}

TEST(MarkdownParser, RefusesDeepNesting) {
  std::string deep;
  for (int i = 0; i < 3000; ++i) deep += "> ";
  const auto document = ParseInProcess("a.md", "text/markdown", deep + "x", ParseLimits{});
  ASSERT_FALSE(document.has_value());
  EXPECT_EQ(document.error().code(), Code::kTooLarge);
  EXPECT_THAT(document.error().message(), HasSubstr("kb.parse.nesting_max"));
}

TEST(HtmlParser, KeepsTheContentAndDropsTheFrame) {
  const auto document = Parsed(
      "text/html",
      "<html lang=de-AT><head><title>T &amp; U</title><script>x()</script></head><body>"
      "<nav>Home About</nav><div class=sidebar>ads</div><h1>Head</h1><p>One <b>two</b>\n three."
      "<ul><li>a<ul><li>b</ul></ul><ol><li>x<li>y</ol><pre> k = 1\n  j</pre>"
      "<div style='display: none'>hidden</div><footer>imprint</footer></body></html>");
  EXPECT_EQ(document.title, "T & U");
  EXPECT_EQ(document.language, "de");
  EXPECT_THAT(Shapes(document), ElementsAre("H1 Head", "P0 One two three.", "L0 - a", "L1 - b",
                                            "L0 1. x", "L0 2. y", "C0  k = 1\n  j"));
}

TEST(HtmlParser, SpreadsSpannedCellsOverTheGrid) {
  const auto document = Parsed("text/html",
                               "<table><caption>Cap</caption><tr><th rowspan=2>a<th colspan=2>b"
                               "<tr><td>1<td>2|3</table>");
  EXPECT_THAT(Shapes(document),
              ElementsAre("F0 Cap", "T0 | a | b | |\n| --- | --- | --- |\n| a | 1 | 2\\|3 |"));
}

TEST(HtmlParser, AListOfNamesAndValuesHasNoHeader) {
  const auto document = Parsed("text/html",
                               "<table><tr><td>Owner<td>Ada<tr><td>Beds<td>48<tr><td>Lunch<td>12:30"
                               "</table><p>x</p><table><tr><td>Item<td>Price<tr><td>Veil<td>22"
                               "<tr><td>Comb<td>3</table>");
  EXPECT_THAT(
      Shapes(document),
      ElementsAre("T0 | | |\n| --- | --- |\n| Owner | Ada |\n| Beds | 48 |\n"
                  "| Lunch | 12:30 |",
                  "P0 x", "T0 | Item | Price |\n| --- | --- |\n| Veil | 22 |\n| Comb | 3 |"));
}

TEST(HtmlParser, RefusesDeepNestingWithoutOverflowingTheStack) {
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "<div>";
  const auto document = ParseInProcess("a.html", "text/html", deep, ParseLimits{});
  ASSERT_FALSE(document.has_value());
  EXPECT_EQ(document.error().code(), Code::kTooLarge);
}

TEST(CsvParser, SniffsTheDelimiterAndReadsQuotes) {
  const auto document = Parsed("text/csv", "a;b\n\"x;\"\"y\"\"\";\"1\n2\"\n");
  EXPECT_THAT(Shapes(document), ElementsAre("T0 | a | b |\n| --- | --- |\n| x;\"y\" | 1 2 |"));
}

TEST(CsvParser, BoundsTheTableNotOnlyTheInput) {
  std::string bytes = "h" + std::string(3000, ',');
  for (int i = 0; i < 20'000; ++i) bytes += "\nx";
  const auto document = ParseInProcess("a.csv", "text/csv", bytes, ParseLimits{});
  ASSERT_FALSE(document.has_value());
  EXPECT_EQ(document.error().code(), Code::kTooLarge);
}

TEST(PlainText, FindsHeadingsListsAndParagraphs) {
  const auto document = Parsed("text/plain",
                               "Title\n=====\n\nA paragraph\nof two lines.\n\n- one\n- two\n\n"
                               "2.1 Second part\n\nANNEX DATA\n");
  EXPECT_THAT(Shapes(document), ElementsAre("H1 Title", "P0 A paragraph\nof two lines.", "L0 - one",
                                            "L0 - two", "H2 2.1 Second part", "H1 ANNEX DATA"));
}

TEST(PlainText, DecodesMarksAndLegacyCharsets) {
  EXPECT_EQ(Parsed("text/plain", "\xEF\xBB\xBFgr\xC3\xBCn").text, "gr\xC3\xBCn");
  EXPECT_EQ(Parsed("text/plain", std::string_view("\xFF\xFEg\0r\0\xFC\0n\0", 10)).text,
            "gr\xC3\xBCn");
  EXPECT_EQ(Parsed("text/plain", std::string_view("\xFE\xFF\0g\0r\0\xFC\0n", 10)).text,
            "gr\xC3\xBCn");
  EXPECT_EQ(Parsed("text/plain", std::string_view("g\0r\0\xFC\0n\0 \0i\0s\0 \0i\0t\0", 20)).text,
            "gr\xC3\xBCn is it");
  EXPECT_EQ(Parsed("text/plain; charset=iso-8859-2",
                   "\xB3\xF3"
                   "dka")
                .text,
            "\xC5\x82\xC3\xB3"
            "dka");
  EXPECT_EQ(Parsed("text/plain", "caf\xE9 au lait, d\xE9j\xE0 vu").text,
            "caf\xC3\xA9 au lait, d\xC3\xA9j\xC3\xA0 vu");
}

// Random bytes, a program, small numbers of two bytes: nothing that a search should find.
TEST(PlainText, RefusesWhatIsNoText) {
  std::string noise;
  for (unsigned i = 0, x = 1; i < 5000; ++i, x = x * 1664525 + 1013904223) {
    noise += static_cast<char>(x >> 24);
  }
  const std::string program = std::string(
                                  "\x7f"
                                  "ELF\x02\x01\x01",
                                  7) +
                              std::string(60, '\0') + "the strings of a program are text";
  std::string numbers;
  for (int i = 0; i < 400; ++i) (numbers += static_cast<char>(i % 20 + 1)) += '\0';
  std::string joined;  // words between zero bytes, at odd places: valid UTF-16 of Chinese letters
  for (int i = 0; i < 10; ++i) joined += std::string("hello\0world\n", 12);
  for (const auto& bytes : {noise, "\xEF\xBB\xBF" + noise, program, numbers, joined}) {
    for (const std::string_view type : {"text/plain", "text/markdown", "text/csv"}) {
      const auto document = ParseInProcess("a", type, bytes, ParseLimits{});
      ASSERT_FALSE(document.has_value()) << type << document->text.substr(0, 100);
      EXPECT_EQ(document.error().code(), Code::kUnsupported);
      EXPECT_THAT(document.error().message(), HasSubstr("binary"));
    }
  }
  EXPECT_TRUE(Parsed("text/plain", "\x1b[32mINFO\x1b[0m started\f\n").text.find("started") > 0);
}

TEST(PlainText, SaysWhenAnEncodingWasGuessedOrBytesWereReplaced) {
  EXPECT_EQ(EncodingNote("gr\xC3\xBCn"), "");
  EXPECT_EQ(EncodingNote("\xEF\xBB\xBFgr\xC3\xBCn"), "");
  EXPECT_EQ(EncodingNote(std::string_view("\xFF\xFEg\0r\0", 6)), "");
  EXPECT_THAT(EncodingNote("caf\xE9 au lait, d\xE9j\xE0 vu"), HasSubstr("windows-1252"));
  EXPECT_THAT(EncodingNote("\xEF\xBB\xBFgr\xFCn"), HasSubstr("U+FFFD"));
}

TEST(ParseInProcess, NamesTheFormatsItKnowsWhenItDoesNot) {
  const auto document = ParseInProcess("a.docx", "", "PK\x03\x04...", ParseLimits{});
  ASSERT_FALSE(document.has_value());
  EXPECT_EQ(document.error().code(), Code::kUnsupported);
  EXPECT_THAT(document.error().message(), HasSubstr("PDF (application/pdf)"));
  EXPECT_THAT(document.error().message(), HasSubstr("wordprocessingml"));
}

TEST(DetectMediaType, LooksAtBytesBeforeTheName) {
  EXPECT_EQ(DetectMediaType("x.bin", "%PDF-1.7\n"), "application/pdf");
  EXPECT_EQ(DetectMediaType("x.txt", "%PDF-1.7 is how a PDF begins"), "text/plain");
  EXPECT_EQ(DetectMediaType("x", " <!DOCTYPE html><p>"), "text/html");
  EXPECT_EQ(DetectMediaType("a/b.md", "# x"), "text/markdown");
  EXPECT_EQ(DetectMediaType("README", "plain words"), "text/plain");
  EXPECT_EQ(DetectMediaType("x", std::string_view("\0\1\2\3", 4)), "application/octet-stream");
}

TEST(DocumentFormat, EscapesHtmlAndCountsCodePoints) {
  const auto document = Parsed("text/markdown", "# \xC3\x84<b>\n\nx & y");
  EXPECT_THAT(DocumentToHtml(document), HasSubstr("<p>x &amp; y</p>"));
  const std::string json = DocumentToJson(document);
  EXPECT_THAT(json, HasSubstr(R"("type":"paragraph","level":0,"start":3,"end":8)"));
  EXPECT_EQ(FormatDocument(document, "docx").error().field(), "format");
}

}  // namespace
}  // namespace strata::knowledge
