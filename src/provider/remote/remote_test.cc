// Every remote API against the fake upstream over loopback: the same promises for all.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/encoding.h"
#include "base/unanswered.h"
#include "dialect/responses_wire.h"
#include "net/server.h"
#include "provider/counting_embedder.h"
#include "provider/kept.h"
#include "provider/remote/test_fixture.h"
#include "tests/fakes/chat_model_contract.h"

namespace strata::provider::remote {
namespace {

using fakes::FakeAnswer;
using testing::HasSubstr;
using testing::Not;

class RemoteApi : public testing::TestWithParam<ApiCase>, protected Fixture {
 protected:
  Collected Ask(domain::ChatRequest request) {
    return Fixture::Ask(GetParam(), std::move(request));
  }
  void Script(FakeAnswer answer) { upstream->Script().Push(std::move(answer)); }
  bool IsBedrock() const { return GetParam().kind == ProviderKind::kBedrock; }
  bool IsAnthropic() const {
    return GetParam().kind == ProviderKind::kAnthropic ||
           std::string(GetParam().name) == "VertexClaude";
  }
  bool IsGemini() const {
    return std::string(GetParam().name) == "Gemini" || std::string(GetParam().name) == "Vertex";
  }
};

INSTANTIATE_TEST_SUITE_P(Apis, RemoteApi, testing::ValuesIn(kApis),
                         [](const auto& info) { return std::string(info.param.name); });

FakeAnswer Text(std::vector<std::string> chunks) {
  FakeAnswer answer;
  answer.chunks = std::move(chunks);
  return answer;
}

TEST_P(RemoteApi, StreamsTextAsItComesAndUsageFromTheTail) {
  auto answer = Text({"Hel", "lo ", "wörld"});
  answer.input_tokens = 11;
  answer.output_tokens = 3;
  answer.cache_read_tokens = 100;
  Script(answer);
  auto got = Ask(Says("hi"));
  ASSERT_FALSE(got.error.has_value()) << got.error->message();
  EXPECT_EQ(domain::TextOf(got.response.content), "Hello wörld");
  EXPECT_EQ(got.text_deltas, 3);
  EXPECT_EQ(got.response.stop_reason, domain::StopReason::kEndTurn);
  EXPECT_EQ(got.usage.input_tokens, 11);
  EXPECT_EQ(got.usage.output_tokens, 3);
  EXPECT_EQ(got.usage.cache_read_tokens, 100);
  EXPECT_FALSE(got.usage.estimated);
  EXPECT_EQ(got.response.usage, got.usage);
}

TEST_P(RemoteApi, WholeAnswerIsTheSameEvents) {
  auto answer = Text({"Hello ", "world"});
  answer.input_tokens = 5;
  answer.output_tokens = 2;
  answer.stop = "max_tokens";
  Script(answer);
  auto got = Ask(Says("hi", false));
  ASSERT_FALSE(got.error.has_value()) << got.error->message();
  EXPECT_EQ(domain::TextOf(got.response.content), "Hello world");
  EXPECT_EQ(got.response.stop_reason, domain::StopReason::kMaxTokens);
  EXPECT_EQ(got.usage.input_tokens, 5);
  EXPECT_FALSE(got.usage.estimated);
}

domain::Tool WeatherTool() {
  domain::Tool tool;
  tool.name = "weather";
  tool.description = "Weather of a city";
  tool.input_schema.text = R"({"type":"object","properties":{"city":{"type":"string"}}})";
  return tool;
}

// A question, the model's tool call, and its result: a second turn.
domain::ChatRequest WithToolResult(bool stream) {
  auto request = Fixture::Says("weather?", stream);
  request.tools.push_back(WeatherTool());
  domain::Message call;
  call.role = domain::Role::kAssistant;
  call.content.push_back(domain::ToolUseBlock{"call_1", "weather", {R"({"city":"Oslo"})"}});
  domain::Message result;
  domain::ToolResultBlock block;
  block.tool_use_id = "call_1";
  block.content.emplace_back(domain::TextBlock{.text = "rain", .citations = {}});
  result.content.push_back(std::move(block));
  request.messages.push_back(std::move(call));
  request.messages.push_back(std::move(result));
  return request;
}

TEST_P(RemoteApi, ToolCallsComeWholeInBothForms) {
  for (bool stream : {true, false}) {
    auto answer = Text({"Let me see."});
    answer.tool_calls.push_back({"call_1", "weather", R"({"city":"Oslo"})"});
    answer.tool_calls.push_back({"call_2", "weather", R"({"city":"Rome"})"});
    Script(answer);
    auto request = Says("weather?", stream);
    request.tools.push_back(WeatherTool());
    auto got = Ask(std::move(request));
    ASSERT_FALSE(got.error.has_value()) << got.error->message();
    EXPECT_EQ(got.response.stop_reason, domain::StopReason::kToolUse);
    ASSERT_EQ(got.response.content.size(), 3u);
    const auto* second = std::get_if<domain::ToolUseBlock>(&got.response.content[2]);
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(second->id, "call_2");
    EXPECT_EQ(second->name, "weather");
    EXPECT_EQ(second->input.text, R"({"city":"Rome"})");
  }
}

TEST_P(RemoteApi, ToolResultsAreSentAsTheContractWants) {
  Script(Text({"It rains."}));
  auto got = Ask(WithToolResult(true));
  ASSERT_FALSE(got.error.has_value()) << got.error->message();
  EXPECT_EQ(domain::TextOf(got.response.content), "It rains.");
}

TEST_P(RemoteApi, SystemPromptAndParametersArrive) {
  auto request = Says("hi");
  request.system.push_back(domain::TextBlock{.text = "Be brief.", .citations = {}});
  request.temperature = 0.25;
  request.stop = {"END"};
  auto got = Ask(std::move(request));
  ASSERT_FALSE(got.error.has_value()) << got.error->message();
  auto sent = upstream->requests().back();
  EXPECT_THAT(sent.body, HasSubstr("Be brief."));
  EXPECT_THAT(sent.body, HasSubstr("0.25"));
  EXPECT_THAT(sent.body, HasSubstr("END"));
  EXPECT_THAT(sent.body, HasSubstr("64"));
}

TEST_P(RemoteApi, ReasoningComesBeforeTheText) {
  auto answer = Text({"42"});
  answer.reasoning = "six times seven";
  Script(answer);
  auto got = Ask(Says("6*7?"));
  ASSERT_FALSE(got.error.has_value()) << got.error->message();
  // Gemini signs the end of a text: the signature stands behind it.
  ASSERT_EQ(got.response.content.size(), IsGemini() ? 3u : 2u);
  const auto* thought = std::get_if<domain::ReasoningBlock>(&got.response.content[0]);
  ASSERT_NE(thought, nullptr);
  EXPECT_EQ(thought->text, "six times seven");
}

TEST_P(RemoteApi, RateLimitSaysWhenToComeBack) {
  FakeAnswer answer;
  answer.status = 429;
  answer.retry_after_s = 7;
  Script(answer);
  auto got = Ask(Says("hi"));
  ASSERT_TRUE(got.error.has_value());
  EXPECT_EQ(got.error->code(), Code::kRateLimited);
  EXPECT_EQ(got.error->retry_after(), std::chrono::seconds(7));
  EXPECT_EQ(got.error->upstream_status(), 429);
  EXPECT_THAT(got.error->message(), HasSubstr("provider up"));
  EXPECT_THAT(got.error->message(), HasSubstr("scripted error")) << "what the provider said";
}

TEST_P(RemoteApi, ServerErrorsMayBeTriedElsewhere) {
  for (int status : {500, 503}) {
    FakeAnswer answer;
    answer.status = status;
    Script(answer);
    auto got = Ask(Says("hi"));
    ASSERT_TRUE(got.error.has_value());
    EXPECT_EQ(got.error->code(), Code::kUnavailable) << status;
    EXPECT_EQ(got.error->upstream_status(), status);
  }
}

TEST_P(RemoteApi, RefusedKeyIsNeverShown) {
  auto model = Chat(GetParam());
  auto keys = upstream->keys();
  std::vector<std::string> secrets = {keys.openai,
                                      keys.azure,
                                      keys.anthropic,
                                      keys.bedrock_bearer,
                                      keys.aws_secret_access_key,
                                      keys.gemini,
                                      keys.google_token};
  keys.openai = keys.azure = keys.anthropic = keys.bedrock_bearer = "changed";
  keys.aws_secret_access_key = keys.gemini = keys.google_token = "changed";
  upstream->SetKeys(keys);
  RequestContext ctx;
  auto got = runtime.Run(Drain(*model, Says("hi"), ctx));
  ASSERT_TRUE(got.error.has_value());
  EXPECT_TRUE(got.error->code() == Code::kUnauthenticated ||
              got.error->code() == Code::kPermissionDenied)
      << CodeName(got.error->code());
  for (const auto& secret : secrets) EXPECT_THAT(got.error->message(), Not(HasSubstr(secret)));
}

TEST_P(RemoteApi, CutStreamIsNeverACleanEnd) {
  for (int frames : {1, 2, 3}) {
    auto answer = Text({"Hel", "lo"});
    answer.cut_after = frames;
    Script(answer);
    auto got = Ask(Says("hi"));
    ASSERT_TRUE(got.error.has_value()) << frames;
    EXPECT_EQ(got.error->code(), Code::kUnavailable) << got.error->message();
    EXPECT_FALSE(got.ended);
    EXPECT_TRUE(got.usage.estimated);
    EXPECT_GT(got.usage.PromptTokens(), 0);
  }
}

TEST_P(RemoteApi, ErrorInTheStreamKeepsItsMeaning) {
  auto answer = Text({"Hel"});
  answer.stream_error = IsBedrock()     ? "throttlingException"
                        : IsAnthropic() ? "overloaded_error"
                        : IsGemini()    ? "UNAVAILABLE"
                                        : "server_error";
  answer.error_message = "too much at once";
  answer.chunk_delay_ms = 50;  // text and error come in packets of their own
  Script(answer);
  auto got = Ask(Says("hi"));
  ASSERT_TRUE(got.error.has_value());
  EXPECT_EQ(got.error->code(), IsBedrock() ? Code::kRateLimited : Code::kUnavailable);
  EXPECT_THAT(got.error->message(), HasSubstr("too much at once"));
  EXPECT_EQ(domain::TextOf(got.response.content), "Hel");
}

TEST_P(RemoteApi, GarbageIsUnavailableNotACrash) {
  for (bool stream : {true, false}) {
    FakeAnswer answer;
    answer.garbage = std::string("\x00\xff{]<html>", 10) + std::string(200, '\x80');
    Script(answer);
    auto got = Ask(Says("hi", stream));
    ASSERT_TRUE(got.error.has_value());
    EXPECT_EQ(got.error->code(), Code::kUnavailable) << got.error->message();
  }
}

TEST_P(RemoteApi, DeadlineEndsAnAnswerThatHangs) {
  for (bool stream : {true, false}) {
    auto answer = Text({"Hel", "lo"});
    answer.hold_after = 2;
    Script(answer);
    RequestContext ctx;
    ctx.deadline = ctx.clock->Steady() + std::chrono::milliseconds(150);
    auto got = Fixture::Ask(GetParam(), Says("hi", stream), ctx);
    ASSERT_TRUE(got.error.has_value());
    EXPECT_EQ(got.error->code(), Code::kDeadlineExceeded) << got.error->message();
  }
}

TEST_P(RemoteApi, ACallThatItsProviderHasIsToldFromOneThatItNeverGot) {
  auto silent = Text({"Hel"});
  silent.hold_after = 0;
  Script(silent);
  RequestContext ctx;
  ctx.deadline = ctx.clock->Steady() + std::chrono::milliseconds(150);
  auto got = Fixture::Ask(GetParam(), Says("hi", false), ctx);
  ASSERT_TRUE(got.error.has_value());
  EXPECT_EQ(got.error->code(), Code::kDeadlineExceeded);
  EXPECT_TRUE(IsSentUnanswered(*got.error)) << got.error->message();

  auto spec = Spec(GetParam());
  spec.base_url = "http://127.0.0.1:1";  // nobody listens there
  auto model = MakeRemoteProvider(spec, Deps()).value()->Chat(GetParam().chat_model).value();
  RequestContext another;
  got = runtime.Run(Drain(*model, Says("hi", false), another));
  ASSERT_TRUE(got.error.has_value());
  EXPECT_EQ(got.error->code(), Code::kUnavailable);
  EXPECT_FALSE(IsSentUnanswered(*got.error)) << got.error->message();
}

TEST_P(RemoteApi, AStreamThatFallsSilentEndsAsACutOneDoes) {
  stream_idle = std::chrono::milliseconds(150);
  auto answer = Text({"Hel", "lo"});
  answer.hold_after = 2;
  Script(answer);
  auto got = Ask(Says("hi"));
  ASSERT_TRUE(got.error.has_value());
  EXPECT_EQ(got.error->code(), Code::kUnavailable) << got.error->message();
  EXPECT_EQ(got.error->upstream_status(), -1);
  EXPECT_THAT(got.error->message(), HasSubstr("provider.stream_idle_ms"));
  upstream->AwaitGone(1);
}

TEST_P(RemoteApi, AStreamWhosePiecesComeInTimeIsNotSilent) {
  stream_idle = std::chrono::milliseconds(400);
  auto answer = Text({"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"});
  answer.chunk_delay_ms = 50;  // 600 ms and more in all
  Script(answer);
  auto got = Ask(Says("hi"));
  EXPECT_FALSE(got.error.has_value()) << got.error->message();
  EXPECT_EQ(domain::TextOf(got.response.content), "abcdefghijkl");
}

TEST_P(RemoteApi, CancelClosesTheUpstreamConnection) {
  auto answer = Text({"Hel", "lo"});
  answer.hold_after = 2;
  Script(answer);
  std::stop_source source;
  RequestContext ctx;
  ctx.cancel = source.get_token();
  std::thread hang_up([&] {
    upstream->AwaitRequests(1);
    source.request_stop();
  });
  auto got = Fixture::Ask(GetParam(), Says("hi"), ctx);
  hang_up.join();
  ASSERT_TRUE(got.error.has_value());
  EXPECT_EQ(got.error->code(), Code::kCancelled) << got.error->message();
  upstream->AwaitGone(1);
}

Task<bool> TakeOneEvent(ChatModel& model, RequestContext& ctx) {
  auto started = co_await model.Start(Fixture::Says("hi"), ctx);
  if (!started.has_value()) co_return false;
  auto stream = std::move(*started);
  auto event = co_await stream->Next();
  co_return event.has_value();
}

TEST_P(RemoteApi, DroppedStreamClosesTheUpstreamConnection) {
  auto answer = Text({"Hel", "lo"});
  answer.hold_after = 2;
  Script(answer);
  RequestContext ctx;
  auto model = Chat(GetParam());
  EXPECT_TRUE(runtime.Run(TakeOneEvent(*model, ctx)));
  upstream->AwaitGone(1);
}

TEST_P(RemoteApi, RefusedConnectionIsUnavailable) {
  auto spec = Spec(GetParam());
  auto deps = Deps();
  upstream.reset();
  auto model = MakeRemoteProvider(spec, deps).value()->Chat(GetParam().chat_model).value();
  RequestContext ctx;
  auto got = runtime.Run(Drain(*model, Says("hi"), ctx));
  ASSERT_TRUE(got.error.has_value());
  EXPECT_EQ(got.error->code(), Code::kUnavailable) << got.error->message();
}

TEST_P(RemoteApi, CountsTokensWhereTheApiDoes) {
  FakeAnswer answer;
  answer.input_tokens = 321;
  Script(answer);
  RequestContext ctx;
  auto model = Chat(GetParam());
  auto count = runtime.Run(model->CountTokens(Says("hi"), ctx));
  const bool counts = IsBedrock() || IsGemini() || IsAnthropic();
  if (counts) {
    ASSERT_TRUE(count.has_value()) << count.error().message();
    EXPECT_EQ(*count, 321);
  } else {
    ASSERT_FALSE(count.has_value());
    EXPECT_EQ(count.error().code(), Code::kUnsupported);
  }
}

TEST_P(RemoteApi, ListsItsModels) {
  RequestContext ctx;
  auto ids = runtime.Run(ListUpstreamModels(Spec(GetParam()), Deps(), ctx));
  ASSERT_TRUE(ids.has_value()) << ids.error().message();
  EXPECT_GE(ids->size(), 2u);
}

TEST_P(RemoteApi, EmbedsInBatchesAndNormalises) {
  std::string id = GetParam().embed_model;
  auto source = Source(GetParam());
  if (id.empty()) {
    EXPECT_EQ(source->Embed(GetParam().chat_model).error().code(), Code::kUnsupported);
    return;
  }
  auto embedder = source->Embed(id);
  ASSERT_TRUE(embedder.has_value()) << embedder.error().message();
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i) texts.push_back("text " + std::to_string(i % 7));
  if (id.find("titan") != std::string::npos) texts.resize(9);
  RequestContext ctx;
  auto got = runtime.Run((*embedder)->Embed(texts, EmbedPurpose::kQuery, ctx));
  ASSERT_TRUE(got.has_value()) << got.error().message();
  ASSERT_EQ(got->count(), texts.size());
  EXPECT_GT(got->input_tokens, 0);
  EXPECT_GT(upstream->requests().size(), 1u);
  double length = 0;
  for (float value : got->row(8)) length += static_cast<double>(value) * value;
  EXPECT_NEAR(length, 1.0, 1e-5);
  EXPECT_TRUE(std::ranges::equal(got->row(0), got->row(7)));
  EXPECT_FALSE(std::ranges::equal(got->row(0), got->row(1)));
}

TEST_P(RemoteApi, TokenNumbersAreSentWhereTheDialectHasThem) {
  std::string id = GetParam().embed_model;
  if (id.empty()) return;
  auto embedder = Source(GetParam())->Embed(id).value();
  const bool openai =
      GetParam().kind == ProviderKind::kOpenAi || GetParam().kind == ProviderKind::kAzure;
  EXPECT_EQ(embedder->SpeaksOpenAi(), openai);
  if (!openai) return;
  FakeAnswer answer;
  answer.garbage = R"({"data":[{"embedding":[1,0]},{"embedding":[0,1]}]})";  // counts nothing
  Script(answer);
  RequestContext ctx;
  const EmbedPurpose purpose{.tokens = true, .extra = R"({"input_type":"query"})"};
  auto got = runtime.Run(embedder->Embed({"[7,8,9]", "[5]"}, purpose, ctx));
  ASSERT_TRUE(got.has_value()) << got.error().message();
  EXPECT_EQ(got->input_tokens, 4);
  const auto sent = upstream->requests().back().body;
  EXPECT_THAT(sent, HasSubstr(R"("input":[[7,8,9],[5]])"));
  EXPECT_THAT(sent, HasSubstr(R"("input_type":"query")"));
}

// The meter's span is the call's.
TEST_P(RemoteApi, EmbeddingOpensNoSpanOfItsOwn) {
  if (*GetParam().embed_model == '\0') return;
  auto embedder = Source(GetParam())->Embed(GetParam().embed_model).value();
  auto trace = std::make_shared<Trace>("t", SystemClock(), Texts::kKept);
  RequestContext ctx;
  ctx.span = Span(trace, "gateway.embed");
  ASSERT_TRUE(runtime.Run(embedder->Embed({"text"}, EmbedPurpose::kQuery, ctx)).has_value());
  EXPECT_TRUE(trace->TakeEnded().empty());
}

TEST_P(RemoteApi, AnEmbeddingThatFailsInTheMiddleSaysWhatItHasUsed) {
  if (*GetParam().embed_model == '\0') return;
  auto embedder = Source(GetParam())->Embed(GetParam().embed_model).value();
  auto* counting = dynamic_cast<CountingEmbedder*>(embedder.get());
  ASSERT_NE(counting, nullptr);
  auto use = [&](FakeAnswer at_the_last) {
    at_the_last.match_text = "the last text";
    Script(std::move(at_the_last));
    std::vector<std::string> texts(300, "a text that is answered");
    texts.emplace_back("the last text");
    RequestContext ctx;
    ctx.deadline = ctx.clock->Steady() + std::chrono::seconds(2);
    domain::Usage used;
    auto got =
        runtime.Run(counting->EmbedCounting(std::move(texts), EmbedPurpose::kDocument, ctx, used));
    EXPECT_FALSE(got.has_value());
    return used;
  };
  FakeAnswer refuses;
  refuses.status = 500;
  const auto before = use(refuses);
  EXPECT_GT(before.input_tokens, 0);
  FakeAnswer silent;
  silent.hold_after = 0;
  const auto with_the_last = use(silent);
  EXPECT_GT(with_the_last.input_tokens, before.input_tokens);
  EXPECT_TRUE(with_the_last.estimated) << "nobody knows what it made of the last one";
}

TEST_P(RemoteApi, WhatBecomesOfALongTextIsTheCallers) {
  std::string id = GetParam().embed_model;
  if (!id.starts_with("cohere.")) return;  // the others' requests have no word for it
  auto embedder = Source(GetParam())->Embed(id);
  ASSERT_TRUE(embedder.has_value());
  RequestContext ctx;
  auto sent = [&](dialect::LongText long_text) {
    auto got = runtime.Run((*embedder)->Embed({"text"}, {.long_text = long_text}, ctx));
    EXPECT_TRUE(got.has_value());
    return upstream->requests().back().body;
  };
  EXPECT_THAT(sent(dialect::LongText::kRefuse), HasSubstr("\"truncate\":\"NONE\""));
  EXPECT_THAT(sent(dialect::LongText::kCutStart), HasSubstr("\"truncate\":\"START\""));
  EXPECT_THAT(sent(dialect::LongText::kCutEnd), HasSubstr("\"truncate\":\"END\""));
}

TEST_P(RemoteApi, ConnectionIsUsedAgainAfterAWholeAnswer) {
  auto model = Chat(GetParam());
  RequestContext ctx;
  for (int i = 0; i < 3; ++i) {
    auto got = runtime.Run(Drain(*model, Says("hi"), ctx));
    ASSERT_FALSE(got.error.has_value()) << got.error->message();
    EXPECT_EQ(domain::TextOf(got.response.content), "You said: hi");
  }
}

class OpenAiCompatible : public testing::Test, protected Fixture {};

TEST_F(OpenAiCompatible, ServerThatNeverCountsGetsAnEstimate) {
  auto answer = Text({"12345678"});
  answer.no_usage = true;
  upstream->Script().Push(answer);
  auto got = Ask(kApis[0], Says("hello there"));
  ASSERT_FALSE(got.error.has_value()) << got.error->message();
  EXPECT_TRUE(got.usage.estimated);
  EXPECT_EQ(got.usage.output_tokens, 2);
  EXPECT_GT(got.usage.input_tokens, 0);
}

TEST_F(OpenAiCompatible, AzureDeploymentStandsInThePath) {
  auto got = Ask(kApis[2], Says("hi"));
  ASSERT_FALSE(got.error.has_value()) << got.error->message();
  auto sent = upstream->requests().back();
  EXPECT_EQ(sent.target,
            "/openai/deployments/my%2Bdeployment/chat/completions?api-version=2024-10-21");
  EXPECT_EQ(sent.headers.Get("api-key"), upstream->keys().azure);
  EXPECT_FALSE(sent.headers.Has("authorization"));
}

TEST_F(OpenAiCompatible, ExtraHeadersAreSent) {
  auto spec = Spec(kApis[0]);
  spec.headers = {{"X-Team", "search"}};
  auto model = MakeRemoteProvider(spec, Deps()).value()->Chat("gpt-4o-mini").value();
  RequestContext ctx;
  auto got = runtime.Run(Drain(*model, Says("hi"), ctx));
  ASSERT_FALSE(got.error.has_value()) << got.error->message();
  EXPECT_EQ(upstream->requests().back().headers.Get("x-team"), "search");
}

// Requests of the Responses API, at who speaks it and at who does not.
class OpenAiResponses : public testing::Test, protected Fixture {
 protected:
  static domain::ChatRequest Request(std::string body) {
    auto scanned = dialect::responses::ScanRequest(body);
    EXPECT_TRUE(scanned) << body;
    domain::ChatRequest request = std::move(scanned->chat);
    request.wire = dialect::responses::MakeWireRequest(std::move(body), {}, scanned->model);
    request.wire_only = true;
    request.refusal = std::make_shared<domain::Refusal>();
    return request;
  }

