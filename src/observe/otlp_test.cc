#include "observe/otlp.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <deque>

#include "observe/genai_attributes.h"

namespace strata::observe {
namespace {

class FakeResponse final : public net::ClientResponse {
 public:
  explicit FakeResponse(int status) : status_(status) {}
  int status() const override { return status_; }
  const net::Headers& headers() const override { return headers_; }
  Task<Result<std::string_view>> Read() override { co_return std::string_view(); }
  Task<Result<std::string>> ReadAll(std::size_t) override { co_return std::string(); }

 private:
  int status_;
  net::Headers headers_;
};

// Answers with the scripted statuses, then 200; 0 is a refused connection.
class FakeClient final : public net::Client {
 public:
  Task<Result<std::unique_ptr<net::ClientResponse>>> Send(net::ClientRequest&& request) override {
    requests.push_back(std::move(request));
    int status = 200;
    if (!script.empty()) {
      status = script.front();
      script.pop_front();
    }
    if (status == 0) co_return Fail(Code::kUnavailable, "refused");
    co_return std::make_unique<FakeResponse>(status);
  }
  std::deque<int> script;
  std::vector<net::ClientRequest> requests;
};

FinishedTrace Sample() {
  auto at = FromUnixMicros(1'700'000'000'000'001);
  SpanRecord root{.span_id = "00000000000000a1",
                  .parent_id = "",
                  .name = "gateway.chat",
                  .start = at,
                  .end = at,
                  .fields = {},
                  .error = {}};
  auto call = root;
  call.span_id = "00000000000000a2";
  call.parent_id = root.span_id;
  call.name = "provider.chat";
  call.fields = {{"provider", std::string("bedrock")}, {"model", std::string("m")},
                 {"tokens_in", std::int64_t{9}},       {"stop_reason", std::string("end_turn")},
                 {"attempt", std::int64_t{1}},         {"attempt", std::int64_t{2}}};
  call.error = Error(Code::kUnavailable, "cut");
  return {.trace_id = "0123456789abcdef0123456789abcdef",
          .workspace = {"default"},
          .key = {"key_1"},
          .subject = "",
          .dialect = "openai",
          .model = "m",
          .spans = {root, call}};
}

OtlpOptions Fast() {
  OtlpOptions options;
  options.endpoint = "http://127.0.0.1:1/v1/traces";
  options.headers = {{"x-key", "v"}};
  options.batch_wait = options.retry_first = std::chrono::milliseconds(1);
  options.attempts_max = 3;
  return options;
}

// Runs an exporter over the traces submitted, until it has stopped.
OtlpExporter::Counters Export(std::shared_ptr<FakeClient> client, int traces, bool stop_first) {
  auto options = Fast();
  options.queue_max = 3;
  auto exporter = OtlpExporter::Create(options, client);
  for (int i = 0; i < traces; ++i) exporter->Submit(Sample());
  if (stop_first) exporter->Stop();
  boost::asio::io_context io;
  boost::asio::co_spawn(io, exporter->Run(), boost::asio::detached);
  auto finished = [&] {
    auto c = exporter->counters();
    return c.exported + c.dropped == static_cast<std::uint64_t>(traces);
  };
  while (!finished()) io.run_one();
  exporter->Stop();
  io.run();
  return exporter->counters();
}

TEST(Otlp, SpansCarryTheGenAiAttributes) {
  auto json = OtlpJson({Sample()}, "svc");
  for (
      const char* part :
      {R"("key":"service.name","value":{"stringValue":"svc"})",
       R"("traceId":"0123456789abcdef0123456789abcdef","spanId":"00000000000000a2","parentSpanId":"00000000000000a1","name":"chat m","kind":3,"startTimeUnixNano":"1700000000000001000")",
       R"("key":"gen_ai.provider.name","value":{"stringValue":"aws.bedrock"})",
       R"("key":"gen_ai.usage.input_tokens","value":{"intValue":"9"})",
       R"("key":"gen_ai.response.finish_reasons","value":{"arrayValue":{"values":[{"stringValue":"end_turn"}]}})",
       R"("key":"gen_ai.operation.name","value":{"stringValue":"chat"})",
       R"("key":"error.type","value":{"stringValue":"unavailable"})",
       R"("key":"strata.attempt","value":{"intValue":"2"})",
       R"("status":{"code":2,"message":"cut"})", R"("name":"gateway.chat","kind":2)"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << "\n" << json;
  }
  EXPECT_EQ(json.find(R"({"intValue":"1"})"), std::string::npos)
      << "the last value of a field wins";
  auto bad = Sample();
  bad.trace_id = "not hex";
  EXPECT_EQ(OtlpJson({bad}, "svc").find("spanId"), std::string::npos);
}

TEST(Otlp, RetriesWhatMayPassAndGivesUpOnTheRest) {
  auto client = std::make_shared<FakeClient>();
  client->script = {0, 503};
  auto counters = Export(client, 1, false);
  EXPECT_EQ(counters.exported, 1U);
  EXPECT_EQ(counters.retries, 2U);
  EXPECT_EQ(client->requests[0].headers.Get("x-key"), "v");
  EXPECT_EQ(client->requests[0].url, "http://127.0.0.1:1/v1/traces");

  client->script = {400};
  EXPECT_EQ(Export(client, 1, false).dropped, 1U);
  client->script = {503, 503, 503};
  EXPECT_EQ(Export(client, 1, false).dropped, 1U);
}

TEST(Otlp, AFullQueueDropsAndAStoppedOneSendsWhatItHas) {
  auto client = std::make_shared<FakeClient>();
  auto counters = Export(client, 5, true);
  EXPECT_EQ(counters.exported, 3U);
  EXPECT_EQ(counters.dropped, 2U);
  EXPECT_EQ(client->requests.size(), 1U) << "one batch";
}

TEST(Otlp, OptionsAndEnvironmentNameTheEndpoint) {
  OptionTable table = OtlpExporter::OtlpOptionTable();
  auto build = [&](const std::map<std::string, Options::Given>& given) {
    return OtlpOptionsOf(*Options::Build(std::span(&table, 1), given));
  };
  ::setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/", 1);
  ::setenv("OTEL_EXPORTER_OTLP_HEADERS", "a=1,b=x%20y", 1);
  auto from_env = build({});
  EXPECT_EQ(from_env->endpoint, "http://collector:4318/v1/traces");
  ASSERT_EQ(from_env->headers.size(), 2U);
  EXPECT_EQ(from_env->headers[1].second, "x y");
  ::setenv("STRATA_TEST_TOKEN", "t0ken", 1);
  auto given = build({{"otlp.endpoint", {"https://o", "f:1"}},
                      {"otlp.headers", {"authorization=env:STRATA_TEST_TOKEN", "f:2"}}});
  EXPECT_EQ(given->endpoint, "https://o/v1/traces");
  EXPECT_EQ(given->headers.at(0).second, "t0ken");
  ::unsetenv("OTEL_EXPORTER_OTLP_ENDPOINT");
  ::unsetenv("OTEL_EXPORTER_OTLP_HEADERS");
  EXPECT_EQ(build({})->endpoint, "");
  EXPECT_EQ(build({{"otlp.endpoint", {"ftp://o", ""}}}).error().field(), "otlp.endpoint");
  EXPECT_EQ(build({{"otlp.headers", {"novalue", ""}}}).error().field(), "otlp.headers");
  auto plain = build({{"otlp.headers", {"X-Api-Key=sk-plain", ""}}});
  ASSERT_FALSE(plain.has_value());
  EXPECT_EQ(plain.error().message().find("sk-plain"), std::string::npos);
}

}  // namespace
}  // namespace strata::observe
