// Counters and their text form.

#include "observe/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace strata::observe {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

std::string Text(const RequestMetrics& metrics) {
  PrometheusText out;
  metrics.Write(out);
  return out.Take();
}

std::string Text(const CallMetrics& metrics) {
  PrometheusText out;
  metrics.Write(out);
  return out.Take();
}

store::CallRow Row(const std::string& model) {
  store::CallRow row;
  row.intent.provider = "p";
  row.intent.model = model;
  row.outcome.status = store::CallStatus::kOk;
  row.outcome.usage.input_tokens = 7;
  row.outcome.usage.output_tokens = 3;
  row.outcome.latency_ms = 40;
  return row;
}

TEST(PrometheusTextTest, EscapesLabelValues) {
  PrometheusText out;
  out.Sample("m", {{"a", "x\"y\\z\n"}}, 1);
  EXPECT_EQ(out.Take(), "m{a=\"x\\\"y\\\\z\\n\"} 1\n");
}

TEST(PrometheusTextTest, BucketsAreCumulativeAndEndWithInfinity) {
  LatencyHistogram histogram;
  histogram.Add(milliseconds(1));
  histogram.Add(milliseconds(3));
  histogram.Add(std::chrono::hours(1));
  HistogramReading reading;
  histogram.AddTo(reading);
  PrometheusText out;
  out.Histogram("h", {}, reading);
  auto text = out.Take();
  EXPECT_THAT(text, HasSubstr("h_bucket{le=\"0.001\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("h_bucket{le=\"0.005\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("h_bucket{le=\"120\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("h_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("h_count 3\n"));
}

TEST(RequestMetricsTest, CountsEveryRequestOfEveryThreadOnce) {
  RequestMetrics metrics(4);
  constexpr int kThreads = 12;
  constexpr int kEach = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        metrics.Begin();
        metrics.End({.slot = 2,
                     .dialect = "openai",
                     .operation = "chat",
                     .status = 200,
                     .latency = milliseconds(2),
                     .first_token = milliseconds(1)});
      }
    });
  }
  for (auto& thread : threads) thread.join();
  auto text = Text(metrics);
  EXPECT_THAT(text, HasSubstr("strata_requests_total{dialect=\"openai\",operation=\"chat\","
                              "status=\"2xx\"} 6000\n"));
  EXPECT_THAT(text, HasSubstr("strata_request_first_token_seconds_count{dialect=\"openai\","
                              "operation=\"chat\"} 6000\n"));
  EXPECT_THAT(text, HasSubstr("strata_requests_in_flight 0\n"));
}

TEST(RequestMetricsTest, RunningRequestsAreSeen) {
  RequestMetrics metrics(1);
  metrics.Begin();
  metrics.Begin();
  EXPECT_EQ(metrics.InFlight(), 2);
  FinishedRequest left;
  left.dialect = "strata";
  left.operation = "x";
  metrics.End(left);
  EXPECT_EQ(metrics.InFlight(), 1);
  EXPECT_THAT(Text(metrics), HasSubstr("status=\"none\"} 1\n"));
}

TEST(CallMetricsTest, AddsUpTokensCostAndOutcomes) {
  CallMetrics metrics;
  auto good = Row("m");
  good.outcome.cost = domain::Money{2'000'000'000'000};
  auto bad = Row("m");
  bad.outcome.status = store::CallStatus::kError;
  bad.outcome.error_code = "rate_limited";
  std::vector<store::CallRow> rows{good, bad};
  metrics.Add(rows);
  auto text = Text(metrics);
  EXPECT_THAT(text, HasSubstr("strata_model_calls_total{provider=\"p\",model=\"m\","
                              "outcome=\"rate_limited\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("strata_model_tokens_total{provider=\"p\",model=\"m\","
                              "kind=\"input\"} 14\n"));
  EXPECT_THAT(text, HasSubstr("strata_model_cost_usd_total{provider=\"p\",model=\"m\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("strata_model_calls_unpriced_total{provider=\"p\",model=\"m\"} 1\n"));
}

TEST(CallMetricsTest, ModelsBeyondTheLimitShareOneSeries) {
  CallMetrics metrics;
  std::vector<store::CallRow> rows;
  for (std::size_t i = 0; i < CallMetrics::kModelsMax + 50; ++i) {
    rows.push_back(Row("m" + std::to_string(i)));
  }
  metrics.Add(rows);
  auto text = Text(metrics);
  EXPECT_THAT(text, HasSubstr("strata_model_calls_total{provider=\"other\",model=\"other\","
                              "outcome=\"ok\"} 50\n"));
  EXPECT_THAT(text, Not(HasSubstr("\"m210\"")));
}

TEST(ProcessMetricsTest, SayMemoryAndFiles) {
  PrometheusText out;
  WriteProcessMetrics(out);
  auto text = out.Take();
  EXPECT_THAT(text, HasSubstr("process_resident_memory_bytes "));
  EXPECT_THAT(text, Not(HasSubstr("process_resident_memory_bytes 0\n")));
}

}  // namespace
}  // namespace strata::observe
