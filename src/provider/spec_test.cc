#include "provider/spec.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "provider/kept.h"

namespace strata::provider {
namespace {

ProviderSpec Valid() {
  ProviderSpec spec;
  spec.name = "openai";
  spec.base_url = "https://api.openai.com/v1";
  return spec;
}

TEST(ProviderSpec, ASecretIsAReferenceAndNeverRepeated) {
  auto spec = Valid();
  spec.secret = "sk-plain";
  auto checked = CheckSpec(spec);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().field(), "secret");
  EXPECT_EQ(checked.error().message().find("sk-plain"), std::string::npos);
  for (auto* reference : {"", "env:KEY", "file:/run/key"}) {
    spec.secret = reference;
    EXPECT_TRUE(CheckSpec(spec).has_value()) << reference;
  }
}

TEST(ProviderSpec, AcceptsWhatIsComplete) {
  EXPECT_TRUE(CheckSpec(Valid()).has_value());
  ProviderSpec bedrock;
  bedrock.name = "bedrock";
  bedrock.kind = ProviderKind::kBedrock;
  bedrock.region = "eu-central-1";
  EXPECT_TRUE(CheckSpec(bedrock).has_value());
}

TEST(ProviderSpec, NamesTheMemberThatIsWrong) {
  auto field_of = [](auto change) {
    auto spec = Valid();
    change(spec);
    auto checked = CheckSpec(spec);
    return checked.has_value() ? std::string("fine") : checked.error().field();
  };
  EXPECT_EQ(field_of([](ProviderSpec& s) { s.name = "Open AI"; }), "name");
  EXPECT_EQ(field_of([](ProviderSpec& s) { s.name = ""; }), "name");
  EXPECT_EQ(field_of([](ProviderSpec& s) { s.name = "kb"; }), "name");
  EXPECT_EQ(field_of([](ProviderSpec& s) { s.name = std::string(64, 'a'); }), "name");
  EXPECT_EQ(field_of([](ProviderSpec& s) { s.base_url = ""; }), "base_url");
  EXPECT_EQ(field_of([](ProviderSpec& s) { s.base_url = "ftp://x"; }), "base_url");
  EXPECT_EQ(field_of([](ProviderSpec& s) { s.base_url += "?a=b"; }), "base_url");
  EXPECT_EQ(field_of([](ProviderSpec& s) { s.kind = ProviderKind::kBedrock; }), "region");
  EXPECT_EQ(field_of([](ProviderSpec& s) { s.headers = {{"X", "a\r\nY: b"}}; }), "headers");
}

TEST(ProviderSpec, TheResponsesApiIsSpokenByItsOwnersAndWhereItIsDeclared) {
  auto spec = Valid();
  spec.base_url = "https://api.openai.com/v1";
  EXPECT_TRUE(SpeaksResponses(spec));
  spec.responses = false;
  EXPECT_FALSE(SpeaksResponses(spec));
  spec.base_url = "http://10.0.0.7:8000/v1";
  spec.responses.reset();
  EXPECT_FALSE(SpeaksResponses(spec));
  spec.responses = true;
  EXPECT_TRUE(SpeaksResponses(spec));
  EXPECT_TRUE(CheckSpec(spec).has_value());
  spec.kind = ProviderKind::kAnthropic;
  EXPECT_EQ(CheckSpec(spec).error().field(), "responses");
  spec.kind = ProviderKind::kAzure;
  EXPECT_TRUE(CheckSpec(spec).has_value());
  spec.api_version = "2024-10-21";
  EXPECT_EQ(CheckSpec(spec).error().field(), "responses");
  spec.responses.reset();
  EXPECT_FALSE(SpeaksResponses(spec));
  spec.api_version.clear();
  EXPECT_TRUE(SpeaksResponses(spec));
}

TEST(ProviderSpec, KindsHaveOneNameEach) {
  for (auto kind : {ProviderKind::kOpenAi, ProviderKind::kAzure, ProviderKind::kAnthropic,
                    ProviderKind::kBedrock, ProviderKind::kGemini, ProviderKind::kVertex}) {
    auto parsed = ParseKind(KindName(kind));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, kind);
  }
  EXPECT_FALSE(ParseKind("geminy").has_value());
}

TEST(Secrets, ComeFromTheEnvironmentOrAFile) {
  auto folder =
      std::filesystem::temp_directory_path() / ("strata-secret-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "key") << "from-file\n";
  std::ofstream(folder / "empty") << "\n";
  auto read = ReadSecretsFrom(
      [](std::string_view name) -> std::string { return name == "KEY" ? "from-env" : ""; });
  EXPECT_EQ(read("env:KEY").value(), "from-env");
  EXPECT_EQ(read("file:" + (folder / "key").string()).value(), "from-file");
  EXPECT_EQ(read("env:OTHER").error().code(), Code::kUnavailable);
  EXPECT_EQ(read("file:" + (folder / "empty").string()).error().code(), Code::kNotFound);
  EXPECT_EQ(read("file:" + (folder / "none").string()).error().code(), Code::kNotFound);
  auto literal = read("sk-written-in-the-file");
  EXPECT_EQ(literal.error().code(), Code::kInvalidArgument);
  EXPECT_EQ(literal.error().message().find("sk-written"), std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST(Prices, AreUsdPerMillionTokensAndExact) {
  EXPECT_EQ(ParsePrice("0.15").value(), 150'000);
  EXPECT_EQ(ParsePrice("3").value(), 3'000'000);
  EXPECT_EQ(ParsePrice("0.000001").value(), 1);
  EXPECT_EQ(ParsePrice("1000000").value(), 1'000'000'000'000);
  for (std::string_view wrong : {"", ".", "-1", "-0.5", "0.-5", ".5", "5.", "1e3", "0.0000001",
                                 "1000001", "cheap", "1,5", "99999999999999999999"}) {
    auto price = ParsePrice(wrong);
    ASSERT_FALSE(price.has_value()) << wrong;
    EXPECT_EQ(price.error().field(), "price");
  }
  for (std::string_view text : {"0.15", "3", "0.000001", "0", "12.5"}) {
    EXPECT_EQ(FormatPrice(ParsePrice(text).value()), text);
  }
}

TEST(Days, AreThoseOfTheCalendar) {
  EXPECT_TRUE(IsDay("2026-11-01"));
  EXPECT_TRUE(IsDay("2028-02-29"));
  for (std::string_view wrong : {"", "2026-02-29", "2026-13-01", "2026-1-1", "20261101", "today",
                                 "2026-11-01 ", "2026-11--1"}) {
    EXPECT_FALSE(IsDay(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace strata::provider
