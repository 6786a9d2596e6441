#include "route/outcome_rows.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

namespace strata::route {
namespace {

constexpr std::string_view kGood =
    R"({"id":"a","source":"s","domain":"d","split":"test","prompt":"Hi?","outcomes":{)"
    R"("m2":{"quality":1,"input_tokens":3,"output_tokens":4,"tokens":"estimated","cost":0.5,"answer":"7"},)"
    R"("m1":{"quality":0.25,"input_tokens":3,"output_tokens":4}}})";

TEST(OutcomeRow, IsReadWithItsModelsByName) {
  auto row = ParseOutcomeRow(kGood, OutcomesAre::kRead);
  ASSERT_TRUE(row.has_value()) << row.error().message();
  EXPECT_EQ(row->id, "a");
  EXPECT_EQ(row->source, "s");
  EXPECT_EQ(row->split, Split::kTest);
  ASSERT_EQ(row->outcomes.size(), 2U);
  EXPECT_EQ(row->outcomes[0].model, "m1");
  EXPECT_FALSE(row->outcomes[0].cost.has_value());
  ASSERT_NE(row->Find("m2"), nullptr);
  EXPECT_EQ(row->Find("m2")->answer, "7");
  EXPECT_EQ(row->Find("m3"), nullptr);
}

TEST(OutcomeRow, PredictionNeverLooksAtOutcomes) {
  auto row = ParseOutcomeRow(R"({"id":"a","prompt":"Hi","outcomes":{"m":"not an outcome"}})",
                             OutcomesAre::kIgnored);
  ASSERT_TRUE(row.has_value());
  EXPECT_TRUE(row->outcomes.empty());
}

struct Wrong {
  std::string_view line;
  std::string_view message;
};

TEST(OutcomeRow, WrongOnesNameTheMember) {
  for (
      const auto& wrong : {
          Wrong{R"({"prompt":"x","outcomes":{}})", "id"},
          Wrong{R"({"id":"a","prompt":"","outcomes":{}})", "prompt"},
          Wrong{R"({"id":"a","prompt":"x"})", "outcomes"},
          Wrong{R"({"id":"a","prompt":"x","outcomes":{}})", "outcomes"},
          Wrong{R"({"id":"a","prompt":"x","split":"dev","outcomes":{}})", "split"},
          Wrong{R"({"id":"a","prompt":"x","outcomes":{"m":{"quality":1.5}}})",
                "outcomes.m.quality"},
          Wrong{
              R"({"id":"a","prompt":"x","outcomes":{"m":{"quality":1,"input_tokens":-1,"output_tokens":1}}})",
              "outcomes.m.input_tokens"},
          Wrong{
              R"({"id":"a","prompt":"x","outcomes":{"m":{"quality":1,"input_tokens":1,"output_tokens":1,"cost":"1"}}})",
              "outcomes.m.cost"},
          Wrong{"[1]", "object"},
          Wrong{"{", "JSON"},
      }) {
    auto row = ParseOutcomeRow(wrong.line, OutcomesAre::kRead);
    ASSERT_FALSE(row.has_value()) << wrong.line;
    EXPECT_NE(row.error().message().find(wrong.message), std::string::npos)
        << wrong.line << ": " << row.error().message();
  }
}

TEST(OutcomeRows, AFileWithWrongRowsIsRefusedWithTheirLines) {
  std::string text = std::string(kGood) + "\n\n{\"id\":\"b\"}\n" + std::string(kGood) + "\n";
  auto rows = ParseOutcomeRows(text, "rows.jsonl", OutcomesAre::kRead);
  ASSERT_FALSE(rows.has_value());
  const auto& message = rows.error().message();
  EXPECT_NE(message.find("2 wrong rows"), std::string::npos) << message;
  EXPECT_NE(message.find("rows.jsonl:3: prompt"), std::string::npos) << message;
  EXPECT_NE(message.find("rows.jsonl:4: id: 'a' stands in line 1 too"), std::string::npos)
      << message;
}

TEST(OutcomeRows, ManyWrongRowsAreCutShort) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "{}\n";
  auto rows = ParseOutcomeRows(text, "f", OutcomesAre::kRead);
  ASSERT_FALSE(rows.has_value());
  EXPECT_NE(rows.error().message().find("and 80 more"), std::string::npos);
}

class OutcomeFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("rows-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Write(const std::string& name, const std::string& bytes) const {
    auto path = (folder_ / name).string();
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  std::filesystem::path folder_;
};

std::string Gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(text.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST_F(OutcomeFiles, GzipOfSeveralMembersReadsLikeThePlainFile) {
  const std::string line = std::string(kGood) + "\n";
  std::string second = line;
  second.replace(second.find("\"a\""), 3, "\"b\"");
  std::vector<std::string> paths = {Write("a.gz", Gzip(line) + Gzip(second))};
  auto rows = ReadOutcomeFiles(paths, OutcomesAre::kRead);
  ASSERT_TRUE(rows.has_value()) << rows.error().message();
  EXPECT_EQ(rows->size(), 2U);
}

TEST_F(OutcomeFiles, BrokenOnesSayWhat) {
  auto zipped = Gzip(std::string(kGood));
  std::vector<std::string> cut = {Write("cut.gz", zipped.substr(0, zipped.size() - 9))};
  EXPECT_EQ(ReadOutcomeFiles(cut, OutcomesAre::kRead).error().code(), Code::kCorruption);
  std::vector<std::string> none = {(folder_ / "none").string()};
  EXPECT_EQ(ReadOutcomeFiles(none, OutcomesAre::kRead).error().code(), Code::kNotFound);
  std::vector<std::string> twice = {Write("1", std::string(kGood)), Write("2", std::string(kGood))};
  EXPECT_EQ(ReadOutcomeFiles(twice, OutcomesAre::kRead).error().field(), "id");
  EXPECT_EQ(InflateIfGzip(Gzip(std::string(5000, 'x')), 1000).error().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace strata::route
