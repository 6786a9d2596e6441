#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "knowledge/document_format.h"
#include "knowledge/parse/document_check.h"
#include "knowledge/parse/in_process.h"
#include "knowledge/parse/test_pdf.h"

namespace strata::knowledge {
namespace {

using domain::BlockType;
using testing::HasSubstr;

domain::ParsedDocument Parsed(const std::string& pdf) {
  auto document = ParseInProcess("a.pdf", "application/pdf", pdf, ParseLimits{});
  EXPECT_TRUE(document.has_value()) << document.error().message();
  if (!document) return {};
  const auto checked = CheckDocument(*document);
  EXPECT_TRUE(checked.has_value()) << checked.error().message();
  return std::move(*document);
}

std::vector<std::string> Texts(const domain::ParsedDocument& document, BlockType type) {
  std::vector<std::string> texts;
  for (const auto& part : document.parts) {
    if (part.type == type) texts.push_back(part.text);
  }
  return texts;
}

std::string Column(double x, const std::string& word) {
  std::string out;
  for (int i = 0; i < 8; ++i) {
    out += TextAt(x, 700 - 13 * i, fmt::format("the {} column has line {} of text", word, i));
  }
  return out;
}

TEST(PdfParser, JoinsLinesToParagraphsAndGivesEveryLineItsBox) {
  const auto document = Parsed(TestPdf({TextAt(72, 700, "A first line of a paragraph that goes") +
                                        TextAt(72, 687, "on in a second line and ends here.")}));
  ASSERT_EQ(document.parts.size(), 1U);
  const auto& part = document.parts[0];
  EXPECT_EQ(part.text, "A first line of a paragraph that goes on in a second line and ends here.");
  ASSERT_EQ(part.lines.size(), 2U);
  EXPECT_EQ(document.text.substr(part.lines[1].start, part.lines[1].end - part.lines[1].start),
            "on in a second line and ends here.");
  EXPECT_EQ(part.lines[1].page, 1);
  EXPECT_NEAR(part.lines[1].box.x1, 72, 1.5);
  EXPECT_LT(part.lines[1].box.y1, 687);
  EXPECT_GT(part.lines[1].box.y2, 690);
  EXPECT_LT(part.lines[1].box.y2, part.lines[0].box.y2);
}

TEST(PdfParser, ReadsTheLeftColumnBeforeTheRightBelowASpanningTitle) {
  std::string content = TextAt(120, 750, "A title that spans both of the columns", "F2", 18);
  // The stream interleaves the columns, as some producers do.
  content += Column(320, "right") + Column(60, "left");
  const auto document = Parsed(TestPdf({content}));
  const std::size_t title = document.text.find("A title");
  const std::size_t left = document.text.find("the left column has line 7");
  const std::size_t right = document.text.find("the right column has line 0");
  ASSERT_NE(left, std::string::npos);
  ASSERT_NE(right, std::string::npos);
  EXPECT_LT(title, left);
  EXPECT_LT(left, right);
  EXPECT_THAT(Texts(document, BlockType::kHeading),
              testing::ElementsAre("A title that spans both of the columns"));
}

std::string TitledPdf(const std::string& above, const std::string& below) {
  std::string content = above;
  for (int i = 0; i < 6; ++i) {
    content += TextAt(72, 600 - 13 * i, "Body text that goes on for a line and some more of it");
  }
  return TestPdf({content + below});
}

TEST(PdfParser, IsCalledAfterTheLargestTextOfItsFirstPage) {
  const auto note = TextAt(72, 770, "Source: LSA, 1998", "F2", 11);
  EXPECT_EQ(Parsed(TitledPdf(note + TextAt(72, 740, "Harvests of the", "F1", 20) +
                                 TextAt(72, 718, "northern plain", "F1", 20) +
                                 TextAt(72, 680, "A smaller heading", "F2", 14),
                             ""))
                .title,
            "Harvests of the northern plain");
  EXPECT_EQ(Parsed(TitledPdf(note, "")).title, "");
  EXPECT_THAT(Texts(Parsed(TitledPdf(note, "")), BlockType::kHeading),
              testing::ElementsAre("Source: LSA, 1998"));
}

TEST(PdfParser, MakesWordsBrokenAtALineEndWhole) {
  const auto document =
      Parsed(TestPdf({TextAt(72, 700, "A paragraph about inter-") +
                      TextAt(72, 687, "national trade and the state-") +
                      TextAt(72, 674, "owned firms. A state-owned firm is one.")}));
  EXPECT_EQ(document.text,
            "A paragraph about international trade and the state-owned firms. A state-owned firm "
            "is one.");
}

TEST(PdfParser, PutsRepeatedHeadersAndPageNumbersBehindTheBody) {
  std::vector<std::string> pages;
  for (int i = 1; i <= 3; ++i) {
    pages.push_back(TextAt(72, 760, "Annual report 2024") +
                    TextAt(72, 600, fmt::format("Body of page {} says something of its own.", i)) +
                    TextAt(300, 30, fmt::format("{}", i)));
  }
  const auto document = Parsed(TestPdf(pages));
  EXPECT_EQ(document.page_count, 3);
  EXPECT_EQ(Texts(document, BlockType::kPageHeader).size(), 3U);
  EXPECT_EQ(Texts(document, BlockType::kPageFooter).size(), 3U);
  EXPECT_EQ(Texts(document, BlockType::kParagraph).size(), 3U);
  EXPECT_EQ(document.parts[0].type, BlockType::kParagraph);
  EXPECT_EQ(document.parts[2].type, BlockType::kParagraph);
}

TEST(PdfParser, JoinsAParagraphThatAPageBreakCuts) {
  const auto document = Parsed(TestPdf({TextAt(72, 100, "This sentence begins on one page and"),
                                        TextAt(72, 700, "ends on the next one.")}));
  ASSERT_EQ(document.parts.size(), 1U);
  EXPECT_EQ(document.text, "This sentence begins on one page and ends on the next one.");
  ASSERT_EQ(document.parts[0].pages.size(), 2U);
  EXPECT_EQ(document.parts[0].pages[1].page, 2);
}

// Lines one below the other, in one font size.
std::string Lines(double y, const std::vector<std::string>& lines, double size = 11) {
  std::string out;
  for (const auto& line : lines) {
    out += TextAt(72, y, line, "F1", size);
    y -= 1.2 * size;
  }
  return out;
}

const std::vector<std::string> kBeforeTheBreak = {
    "The ferry had been late for three days in a row when the crew met at the",
    "harbour office. Nobody there knew what to say to the people who had come",
    "to ask for their money. In the end it was agreed that the letter, which all",
    "of them had read by then, would be handed over in the evening to old"};

TEST(PdfParser, JoinsASentenceThatGoesOnWithANameBehindAPageBreak) {
  std::vector<std::string> ends = {
      "Margaret Hale, who kept the ferry house. She had read it before, and she",
      "laid it aside without a word. It was the last that they heard of it."};
  const auto page = [](int number, const std::string& body) {
    return TextAt(72, 760, "The Ferry House") + body + TextAt(300, 30, fmt::format("{}", number));
  };
  const auto document =
      Parsed(TestPdf({page(1, Lines(140, kBeforeTheBreak)), page(2, Lines(700, ends))}));
  EXPECT_THAT(Texts(document, BlockType::kParagraph),
              testing::ElementsAre(HasSubstr("in the evening to old Margaret Hale, who kept")));
  EXPECT_THAT(Texts(document, BlockType::kPageFooter), testing::ElementsAre("1", "2"));
  ASSERT_EQ(document.parts[0].pages.size(), 2U);
}

TEST(PdfParser, KeepsApartWhatOnlyLooksLikeGoingOnBehindAPageBreak) {
  const auto count = [](std::vector<std::string> before, const std::vector<std::string>& after) {
    return Texts(Parsed(TestPdf({Lines(140, before), Lines(700, after)})), BlockType::kParagraph)
        .size();
  };
  const std::vector<std::string> sentence = {
      "Margaret Hale kept the ferry house for forty years, and she was known to",
      "everybody on both banks."};
  EXPECT_EQ(count(kBeforeTheBreak, sentence), 1U);
  auto ended = kBeforeTheBreak;
  ended.back() = "of them had read by then, would be handed over on the same evening.";
  EXPECT_EQ(count(ended, sentence), 2U);
  auto short_line = kBeforeTheBreak;
  short_line.back() = "of them had read";
  EXPECT_EQ(count(short_line, sentence), 2U);
  EXPECT_EQ(count(kBeforeTheBreak, {"The Second Winter"}), 2U);
  auto set_in = sentence;
  set_in[0] = "     " + set_in[0];  // its first line begins to the right of the second
  EXPECT_EQ(count(kBeforeTheBreak, set_in), 2U);
}

TEST(PdfParser, JoinsASentenceAcrossTheNotesAtTheFootOfThePage) {
  const auto note = Lines(60, {"1 The office was pulled down in the following year."}, 8);
  const auto document = Parsed(
      TestPdf({Lines(140, kBeforeTheBreak) + note,
               Lines(700, {"Margaret Hale, who kept the ferry house, and to nobody else."})}));
  EXPECT_THAT(Texts(document, BlockType::kParagraph),
              testing::ElementsAre(HasSubstr("in the evening to old Margaret Hale, who kept"),
                                   HasSubstr("pulled down")));
}

TEST(PdfParser, CountsThePagesThatArePicturesWithoutText) {
  const std::string picture =
      "q 400 0 0 500 100 100 cm BI /W 2 /H 2 /CS /G /BPC 8 /F /AHx ID 00FF00FF> EI Q\n";
  const auto scanned = Parsed(TestPdf({picture, TextAt(72, 700, "Words.") + picture, "", picture}));
  EXPECT_THAT(PagesNote(scanned), testing::StartsWith("pages without text: 2 of 4"));
  EXPECT_EQ(PagesNote(Parsed(TestPdf({TextAt(72, 700, "Words.") + picture, ""}))), "");
  // Letters drawn as outlines are no text either; the frame of an empty form is no picture.
  std::string outlines, frame = "72 72 m 500 72 l S\n";
  for (int i = 0; i < 80; ++i) outlines += fmt::format("{0} 700 m {0} 710 l S\n", 72 + 5 * i);
  EXPECT_THAT(PagesNote(Parsed(TestPdf({outlines, frame}))),
              testing::StartsWith("pages without text: 1 of 2"));
}

TEST(PdfParser, FindsListItemsAndUnifiesTheirBullets) {
  const auto document = Parsed(TestPdf({TextAt(72, 700, "\\225 first of the items") +
                                        TextAt(72, 686, "\\225 second of the items") +
                                        TextAt(90, 672, "- nested below it")}));
  EXPECT_THAT(
      Texts(document, BlockType::kListItem),
      testing::ElementsAre("- first of the items", "- second of the items", "- nested below it"));
  EXPECT_EQ(document.parts[2].level, 1);
}

TEST(PdfParser, TurnsColumnsOfShortCellsIntoAMarkdownTable) {
  std::string content;
  const std::vector<std::vector<std::string>> rows = {
      {"Country", "2006", "2007"}, {"Austria", "5,020", "5,821"}, {"Belgium", "5,771", "5,906"}};
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t c = 0; c < 3; ++c) {
      content += TextAt(72 + 150.0 * static_cast<double>(c), 700 - 14.0 * static_cast<double>(r),
                        rows[r][c]);
    }
  }
  const auto document = Parsed(TestPdf({content}));
  EXPECT_EQ(document.text,
            "| Country | 2006 | 2007 |\n| --- | --- | --- |\n| Austria | 5,020 | 5,821 |\n"
            "| Belgium | 5,771 | 5,906 |");
  EXPECT_EQ(document.parts[0].lines.size(), 3U);
}

