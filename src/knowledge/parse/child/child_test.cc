#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "base/run_task.h"
#include "knowledge/document_format.h"
#include "knowledge/page_render.h"
#include "knowledge/parse/child/run_worker.h"
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
  EXPECT_EQ(document.error().message(),
            "document bomb.html: parsing takes longer than the 300 ms that it may "
            "(kb.parse.time_ms)");
}

TEST(ChildParser, MemoryThatRunsOutIsTheLimitsFaultInOurCodeAndInPdfium) {
  if (!child::kLimitsMemory) GTEST_SKIP() << "sanitizers need the address space themselves";
  auto options = TestOptions();
  options.limits.memory_bytes_max = std::size_t{160} << 20;
  std::string words;
  while (words.size() < std::size_t{12} << 20) words += "<p>words <b>of</b> a page</p>";
  std::string shown = "BT /F1 1 Tf ";
  while (shown.size() < std::size_t{16} << 20) shown += "(w) Tj ";
  for (const auto& input :
       {ParseInput{"large.html", "text/html", words},
        ParseInput{"large.pdf", "application/pdf", TestPdf({shown + "ET\n"})}}) {
    const auto document = ParseInChild(input, options);
    ASSERT_FALSE(document.has_value()) << input.name;
    EXPECT_EQ(document.error().code(), Code::kTooLarge) << document.error().message();
    EXPECT_EQ(document.error().message(),
              "document " + input.name +
                  ": parsing needs more than the 160 MiB of memory that it "
                  "may use (kb.parse.memory_mib)");
  }
}

// A program in the child's place, so that it ends as it is told.
std::string EndOf(const std::string& script, std::chrono::milliseconds time_left) {
  const auto program = fmt::format("{}/strata-parse-end-{}", testing::TempDir(), getpid());
  std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  auto options = TestOptions();
  options.program = program;
  const child::WorkerCall call{"a.pdf", options, time_left, {}};
  const auto end = child::RunWorker(call, "");
  std::filesystem::remove(program);
  return end.has_value() ? "" : end.error().message();
}

TEST(ChildParser, HowTheChildEndedIsSaidInWords) {
  constexpr std::chrono::hours kLong{1};
  EXPECT_THAT(EndOf("kill -SEGV $$", kLong), HasSubstr("a.pdf: the parser crashed on it "
                                                       "(Segmentation fault)"));
  EXPECT_THAT(EndOf("kill -XCPU $$", kLong),
              HasSubstr("60 s of CPU that it may (kb.parse.time_ms"));
  EXPECT_THAT(EndOf("kill -KILL $$", kLong), HasSubstr("killed from outside"));
  EXPECT_THAT(EndOf("exit 71", kLong), HasSubstr("2048 MiB of memory"));
  EXPECT_THAT(EndOf("echo why >&2; exit 3", kLong), HasSubstr("status 3: why"));
  EXPECT_THAT(EndOf("sleep 100", std::chrono::milliseconds(100)),
              HasSubstr("ended at the request's deadline, after 100 ms"));
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
