// The line of a finished request: which spans are its model calls.

#include "server/request_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"

namespace strata::server {
namespace {

using testing::HasSubstr;

class Nowhere final : public net::ResponseWriter {
 public:
  Task<Result<>> Send(int, net::Headers, std::string) override { co_return Result<>{}; }
  Task<Result<>> Start(int, net::Headers) override { co_return Result<>{}; }
  Task<Result<>> Write(std::string_view) override { co_return Result<>{}; }
  Task<Result<>> Finish() override { co_return Result<>{}; }
  void Abort() override {}
  bool started() const override { return false; }
};

SpanRecord MakeSpan(std::string id, std::string parent, std::string name) {
  SpanRecord span;
  span.span_id = std::move(id);
  span.parent_id = std::move(parent);
  span.name = std::move(name);
  return span;
}

TEST(RequestRecord, CountsTheCallsThatWereMeteredAndNoOtherQuestionsToProviders) {
  Nowhere writer;
  const Outgoing outgoing(writer, nullptr, "");
  observe::RequestMetrics metrics(1);
  const Settings settings;
  RequestRecord record(metrics, settings, {.dialect = "openai", .operation = "embeddings"},
                       outgoing);
  observe::FinishedTrace trace;
  auto call = MakeSpan("2", "1", "provider.embed");
  call.fields = {{"provider", "up"},
                 {"model", "up/e"},
                 {"tokens_in", std::int64_t{7}},
                 {"tokens_out", std::int64_t{0}},
                 {"cost_usd", "0.1"}};
  auto kept = MakeSpan("3", "1", "provider.response");
  kept.fields = {{"provider", "keeper"}, {"tokens_in", std::int64_t{100}}};
  trace.spans = {call, kept, MakeSpan("1", "", "gateway.embed")};
  RequestContext ctx;
  ctx.calls = 1;
  std::string line;
  SetLogSink([&](Level, std::string_view event, std::string_view text) {
    if (event == "request.finished") line = text;
  });
  record.Finish(trace, ctx);
  SetLogSink(nullptr);
  EXPECT_THAT(line, HasSubstr("\"calls\":1,"));
  EXPECT_THAT(line, HasSubstr("\"tokens_in\":7,"));
  EXPECT_THAT(line, HasSubstr("\"deployment\":\"up\""));
}

}  // namespace
}  // namespace strata::server
