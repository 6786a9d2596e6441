#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/run_task.h"
#include "knowledge/document_format.h"
#include "knowledge/page_render.h"
#include "knowledge/parse/child/wire.h"
#include "knowledge/parse/in_process.h"
#include "knowledge/parse/test_pdf.h"
#include "knowledge/parser.h"

namespace strata::knowledge {
namespace {

using testing::HasSubstr;

ChildParserOptions TestOptions() {
  ChildParserOptions options;
  options.program = STRATA_PARSE_WORKER;
  return options;
}

Result<domain::ParsedDocument> ParseInChild(ParseInput input,
                                            ChildParserOptions options = TestOptions()) {
  Pool pool("parse", 1, 4);
  RequestContext ctx;
  const auto parser = MakeChildParser(pool, std::move(options));
  return RunTask(parser->Parse(std::move(input), ctx));
}

TEST(ChildParser, GivesWhatParsingInTheProcessGives) {
  const std::string pdf = TestPdf({TextAt(72, 700, "A line of a PDF."), TextAt(72, 700, "More.")});
  const auto here = ParseInProcess("a.pdf", "", pdf, ParseLimits{});
  const auto there = ParseInChild({"a.pdf", "", pdf});
  ASSERT_TRUE(there.has_value()) << there.error().message();
  EXPECT_EQ(child::EncodeDocument(*there), child::EncodeDocument(*here));
}

TEST(ChildParser, ErrorsNameTheDocument) {
  const auto unknown = ParseInChild({"s3://b/a.docx", "", "PK\x03\x04"});
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code(), Code::kUnsupported);
  EXPECT_THAT(unknown.error().message(), HasSubstr("s3://b/a.docx"));
  const auto broken = ParseInChild({"a.pdf", "application/pdf", "%PDF-1.4 nothing"});
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(broken.error().message(), HasSubstr("a.pdf"));
}

TEST(ChildParser, AHangIsEndedAtTheTimeLimit) {
  auto options = TestOptions();
  options.limits.time_max = std::chrono::milliseconds(300);
  options.limits.nesting_max = 1'000'000;
  // Unclosed formatting elements make HTML parsing quadratic.
  std::string bomb;
  for (int i = 0; i < 300'000; ++i) bomb += "<b><p>";
  const auto document = ParseInChild({"bomb.html", "text/html", bomb}, options);
  ASSERT_FALSE(document.has_value());
  EXPECT_EQ(document.error().code(), Code::kDeadlineExceeded);
  EXPECT_THAT(document.error().message(), HasSubstr("bomb.html"));
}

TEST(ChildParser, AMissingProgramIsUnavailable) {
  auto options = TestOptions();
  options.program = "/nonexistent/strata";
  const auto document = ParseInChild({"a.txt", "text/plain", "x"}, options);
  ASSERT_FALSE(document.has_value());
  EXPECT_EQ(document.error().code(), Code::kUnavailable);
}

TEST(ChildParser, TellsHowManyPagesArePictures) {
  const std::string picture =
      "q 400 0 0 500 100 100 cm BI /W 2 /H 2 /CS /G /BPC 8 /F /AHx ID 00FF00FF> EI Q\n";
  const auto document = ParseInChild(
      {"a.pdf", "", TestPdf({picture, TextAt(72, 700, "Text."), picture})}, TestOptions());
  ASSERT_TRUE(document.has_value()) << document.error().message();
  EXPECT_EQ(document->page_count, 3);
  EXPECT_THAT(PagesNote(*document), HasSubstr("2 of 3"));
}

TEST(PageRenderer, DrawsAPageWithItsMarks) {
  Pool pool("render", 1, 4);
  RequestContext ctx;
  PageRenderer renderer(pool, TestOptions());
  RenderInput input{"a.pdf", TestPdf({TextAt(72, 700, "Marked")}), 1, 72, {{70, 695, 120, 712}}};
  const auto plain = RunTask(renderer.Render({"a.pdf", input.bytes, 1, 72, {}}, ctx));
  const auto page = RunTask(renderer.Render(input, ctx));
  ASSERT_TRUE(page.has_value()) << page.error().message();
  EXPECT_EQ(page->width, 612);
  EXPECT_EQ(page->height, 792);
  EXPECT_EQ(page->page_count, 1);
  EXPECT_NE(page->png, plain->png);
  input.page = 2;
  const auto beyond = RunTask(renderer.Render(input, ctx));
  ASSERT_FALSE(beyond.has_value());
  EXPECT_EQ(beyond.error().field(), "page");
}

TEST(ParseAnswer, AnyCutOrFlippedByteIsAnErrorOrAValidDocument) {
  const auto document =
      ParseInProcess("a.pdf", "", TestPdf({TextAt(72, 700, "Some text.")}), ParseLimits{});
  ASSERT_TRUE(document.has_value());
  const std::string bytes = child::EncodeDocument(*document);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(child::DecodeDocument(std::string_view(bytes).substr(0, i), {}).has_value());
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x81);
    (void)child::DecodeDocument(flipped, {});
  }
  EXPECT_FALSE(child::DecodeDocument(bytes + "x", {}).has_value());
}

TEST(ParseAnswer, MetadataMustBeAFlatObjectOfStrings) {
  domain::ParsedDocument document;
  document.metadata.text = R"({"a":"b"})";
  EXPECT_TRUE(child::DecodeDocument(child::EncodeDocument(document), {}).has_value());
  document.metadata.text = R"({"a":[1]})";
  EXPECT_FALSE(child::DecodeDocument(child::EncodeDocument(document), {}).has_value());
}

}  // namespace
}  // namespace strata::knowledge