TEST(PdfParser, ReadsShortColumnsOfProseOneAfterTheOther) {
  const auto two_lines = Parsed(TestPdf({TextAt(60, 700, "The office opens at seven and closes") +
                                         TextAt(60, 686, "at six on all days.") +
                                         TextAt(320, 700, "The lighthouse was built in the year") +
                                         TextAt(320, 686, "1871 of granite.")}));
  EXPECT_THAT(two_lines.text, HasSubstr("closes at six on all days."));
  EXPECT_THAT(two_lines.text, HasSubstr("in the year 1871"));
  const auto narrow = Parsed(
      TestPdf({TextAt(60, 700, "Open from nine") + TextAt(60, 686, "until five, closed") +
               TextAt(60, 672, "on holidays.") + TextAt(240, 700, "Take tram four to") +
               TextAt(240, 686, "the old market and") + TextAt(240, 672, "walk to the bridge.")}));
  EXPECT_THAT(narrow.text, HasSubstr("nine until five, closed on holidays."));
  EXPECT_THAT(narrow.text, HasSubstr("the old market and walk"));
}

TEST(PdfParser, ReadsARuledTableCellByCell) {
  std::string content = "0.5 w\n";
  for (const int y : {700, 660, 620}) content += fmt::format("72 {} m 372 {} l S\n", y, y);
  for (const int x : {72, 222, 372}) content += fmt::format("{} 700 m {} 620 l S\n", x, x);
  content += TextAt(80, 685, "Name") + TextAt(230, 685, "Meaning") + TextAt(80, 645, "RRF") +
             TextAt(230, 645, "reciprocal rank") + TextAt(230, 632, "fusion of lists");
  const auto document = Parsed(TestPdf({content}));
  EXPECT_EQ(document.text,
            "| Name | Meaning |\n| --- | --- |\n| RRF | reciprocal rank fusion of lists |");
}

