#include "base/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace strata {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Option kTable[] = {
    {"kb.chunk.words_max", OptionKind::kInteger, "words", "200", "1..4096", "Longest chunk."},
    {"kb.mode", OptionKind::kText, "", "hybrid", "lexical|dense|hybrid", "Search mode."},
    {"net.tls", OptionKind::kFlag, "", "true", "", "Whether TLS is on."},
    {"net.names", OptionKind::kTextList, "", "a, b", "", "Names."},
    {"route.tolerance", OptionKind::kReal, "", "0.05", "0..1", "Tolerance."},
};
const std::array<OptionTable, 1> kTables = {OptionTable(kTable)};

TEST(Options, HaveTheirDefaultsWhenNothingIsGiven) {
  auto options = Options::Build(kTables, {});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->Integer("kb.chunk.words_max"), 200);
  EXPECT_EQ(options->Text("kb.mode"), "hybrid");
  EXPECT_TRUE(options->Flag("net.tls"));
  EXPECT_DOUBLE_EQ(options->Real("route.tolerance"), 0.05);
  EXPECT_THAT(options->TextList("net.names"), ElementsAre("a", "b"));
}

TEST(Options, ReportAllProblemsAtOnceWithTheirPlaces) {
  auto options = Options::Build(kTables, {{"kb.chunk.words_max", {"5000", "s.yaml:3"}},
                                          {"kb.mode", {"hybird", "s.yaml:4"}},
                                          {"kb.chunk.word_max", {"7", "s.yaml:5"}}});
  ASSERT_FALSE(options.has_value());
  EXPECT_THAT(
      options.error().message(),
      AllOf(HasSubstr("s.yaml:3: kb.chunk.words_max: 5000 is outside 1..4096 words"),
            HasSubstr("s.yaml:4: kb.mode: 'hybird' is not one of lexical|dense|hybrid"),
            HasSubstr(
                "s.yaml:5: unknown option kb.chunk.word_max (did you mean kb.chunk.words_max?)")));
}

TEST(Options, RefuseAWholeNumberWithAFraction) {
  EXPECT_FALSE(Options::Build(kTables, {{"kb.chunk.words_max", {"1.5", "s.yaml:1"}}}).has_value());
  EXPECT_FALSE(Options::Build(kTables, {{"net.tls", {"yes", "s.yaml:1"}}}).has_value());
}

}  // namespace
}  // namespace strata