  struct Forwarded {
    std::string id, deployment, bytes, text;
    std::optional<Error> error;
    domain::Usage usage;
  };
  static void Note(const domain::StreamEvent& event, Forwarded& out) {
    if (const auto* start = std::get_if<domain::StreamStart>(&event)) {
      out.id = start->id;
      for (const auto& [name, value] : start->headers) {
        if (name == kDeploymentHeader) out.deployment = value;
      }
    }
    if (const auto* chunk = std::get_if<domain::WireChunk>(&event)) out.bytes += chunk->bytes;
    if (const auto* text = std::get_if<domain::TextDelta>(&event)) out.text += text->text;
    if (const auto* end = std::get_if<domain::StreamEnd>(&event)) out.bytes += end->wire;
  }
  static Task<Forwarded> Forward(ChatModel& model, domain::ChatRequest request,
                                 RequestContext& ctx) {
    Forwarded out;
    auto started = co_await model.Start(std::move(request), ctx);
    if (!started.has_value()) {
      out.error = started.error();
      co_return out;
    }
    for (bool ended = false; !ended && !out.error;) {
      auto event = co_await (*started)->Next();
      out.usage = (*started)->UsageSoFar();
      if (!event.has_value()) {
        out.error = event.error();
      } else {
        Note(*event, out);
        ended = std::holds_alternative<domain::StreamEnd>(*event);
      }
    }
    co_return out;
  }
  Forwarded Ask(const ApiCase& api, std::string body) {
    auto model = Chat(api);
    RequestContext ctx;
    // Texts are kept, so that what is forwarded is read.
    ctx.span = Span(std::make_shared<Trace>("t", SystemClock(), Texts::kKept), "root");
    return runtime.Run(Forward(*model, Request(std::move(body)), ctx));
  }
};

constexpr const char* kSearching =
    R"({"model":"x/y","input":"hi","tools":[{"type":"web_search"}],"stream":true})";

TEST_F(OpenAiResponses, AreForwardedWithTheirNameAndUsage) {
  auto answer = Text({"Hel", "lo"});
  answer.input_tokens = 11;
  answer.output_tokens = 3;
  upstream->Script().Push(answer);
  auto got = Ask(kApis[1], kSearching);
  ASSERT_FALSE(got.error.has_value()) << got.error->message();
  auto sent = upstream->requests().back();
  EXPECT_EQ(sent.target, "/openai/v1/responses");
  EXPECT_EQ(
      sent.body,
      R"({"model":"gpt-4o-mini","input":"hi","tools":[{"type":"web_search"}],"stream":true})");
  EXPECT_EQ(got.deployment, "up/gpt-4o-mini");
  EXPECT_TRUE(got.id.starts_with("resp_")) << got.id;
  EXPECT_THAT(got.bytes, HasSubstr(got.id));
  EXPECT_THAT(got.bytes, HasSubstr("response.web_search_call.completed"));
  EXPECT_EQ(got.text, "Hello");
  EXPECT_EQ(got.usage.input_tokens, 11);
  EXPECT_EQ(got.usage.output_tokens, 3);
  EXPECT_FALSE(got.usage.estimated);
}

TEST_F(OpenAiResponses, AreTranslatedWhereTheApiIsNotSpoken) {
  for (const auto* api : {&kApis[0], &kApis[2]}) {
    auto got = Ask(*api, R"({"model":"x","input":"hi","store":false})");
    ASSERT_FALSE(got.error.has_value()) << got.error->message();
    EXPECT_THAT(upstream->requests().back().target, HasSubstr("/chat/completions"));
    auto refused = Ask(*api, kSearching);
    ASSERT_TRUE(refused.error.has_value());
    EXPECT_EQ(refused.error->code(), Code::kInvalidArgument);
    EXPECT_THAT(refused.error->message(), HasSubstr("tools of type web_search"));
  }
}

TEST_F(OpenAiResponses, AFailedOneIsAnErrorWithItsText) {
  auto answer = Text({"Hel"});
  answer.stream_error = "server_error";
  upstream->Script().Push(answer);
  auto got = Ask(kApis[1], kSearching);
  ASSERT_TRUE(got.error.has_value());
  EXPECT_EQ(got.error->code(), Code::kUnavailable);
  EXPECT_THAT(got.error->message(), HasSubstr("scripted error"));
  EXPECT_EQ(got.text, "Hel");
}

TEST_F(OpenAiResponses, WhatIsKeptIsAskedForByItsName) {
  auto got = Ask(kApis[1], R"({"model":"x","input":"hi"})");
  ASSERT_FALSE(got.error.has_value()) << got.error->message();
  EXPECT_EQ(got.text, "You said: hi");
  auto account = OpenAccount(Spec(kApis[1]), Deps()).value();
  RequestContext ctx;
  domain::Refusal refusal;
  auto ask = [&](const auto& of, std::string method) {
    KeptCall call{.method = std::move(method), .target = "/responses/" + got.id};
    return runtime.Run(AskKept(of, std::move(call), ctx, refusal));
  };
  auto again = ask(account, "GET");
  ASSERT_TRUE(again.has_value()) << again.error().message();
  EXPECT_EQ(again->body, got.bytes);
  ASSERT_TRUE(ask(account, "DELETE").has_value());
  auto gone = ask(account, "GET");
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().code(), Code::kNotFound);
  EXPECT_EQ(refusal.status, 404);
  EXPECT_THAT(refusal.body, HasSubstr(got.id));
  auto none = ask(OpenAccount(Spec(kApis[3]), Deps()).value(), "GET");
  EXPECT_EQ(none.error().code(), Code::kUnsupported);
}

