#include "provider/catalog.h"

#include <gtest/gtest.h>

#include <chrono>

#include "domain/usage.h"

namespace strata::provider {
namespace {

using namespace std::chrono_literals;

WallTime Day(int year, unsigned month, unsigned day) {
  return std::chrono::sys_days{std::chrono::year{year} / std::chrono::month{month} /
                               std::chrono::day{day}};
}
const WallTime kNow = Day(2026, 11, 22);

struct Listed {
  const char* provider;
  const char* id;
  std::int64_t input;   // pico-USD a token: USD per million tokens × 1,000,000
  std::int64_t output;  // -1: none listed
};

// List prices as the providers publish them.
constexpr Listed kCommon[] = {
    {"openai", "gpt-4o", 2'500'000, 10'000'000},
    {"openai", "gpt-4o-2024-08-06", 2'500'000, 10'000'000},
    {"openai", "gpt-4o-mini", 150'000, 600'000},
    {"openai", "gpt-4.1", 2'000'000, 8'000'000},
    {"openai", "gpt-4.1-mini", 400'000, 1'600'000},
    {"openai", "gpt-5", 1'250'000, 10'000'000},
    {"openai", "gpt-5-mini", 250'000, 2'000'000},
    {"openai", "o3", 2'000'000, 8'000'000},
    {"openai", "o4-mini", 1'100'000, 4'400'000},
    {"openai", "text-embedding-3-small", 20'000, -1},
    {"openai", "text-embedding-3-large", 130'000, -1},
    {"anthropic", "claude-sonnet-4-5", 3'000'000, 15'000'000},
    {"anthropic", "claude-sonnet-4-5-20250929", 3'000'000, 15'000'000},
    {"anthropic", "claude-haiku-4-5", 1'000'000, 5'000'000},
    {"anthropic", "claude-opus-4-5", 5'000'000, 25'000'000},
    {"anthropic", "claude-opus-4-1", 15'000'000, 75'000'000},
    {"anthropic", "claude-3-5-haiku-latest", 800'000, 4'000'000},
    {"bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", 3'300'000, 16'500'000},
    {"bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0", 1'100'000, 5'500'000},
    {"bedrock", "amazon.nova-lite-v1:0", 60'000, 240'000},
    {"bedrock", "amazon.nova-pro-v1:0", 800'000, 3'200'000},
    {"bedrock", "amazon.titan-embed-text-v2:0", 20'000, -1},
    {"bedrock", "meta.llama3-1-8b-instruct-v1:0", 220'000, 220'000},
    {"groq", "llama-3.3-70b-versatile", 590'000, 790'000},
    {"google", "gemini-2.5-flash", 300'000, 2'500'000},
};

TEST(Catalog, PricesTheCommonModelsExactly) {
  for (const auto& listed : kCommon) {
    auto match = FindInCatalog(listed.provider, listed.id, kNow);
    ASSERT_TRUE(match.found) << listed.id;
    EXPECT_EQ(match.entry.price.input, listed.input) << listed.id;
    EXPECT_EQ(match.entry.price.output.value_or(-1), listed.output) << listed.id;
  }
}

TEST(Catalog, KnowsCachePricesAndContextWindows) {
  auto match = FindInCatalog("anthropic", "claude-opus-4-5", kNow);
  ASSERT_TRUE(match.found);
  EXPECT_EQ(match.entry.price.cache_read, 500'000);
  EXPECT_EQ(match.entry.price.cache_write, 6'250'000);
  EXPECT_EQ(match.entry.context_tokens, 200'000);
  EXPECT_EQ(match.entry.price.as_of.size(), 10u);
}

TEST(Catalog, TieredPricesHoldUpToTheirTierAndAreUnknownBeyond) {
  auto match = FindInCatalog("anthropic", "claude-sonnet-4-5", kNow);
  ASSERT_TRUE(match.found);
  const auto& price = match.entry.price;
  EXPECT_EQ(price.prompt_tokens_max, 200'000);
  domain::Usage usage{.input_tokens = 150'000, .output_tokens = 10};
  EXPECT_EQ(domain::CostOf(usage, price), (domain::Money{150'000LL * 3'000'000 + 150'000'000}));
  usage.cache_read_tokens = 50'001;
  EXPECT_EQ(domain::CostOf(usage, price), std::nullopt);
}

TEST(Catalog, PricesChangeOnTheirStartDates) {
  auto before = FindInCatalog("anthropic", "claude-opus-4-6", Day(2026, 3, 12));
  auto after = FindInCatalog("anthropic", "claude-opus-4-6", Day(2026, 3, 13));
  ASSERT_TRUE(before.found && after.found);
  EXPECT_EQ(before.entry.price.prompt_tokens_max, 200'000);
  EXPECT_EQ(after.entry.price.prompt_tokens_max, 0);
  EXPECT_EQ(after.entry.price.input, 5'000'000);
}

TEST(Catalog, MatchesAsTheDataSays) {
  EXPECT_TRUE(FindInCatalog("openai", "GPT-4o-Mini", kNow).found) << "case does not matter";
  EXPECT_EQ(FindInCatalog("anthropic", "claude-opus-5@20260601", kNow).entry.id, "claude-opus-5")
      << "regex";
  EXPECT_EQ(FindInCatalog("openai", "gpt-5.2-20251211", kNow).entry.id, "gpt-5.2")
      << "compact dates are tried with dashes";
  auto fallback = FindInCatalog("azure", "claude-haiku-4-5", kNow);
  ASSERT_TRUE(fallback.found);
  EXPECT_EQ(fallback.entry.provider, "anthropic");
}

TEST(Catalog, UnknownModelsHaveNoPrice) {
  EXPECT_FALSE(FindInCatalog("openai", "no-such-model", kNow).found);
  EXPECT_FALSE(FindInCatalog("nobody", "gpt-4o", kNow).found);
  EXPECT_FALSE(FindInCatalog("openai", "", kNow).found);
  EXPECT_FALSE(FindInCatalog("anthropic", std::string(100'000, 'a') + "claude-2", kNow).found);
  domain::ModelInfo info;
  info.upstream_id = "no-such-model";
  FillFromCatalog("openai", info);
  EXPECT_FALSE(info.price.input.has_value());
}

TEST(Catalog, KnowsProvidersByTheirAddress) {
  EXPECT_EQ(CatalogProviderOf("https://api.openai.com/v1"), "openai");
  EXPECT_EQ(CatalogProviderOf("https://api.anthropic.com"), "anthropic");
  EXPECT_EQ(CatalogProviderOf("https://res.openai.azure.com"), "azure");
  EXPECT_EQ(CatalogProviderOf("https://api.groq.com/openai/v1"), "groq");
  EXPECT_EQ(CatalogProviderOf("http://127.0.0.1:11434/v1"), "");
  EXPECT_EQ(CatalogProviderOf("https://evil.example/https://api.openai.com"), "");
}

TEST(Catalog, LocalModelsCostNothingKnowingly) {
  auto price = LocalPrice();
  EXPECT_EQ(price.as_of, "local");
  EXPECT_EQ(domain::CostOf({.input_tokens = 7, .output_tokens = 7}, price), domain::Money{0});
}

TEST(Catalog, FillKeepsWhatIsKnown) {
  domain::ModelInfo info;
  info.upstream_id = "gpt-4o-mini";
  info.context_tokens = 1000;
  info.price = LocalPrice();
  FillFromCatalog("openai", info);
  EXPECT_EQ(info.context_tokens, 1000);
  EXPECT_EQ(info.price.as_of, "local");
  EXPECT_FALSE(info.display_name.empty());
}

TEST(Catalog, EveryStatedPriceIsPlausible) {
  std::size_t priced = 0;
  for (const char* provider : {"openai", "anthropic", "aws", "google", "mistral", "groq"}) {
    for (const auto& entry : CatalogOf(provider, kNow)) {
      EXPECT_FALSE(entry.id.empty());
      if (!entry.price.input) continue;
      ++priced;
      EXPECT_LT(*entry.price.input, 1'000'000'000) << entry.id;  // 1,000 USD a million tokens
    }
  }
  EXPECT_GT(priced, 200u);
  EXPECT_EQ(CatalogVersion(), "genai-prices 0.2.3");
}

TEST(Catalog, ConfiguredPricesSayWhichListTheyAre) {
  ModelPrice list{.input = 150'000,
                  .output = 600'000,
                  .cache_read = {},
                  .cache_write = {},
                  .as_of = "2026-11-01"};
  auto price = ConfiguredPrice(list);
  EXPECT_EQ(price.input, 150'000);
  EXPECT_FALSE(price.cache_read.has_value());
  auto version = PriceVersion(price);
  EXPECT_EQ(version, price.as_of);
  EXPECT_TRUE(version.starts_with("configured 2026-11-01 ")) << version;
  list.output = 700'000;
  EXPECT_NE(PriceVersion(ConfiguredPrice(list)), version) << "the same day, another list";
  list = {.input = 150'000,
          .output = {},
          .cache_read = 600'000,
          .cache_write = {},
          .as_of = "2026-11-01"};
  EXPECT_NE(PriceVersion(ConfiguredPrice(list)), version) << "the same numbers elsewhere";
  EXPECT_EQ(PriceVersion(LocalPrice()), CatalogVersion());
}

}  // namespace
}  // namespace strata::provider
