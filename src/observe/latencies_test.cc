#include "observe/latencies.h"

#include <gtest/gtest.h>

#include <vector>

namespace strata::observe {
namespace {

store::CallRow Call(std::int64_t tokens, std::int64_t ms, const std::string& model = "m") {
  store::CallRow row;
  row.intent.model = model;
  row.intent.operation = "chat";
  row.outcome.status = store::CallStatus::kOk;
  row.outcome.usage.output_tokens = tokens;
  row.outcome.latency_ms = ms;
  return row;
}

TEST(LatenciesOf, AModelAreALineThroughItsCalls) {
  Latencies latencies;
  std::vector<store::CallRow> rows;
  for (int i = 0; i < 30; ++i) rows.push_back(Call(10 * i, 400 + 200 * i));
  latencies.Add(rows);
  EXPECT_NEAR(*latencies.Seconds("m", 0), 0.4, 0.01);
  EXPECT_NEAR(*latencies.Seconds("m", 500), 10.4, 0.1);
  EXPECT_FALSE(latencies.Seconds("other", 100).has_value());
}

TEST(LatenciesOf, FewCallsSayNothingAndEqualOnesOnlyThemselves) {
  Latencies latencies;
  std::vector<store::CallRow> rows(4, Call(100, 900));
  latencies.Add(rows);
  EXPECT_FALSE(latencies.Seconds("m", 100).has_value());
  latencies.Add(rows);
  EXPECT_NEAR(*latencies.Seconds("m", 100), 0.9, 1e-6);
  EXPECT_NEAR(*latencies.Seconds("m", 1000), 0.9, 1e-6);
}

TEST(LatenciesOf, NewerCallsCountMore) {
  Latencies latencies;
  latencies.Add(std::vector<store::CallRow>(100, Call(100, 1000)));
  latencies.Add(std::vector<store::CallRow>(100, Call(100, 9000)));
  EXPECT_GT(*latencies.Seconds("m", 100), 8);
}

TEST(LatenciesOf, FailuresAndOtherWorkAreLeftOut) {
  Latencies latencies;
  std::vector<store::CallRow> rows(10, Call(0, 5));
  for (auto& row : rows) row.outcome.status = store::CallStatus::kError;
  latencies.Add(rows);
  for (auto& row : rows) {
    row.outcome.status = store::CallStatus::kOk;
    row.intent.operation = "embeddings";
  }
  latencies.Add(rows);
  EXPECT_FALSE(latencies.Seconds("m", 1).has_value());
}

TEST(LatenciesOf, NothingIsExpectedBeforeItWasAsked) {
  Latencies latencies;
  std::vector<store::CallRow> rows;
  for (int i = 1; i <= 20; ++i) rows.push_back(Call(100 * i, i * i * 100));
  latencies.Add(rows);
  EXPECT_GE(*latencies.Seconds("m", 0), 0);
}

}  // namespace
}  // namespace strata::observe