// Begins the events of a response and falls silent.
std::unique_ptr<net::Server> SilentKeeper() {
  auto table = net::ServerOptions();
  auto options = strata::Options::Build(std::span(&table, 1), {});
  auto handler = [](net::HttpRequest&, net::ResponseWriter& writer,
                    std::stop_token gone) -> Task<void> {
    net::Headers headers;
    headers.Add("content-type", "text/event-stream");
    auto sent = co_await writer.Start(200, std::move(headers));
    if (!sent.has_value()) co_return;
    sent = co_await writer.Write(
        "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,"
        "\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"in_progress\","
        "\"output\":[]}}\n\n");
    if (sent.has_value()) sent = co_await net::Sleep(std::chrono::hours(1), gone);
  };
  auto server = net::Server::Create(*options, {net::ListenSpec{}}, handler);
  EXPECT_TRUE(server.has_value());
  (*server)->Start();
  return std::move(*server);
}

TEST_F(OpenAiResponses, AKeptOneWhoseStreamFallsSilentEndsAsACutOneDoes) {
  stream_idle = std::chrono::milliseconds(150);
  auto keeper = SilentKeeper();
  auto spec = Spec(kApis[1]);
  spec.base_url = "http://" + keeper->addresses().front();
  auto account = OpenAccount(std::move(spec), Deps()).value();
  RequestContext ctx;
  ctx.deadline = ctx.clock->Steady() + std::chrono::seconds(5);
  domain::Refusal refusal;
  auto read = [&]() -> Task<Result<>> {
    KeptStreamCall call{.call = {.method = "GET", .target = "/responses/resp_1?stream=true"},
                        .deployment = "up/gpt-4o-mini"};
    STRATA_CO_TRY(auto stream, co_await StreamKept(account, std::move(call), ctx, refusal));
    while (true) {
      STRATA_CO_TRY(auto event, co_await stream->Next());
      if (std::holds_alternative<domain::StreamEnd>(event)) co_return Result<>{};
    }
  };
  auto done = runtime.Run(read());
  keeper->Stop(std::chrono::milliseconds(0));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code(), Code::kUnavailable) << done.error().message();
  EXPECT_THAT(done.error().message(), HasSubstr("provider.stream_idle_ms"));
}