TEST(PdfParser, LaysOutRotatedTextAndReportsBoxesInPageSpace) {
  const std::string content =
      "BT /F1 11 Tf 0 1 -1 0 100 200 Tm (Sideways text of a landscape page) Tj ET\n";
  const auto document = Parsed(TestPdf({content}, "/Rotate 90"));
  EXPECT_EQ(document.text, "Sideways text of a landscape page");
  const auto& box = document.parts.at(0).lines.at(0).box;
  EXPECT_GT(box.y2 - box.y1, 100);  // in user space it runs upwards
  EXPECT_LT(box.x2 - box.x1, 30);
}

TEST(PdfParser, KeepsTheLinesOfCode) {
  const auto document =
      Parsed(TestPdf({TextAt(72, 700, "if x:", "F3", 10) + TextAt(96, 688, "return 1", "F3", 10)}));
  ASSERT_EQ(document.parts.size(), 1U);
  EXPECT_EQ(document.parts[0].type, BlockType::kCode);
  EXPECT_EQ(document.text, "if x:\n    return 1");
}

TEST(PdfParser, SaysThatAFileIsTruncatedNotAPdfOrTooLong) {
  const std::string pdf = TestPdf({TextAt(72, 700, "x")});
  const auto parse = [](std::string_view bytes, ParseLimits limits) {
    return ParseInProcess("a.pdf", "application/pdf", bytes, limits);
  };
  const auto truncated = parse(std::string_view(pdf).substr(0, 60), {});
  ASSERT_FALSE(truncated.has_value());
  EXPECT_EQ(truncated.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(truncated.error().message(), HasSubstr("truncated"));
  const auto other = parse("GIF89a", {});
  ASSERT_FALSE(other.has_value());
  EXPECT_THAT(other.error().message(), HasSubstr("not a PDF"));
  ParseLimits few;
  few.pages_max = 1;
  const auto many = parse(TestPdf({"", ""}), few);
  ASSERT_FALSE(many.has_value());
  EXPECT_EQ(many.error().code(), Code::kTooLarge);
  EXPECT_THAT(many.error().message(), HasSubstr("kb.parse.pages_max"));
}

}  // namespace
}  // namespace strata::knowledge