class BedrockSigned : public testing::Test, protected Fixture {};

TEST_F(BedrockSigned, SessionTokenIsSentAndSigned) {
  auto keys = upstream->keys();
  keys.aws_session_token = "session";
  upstream->SetKeys(keys);
  auto got = Ask(kApis[4], Says("hi"));
  ASSERT_FALSE(got.error.has_value()) << got.error->message();
  auto sent = upstream->requests().back();
  EXPECT_THAT(std::string(sent.headers.Get("authorization")), HasSubstr("x-amz-security-token"));
  EXPECT_EQ(sent.target, "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream");
}

TEST_F(BedrockSigned, NoCredentialsIsSaidWhenTheProviderIsMade) {
  auto deps = Deps();
  deps.env = [](std::string_view) { return std::string(); };
  auto made = MakeRemoteProvider(Spec(kApis[4]), deps);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code(), Code::kUnauthenticated);
}

TEST(RemoteSource, KnowsWhatItWasToldAndNothingElse) {
  Fixture fixture;
  auto spec = fixture.Spec(kApis[0]);
  spec.models = {"llama3", "nomic-embed-text"};
  auto source = MakeRemoteProvider(spec, fixture.Deps()).value();
  EXPECT_TRUE(source->Has("llama3"));
  EXPECT_FALSE(source->Has("gpt-4o-mini"));
  auto models = source->Models();
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].info.id, "up/llama3");
  EXPECT_TRUE(models[0].info.can.chat);
  EXPECT_TRUE(models[1].info.can.embed);
  EXPECT_FALSE(models[0].info.price.input.has_value()) << "nobody lists prices of this address";
  EXPECT_EQ(source->Chat("nomic-embed-text").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(source->Chat("a\nb").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(source->Chat("llama3").value(), source->Chat("llama3").value());
}

TEST(RemoteSource, VendorsOwnAddressHasItsPricesAndNames) {
  Fixture fixture;
  auto spec = fixture.Spec(kApis[0]);
  spec.base_url = "https://api.openai.com/v1";
  auto source = MakeRemoteProvider(spec, fixture.Deps()).value();
  EXPECT_TRUE(source->Has("gpt-4o-mini"));
  EXPECT_FALSE(source->Has("claude-sonnet-4-5"));
  auto info = source->Chat("gpt-4o-mini").value()->Info();
  EXPECT_EQ(info.price.input, 150'000);
  EXPECT_EQ(info.family, "gpt");
}

// ---- the contract of ChatModel ----

class RemoteSubject final : public fakes::ChatModelSubject {
 public:
  explicit RemoteSubject(const ApiCase& api) : model_(fixture_.Chat(api)) {}
  ChatModel& model() override { return *model_; }
  net::Runtime& runtime() override { return fixture_.runtime; }

 private:
  Fixture fixture_;
  std::shared_ptr<ChatModel> model_;
};

STRATA_CHAT_MODEL_CONTRACT(OpenAi, [] { return std::make_unique<RemoteSubject>(kApis[0]); });
STRATA_CHAT_MODEL_CONTRACT(Anthropic, [] { return std::make_unique<RemoteSubject>(kApis[3]); });
STRATA_CHAT_MODEL_CONTRACT(Bedrock, [] { return std::make_unique<RemoteSubject>(kApis[4]); });

}  // namespace
}  // namespace strata::provider::remote
