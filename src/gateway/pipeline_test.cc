// The chat pipeline with the meter, on scripted models and a real journal.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <mutex>

#include "base/unanswered.h"
#include "gateway/chat_service.h"
#include "gateway/embed_service.h"
#include "gateway/fit_context.h"
#include "gateway/judge_service.h"
#include "gateway/meter.h"
#include "guard/word_policy.h"
#include "net/runtime.h"
#include "provider/counting_embedder.h"
#include "tests/fakes/fake_chat_model.h"
#include "tests/fakes/fake_embedder.h"
#include "tests/fakes/fake_reranker.h"

namespace strata::gateway {
namespace {

using testing::HasSubstr;

// What a dialect would write.
class Written final : public AnswerSink {
 public:
  Task<Result<>> Begin(const domain::ModelInfo& model) override {
    model_id = model.id;
    co_return Result<>{};
  }
  Task<Result<>> Event(const domain::StreamEvent& event) override {
    if (refuse_events) co_return strata::Fail(Code::kCancelled, "the client has gone");
    answer.Add(event);
    co_return Result<>{};
  }
  Task<void> Fail(const Error& e) override {
    error = e;
    co_return;
  }
  Task<void> Refuse(const Error& e, domain::Refusal r) override {
    refusal = std::move(r.body);
    return Fail(e);
  }

  std::string model_id;
  domain::StreamAccumulator answer;
  std::optional<Error> error;
  std::string refusal;
  bool refuse_events = false;
};

class Pipeline : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "strata-pipeline-" + NewRequestId().value;
    std::filesystem::create_directories(folder_);
    auto sink = [this](std::span<const store::CallRow> rows) -> Result<> {
      std::lock_guard lock(mutex_);
      rows_.insert(rows_.end(), rows.begin(), rows.end());
      return {};
    };
    store::JournalOptions options;
    options.folder = folder_;
    options.segment_bytes = 64 << 10;
    journal_ = store::Journal::Open(options, sink).value();
  }
  void TearDown() override {
    registry_.reset();
    journal_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::shared_ptr<fakes::FakeChatModel> AddModel(const std::string& id) {
    auto model = std::make_shared<fakes::FakeChatModel>(id);
    model->MutableInfo().price.input = 1'000'000;
    model->MutableInfo().price.output = 2'000'000;
    EXPECT_TRUE(registry_
                    ->Update([&](provider::RegistrySnapshot& models) {
                      return models.AddChat(Metered(model, *journal_), WallTime{});
                    })
                    .has_value());
    return model;
  }

  void Ask(Written& sink, const std::string& model = "a") {
    domain::ChatRequest request;
    request.model = model;
    request.messages.push_back({.role = domain::Role::kUser, .content = {}});
    request.messages.back().content.push_back(domain::TextBlock{.text = "hi", .citations = {}});
    ctx_.request_id = NewRequestId();
    net::Runtime runtime;
    runtime.Run(ChatService(*registry_, guardrails_).Run(std::move(request), ctx_, sink));
  }

  std::vector<store::CallRow> Rows() {
    EXPECT_TRUE(journal_->Flush().has_value());
    std::lock_guard lock(mutex_);
    return rows_;
  }

  std::string folder_;
  std::mutex mutex_;
  std::vector<store::CallRow> rows_;
  std::unique_ptr<store::Journal> journal_;
  std::unique_ptr<provider::Registry> registry_ = std::make_unique<provider::Registry>();
  RequestContext ctx_;
  GuardrailsNow guardrails_;
};

GuardrailsNow Denying(const std::string& word) {
  guard::WordPolicySpec spec{.name = "w", .words = {word}};
  auto policy = guard::MakeWordPolicy(std::move(spec)).value();
  auto all = std::make_shared<const guard::Guardrails>(std::vector{std::move(policy)});
  return [all] { return all; };
}

domain::ChatRequest Saying(const std::string& text) {
  domain::ChatRequest request;
  request.model = "a";
  request.messages.push_back({.role = domain::Role::kUser, .content = {}});
  request.messages.back().content.push_back(domain::TextBlock{.text = text, .citations = {}});
  return request;
}

TEST_F(Pipeline, BlockedAnswerIsInTheJournalAsBlocked) {
  AddModel("a")->Script().Text("a kestrel").Usage(9, 2);
  guardrails_ = Denying("kestrel");
  Written sink;
  Ask(sink);
  ASSERT_TRUE(sink.error.has_value());
  EXPECT_EQ(sink.error->code(), Code::kBlocked);
  auto rows = Rows();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome.status, store::CallStatus::kBlocked);
  EXPECT_EQ(rows[0].outcome.error_code, "blocked");
}

TEST_F(Pipeline, WhatAProviderGotAndDidNotAnswerCostsItsPrompt) {
  auto model = AddModel("a");
  auto ask = [&](Error error) {
    model->Next().Refuse(std::move(error));
    const auto spent = ctx_.spent_picousd;
    Written sink;
    Ask(sink);
    EXPECT_TRUE(sink.error.has_value());
    auto outcome = Rows().back().outcome;
    EXPECT_EQ(outcome.usage.output_tokens, 0);
    EXPECT_EQ(ctx_.spent_picousd - spent, outcome.cost->picousd);
    return outcome;
  };
  for (auto code : {Code::kCancelled, Code::kDeadlineExceeded, Code::kUnavailable}) {
    auto outcome = ask(SentUnanswered(Error(code, "gone")));
    EXPECT_TRUE(outcome.usage.estimated) << CodeName(code);
    EXPECT_GT(outcome.usage.input_tokens, 0) << CodeName(code);
    EXPECT_EQ(outcome.cost->picousd, outcome.usage.input_tokens * 1'000'000);
    EXPECT_EQ(outcome.status,
              code == Code::kCancelled ? store::CallStatus::kCancelled : store::CallStatus::kError);
  }
  for (int status : {0, -1, 429, 500}) {
    auto outcome = ask(Error(Code::kUnavailable, "no").FromUpstream(status));
    EXPECT_FALSE(outcome.usage.estimated) << status;
    EXPECT_EQ(outcome.cost->picousd, 0) << status;
  }
}

// Embeds one text a call, some of which fail.
class OneByOne final : public provider::Embedder, public provider::CountingEmbedder {
 public:
  OneByOne() {
    info_.id = "e";
    info_.price.input = 1'000'000;
  }
  Task<Result<provider::Embeddings>> Embed(std::vector<std::string>, provider::EmbedPurpose,
                                           RequestContext&) override {
    co_return strata::Fail(Code::kInternal, "the meter counts");
  }
  Task<Result<provider::Embeddings>> EmbedCounting(std::vector<std::string> texts,
                                                   provider::EmbedPurpose, RequestContext&,
                                                   domain::Usage& used) override {
    provider::Embeddings out{.dimensions = 1, .values = {}};
    for (const auto& text : texts) {
      if (text == "bad") co_return strata::Fail(Error(Code::kUnavailable, "no").FromUpstream(500));
      ++used.input_tokens;
      out.values.push_back(1);
    }
    used.estimated = texts.size() == 1;
    out.input_tokens = used.input_tokens;
    co_return out;
  }
  std::int64_t CountTokens(std::string_view) const override { return 1; }
  std::int64_t tokens_max() const override { return 256; }
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  domain::ModelInfo info_;
};

TEST_F(Pipeline, TextsThatWereEmbeddedBeforeOneFailedAreRecorded) {
  auto metered = Metered(std::make_shared<OneByOne>(), *journal_);
  net::Runtime runtime;
  auto embed = [&](std::vector<std::string> texts) {
    ctx_.request_id = NewRequestId();
    return runtime.Run(metered->Embed(std::move(texts), provider::EmbedPurpose::kDocument, ctx_));
  };
  EXPECT_FALSE(embed({"a", "b", "bad", "c"}).has_value());
  auto failed = Rows().back().outcome;
  EXPECT_EQ(failed.status, store::CallStatus::kError);
  EXPECT_EQ(failed.usage.input_tokens, 2);
  EXPECT_EQ(failed.cost, domain::Money{2'000'000});
  EXPECT_FALSE(failed.usage.estimated);
  ASSERT_TRUE(embed({"a"}).has_value());
  EXPECT_TRUE(Rows().back().outcome.usage.estimated) << "the provider did not say";
}

// Answers in bytes of its own dialect, all of which come with the end.
class InOnePiece final : public provider::ChatModel {
 public:
  InOnePiece(std::string id, std::string bytes) : bytes_(std::move(bytes)) {
    info_.id = std::move(id);
    info_.cleared_for_all_labels = true;
  }
  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&&,
                                                            RequestContext&) override {
    co_return std::make_unique<Stream>(bytes_);
  }
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest, RequestContext&) override {
    co_return 0;
  }
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  class Stream final : public provider::ChatStream {
   public:
    explicit Stream(std::string bytes) : bytes_(std::move(bytes)) {}
    Task<Result<domain::StreamEvent>> Next() override {
      if (std::exchange(begun_, true)) {
        domain::StreamEnd end;
        end.wire = bytes_;
        end.usage.input_tokens = 9;
        end.usage.output_tokens = 2;
        co_return end;
      }
      domain::StreamStart start;
      start.wire = true;
      co_return start;
    }
    domain::Usage UsageSoFar() const override { return {}; }

   private:
    std::string bytes_;
    bool begun_ = false;
  };

  std::string bytes_;
  domain::ModelInfo info_;
};

TEST_F(Pipeline, AnswerBlockedForItsLastBytesIsInTheJournalAsBlocked) {
  for (std::string bytes : {R"({"new":"a kestrel"})", R"({"new":"a sparrow"})"}) {
    registry_ = std::make_unique<provider::Registry>();
    auto model = std::make_shared<InOnePiece>("a", bytes);
    ASSERT_TRUE(registry_
                    ->Update([&](provider::RegistrySnapshot& models) {
                      return models.AddChat(Metered(model, *journal_), WallTime{});
                    })
                    .has_value());
    guardrails_ = Denying("kestrel");
    Written sink;
    Ask(sink);
    const bool blocked = bytes.find("kestrel") != std::string::npos;
    EXPECT_EQ(sink.error.has_value(), blocked);
    EXPECT_EQ(Rows().back().outcome.status,
              blocked ? store::CallStatus::kBlocked : store::CallStatus::kOk);
    EXPECT_EQ(Rows().back().outcome.usage.output_tokens, 2) << "it was paid for";
  }
}

TEST_F(Pipeline, TextsToEmbedAreJudged) {
  auto embedder = std::make_shared<fakes::FakeEmbedder>("e", 32);
  ASSERT_TRUE(registry_
                  ->Update([&](provider::RegistrySnapshot& models) {
                    return models.AddEmbedder(Metered(embedder, *journal_), WallTime{});
                  })
                  .has_value());
  EmbedService embed(*registry_, Denying("kestrel"));
  auto run = [&](std::vector<std::string> texts) {
    dialect::EmbedRequest request;
    request.model = "e";
    request.texts = std::move(texts);
    return net::Runtime().Run(embed.Run(std::move(request), ctx_));
  };
  EXPECT_TRUE(run({"a sparrow"}).has_value());
  auto refused = run({"a sparrow", "a Kestrel"});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kBlocked);
  EXPECT_EQ(embedder->calls(), 1);
  EXPECT_EQ(Rows().back().outcome.decided_by.guardrail, "w");
}

TEST_F(Pipeline, TextsToRankAreJudged) {
  auto reranker = std::make_shared<fakes::FakeReranker>("r");
  ASSERT_TRUE(registry_
                  ->Update([&](provider::RegistrySnapshot& models) {
                    return models.AddReranker(Metered(reranker, *journal_), WallTime{});
                  })
                  .has_value());
  JudgeService judge(*registry_, Denying("kestrel"));
  auto run = [&](std::string query, std::string document) {
    domain::RerankRequest request{.query = std::move(query), .documents = {std::move(document)}};
    return net::Runtime().Run(judge.Rerank("r", std::move(request), ctx_));
  };
  EXPECT_TRUE(run("which bird?", "a sparrow").has_value());
  EXPECT_EQ(run("a kestrel?", "a sparrow").error().code(), Code::kBlocked);
  EXPECT_EQ(run("which bird?", "a kestrel").error().code(), Code::kBlocked);
  EXPECT_EQ(reranker->calls(), 1);
}

TEST_F(Pipeline, TokensAreCountedOnlyOfWhatMayBeAsked) {
  auto model = AddModel("a");
  model->MutableInfo().context_tokens = 10;
  ChatService chat(*registry_, Denying("kestrel"));
  auto code = [&](auto task) {
    auto done = net::Runtime().Run(std::move(task));
    return done.has_value() ? std::optional<Code>() : done.error().code();
  };
  EXPECT_EQ(code(chat.CountTokens(Saying("a sparrow"), ctx_)), std::nullopt);
  EXPECT_EQ(code(chat.CountTokens(Saying("a kestrel"), ctx_)), Code::kBlocked);
  auto harmless = Saying("a sparrow and some more birds");
  auto harmful = Saying("a kestrel and some more birds");
  EXPECT_EQ(code(FitContext(chat, *registry_, harmless, ctx_)), std::nullopt);
  EXPECT_EQ(code(FitContext(chat, *registry_, harmful, ctx_)), Code::kBlocked);
  ctx_.models_allowed = {"b"};
  EXPECT_EQ(code(FitContext(chat, *registry_, harmless, ctx_)), Code::kPermissionDenied);
}

// Refuses as a provider does that a client of its dialect may read.
class Refusing final : public provider::ChatModel {
 public:
  explicit Refusing(std::string body) : body_(std::move(body)) { info_.id = "r"; }
  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request,
                                                            RequestContext&) override {
    *request.refusal = {.dialect = "openai", .status = 400, .headers = {}, .body = body_};
    co_return strata::Fail(Error(Code::kInvalidArgument, "no").FromUpstream(400));
  }
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest, RequestContext&) override {
    co_return 0;
  }
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  std::string body_;
  domain::ModelInfo info_;
};

TEST_F(Pipeline, WhatAProviderSaysWhenItRefusesIsJudged) {
  auto refusal = [&](std::string body) {
    registry_ = std::make_unique<provider::Registry>();
    auto model = std::make_shared<Refusing>(std::move(body));
    EXPECT_TRUE(registry_
                    ->Update([&](provider::RegistrySnapshot& models) {
                      return models.AddChat(Metered(model, *journal_), WallTime{});
                    })
                    .has_value());
    Written sink;
    Ask(sink, "r");
    EXPECT_EQ(sink.error->code(), Code::kInvalidArgument);
    return sink.refusal;
  };
  const std::string body = R"({"error":{"message":"not 'a k\u0065strel'"}})";
  EXPECT_EQ(refusal(body), body);
  guardrails_ = Denying("kestrel");
  EXPECT_EQ(refusal(body), "");
  EXPECT_NE(refusal(R"({"error":{"message":"not 'a sparrow'"}})"), "");
  AddModel("a")->Script().Fail(Error(Code::kUnavailable, "a kestrel").FromUpstream(500));
  Written sink;
  Ask(sink);
  EXPECT_THAT(sink.error->message(), testing::Not(HasSubstr("kestrel")));
}

TEST_F(Pipeline, AnsweredRequestIsInTheJournalOnceWithItsCost) {
  AddModel("a")->Script().Text("Hel").Text("lo").Usage(9, 2);
  Written sink;
  Ask(sink);
  EXPECT_FALSE(sink.error.has_value());
  EXPECT_EQ(domain::TextOf(sink.answer.response().content), "Hello");
  auto rows = Rows();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome.status, store::CallStatus::kOk);
  EXPECT_EQ(rows[0].intent.request_id, ctx_.request_id);
  EXPECT_EQ(rows[0].outcome.cost->picousd, 9 * 1'000'000 + 2 * 2'000'000);
  EXPECT_EQ(rows[0].outcome.decided_by.router, "direct/1");
  EXPECT_EQ(ctx_.spent_picousd, 13'000'000);
}

// What was asked is in the trace only where it may be, and then with the documents that it was
// asked of.
TEST_F(Pipeline, ThePromptInTheTraceHoldsItsDocuments) {
  auto model = Metered(AddModel("a"), *journal_);
  for (const bool capture : {true, false}) {
    auto trace =
        std::make_shared<Trace>("t", SystemClock(), capture ? Texts::kKept : Texts::kDropped);
    ctx_.request_id = NewRequestId();
    ctx_.span = Span(trace, "root");
    domain::ChatRequest request;
    auto& content = request.messages.emplace_back().content;
    domain::DocumentBlock document;
    document.name = "Rules";
    document.text = "The quay is closed.";
    content.emplace_back(std::move(document));
    content.emplace_back(domain::TextBlock{.text = "When?", .citations = {}});
    {
      net::Runtime().Run(model->Start(std::move(request), ctx_)).value();
    }
    std::string prompt;
    for (const auto& span : trace->TakeEnded()) {
      for (const auto& [name, value] : span.fields) {
        const auto* text = std::get_if<std::string>(&value);
        if (name == "prompt_text") prompt = *text;
        if (!capture && text) EXPECT_EQ(text->find("quay"), std::string::npos) << name;
      }
    }
    EXPECT_EQ(prompt, capture ? "user: [document Rules]\nThe quay is closed.\n\nWhen?" : "");
  }
  ctx_.span = Span();
}

TEST_F(Pipeline, FailureInTheStreamReachesTheSinkAndTheJournal) {
  AddModel("a")->Script().Text("Hel").Fail(Code::kUnavailable);
  Written sink;
  Ask(sink);
  ASSERT_TRUE(sink.error.has_value());
  EXPECT_EQ(sink.error->code(), Code::kUnavailable);
  EXPECT_EQ(domain::TextOf(sink.answer.response().content), "Hel");
  auto rows = Rows();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome.status, store::CallStatus::kError);
  EXPECT_EQ(rows[0].outcome.error_code, "unavailable");
}

TEST_F(Pipeline, ClientThatLeavesCancelsTheProviderAndIsMarkedSo) {
  auto model = AddModel("a");
  model->Script().Text("Hel").Text("lo");
  std::stop_source gone;
  ctx_.cancel = gone.get_token();
  Written sink;
  gone.request_stop();
  Ask(sink);
  EXPECT_EQ(model->open_streams(), 0);
  ASSERT_TRUE(sink.error.has_value());
  EXPECT_EQ(sink.error->code(), Code::kCancelled);
}

TEST_F(Pipeline, DroppedAnswerIsChargedAndMarked) {
  auto model = AddModel("a");
  model->Script().Text("Hel").Text("lo");
  Written sink;
  sink.refuse_events = true;
  Ask(sink);
  EXPECT_EQ(model->open_streams(), 0);
  auto rows = Rows();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].outcome.status, store::CallStatus::kOk);
}

TEST_F(Pipeline, LabelThatIsNotClearedNeverReachesTheProvider) {
  auto model = AddModel("a");
  ctx_.labels.Add("secret");
  Written sink;
  Ask(sink);
  ASSERT_TRUE(sink.error.has_value());
  EXPECT_EQ(sink.error->code(), Code::kPermissionDenied);
  EXPECT_THAT(sink.error->message(), HasSubstr("secret"));
  EXPECT_EQ(model->calls(), 0);
  EXPECT_TRUE(Rows().empty());
}

TEST_F(Pipeline, KeyThatMayNotUseAModelIsToldWhich) {
  auto model = AddModel("a");
  ctx_.models_allowed = {"b*"};
  Written sink;
  Ask(sink);
  ASSERT_TRUE(sink.error.has_value());
  EXPECT_THAT(sink.error->message(), HasSubstr("'a'"));
  EXPECT_EQ(model->calls(), 0);
}

TEST_F(Pipeline, UnknownModelNamesTheNearest) {
  AddModel("claude-small");
  Written sink;
  Ask(sink, "claude-smal");
  ASSERT_TRUE(sink.error.has_value());
  EXPECT_EQ(sink.error->code(), Code::kNotFound);
  EXPECT_THAT(sink.error->message(), HasSubstr("claude-small"));
}

TEST_F(Pipeline, PassedDeadlineStopsBeforeTheProvider) {
  auto model = AddModel("a");
  ctx_.deadline = ctx_.clock->Steady();
  Written sink;
  Ask(sink);
  EXPECT_EQ(sink.error->code(), Code::kDeadlineExceeded);
  EXPECT_EQ(model->calls(), 0);
}

TEST_F(Pipeline, EmbeddingsAreMeteredAndCanBeCut) {
  auto embedder = std::make_shared<fakes::FakeEmbedder>("e", 32);
  ASSERT_TRUE(registry_
                  ->Update([&](provider::RegistrySnapshot& models) {
                    return models.AddEmbedder(Metered(embedder, *journal_), WallTime{});
                  })
                  .has_value());
  net::Runtime runtime;
  dialect::EmbedRequest request;
  request.model = "e";
  request.texts = {"one text", "two"};
  request.dimensions = 8;
  auto answer = runtime.Run(EmbedService(*registry_).Run(request, ctx_));
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(answer->vectors.dimensions, 8);
  ASSERT_EQ(answer->vectors.count(), 2U);
  double squares = 0;
  for (float v : answer->vectors.row(1)) squares += static_cast<double>(v) * v;
  EXPECT_NEAR(squares, 1, 1e-5);
  request.dimensions = 64;
  auto too_many = runtime.Run(EmbedService(*registry_).Run(request, ctx_));
  EXPECT_EQ(too_many.error().field(), "dimensions");
  auto rows = Rows();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].intent.operation, "embeddings");
}

TEST_F(Pipeline, WhatOnlyOpenAiSaysIsForItsOwnEmbedders) {
  auto other = std::make_shared<fakes::FakeEmbedder>("e", 32);
  auto own = std::make_shared<fakes::FakeEmbedder>("o", 32);
  own->SpeakOpenAi();
  ASSERT_TRUE(registry_
                  ->Update([&](provider::RegistrySnapshot& models) -> Result<> {
                    STRATA_CHECK_OK(models.AddEmbedder(Metered(other, *journal_), WallTime{}));
                    return models.AddEmbedder(Metered(own, *journal_), WallTime{});
                  })
                  .has_value());
  net::Runtime runtime;
  dialect::EmbedRequest tokens;
  tokens.texts = {"[1,2]"};
  tokens.tokens = true;
  dialect::EmbedRequest extra;
  extra.texts = {"a"};
  extra.extra = R"({"input_type":"kestrel"})";
  tokens.model = extra.model = "e";
  EXPECT_EQ(runtime.Run(EmbedService(*registry_).Run(tokens, ctx_)).error().field(), "input[0]");
  EXPECT_EQ(runtime.Run(EmbedService(*registry_).Run(extra, ctx_)).error().field(), "input_type");
  EXPECT_EQ(other->calls(), 0);
  tokens.model = extra.model = "o";
  EXPECT_TRUE(runtime.Run(EmbedService(*registry_).Run(tokens, ctx_)).has_value());
  EXPECT_TRUE(runtime.Run(EmbedService(*registry_).Run(extra, ctx_)).has_value());
  // A guardrail reads members that nobody here knows, and no numbers.
  EmbedService guarded(*registry_, Denying("kestrel"));
  EXPECT_EQ(runtime.Run(guarded.Run(tokens, ctx_)).error().code(), Code::kInvalidArgument);
  EXPECT_EQ(runtime.Run(guarded.Run(extra, ctx_)).error().code(), Code::kBlocked);
  EXPECT_EQ(own->calls(), 2);
}

// The fake embedder's tokens are words, 254 of them beside two special ones.
TEST_F(Pipeline, ATextThatIsTooLongIsRefusedByNameOrCutAsTheCallerSays) {
  auto embedder = std::make_shared<fakes::FakeEmbedder>("builtin/e", 32);
  auto far = std::make_shared<fakes::FakeEmbedder>("far/e", 32);
  ASSERT_TRUE(registry_
                  ->Update([&](provider::RegistrySnapshot& models) -> Result<> {
                    STRATA_CHECK_OK(models.AddEmbedder(Metered(embedder, *journal_), WallTime{}));
                    return models.AddEmbedder(Metered(far, *journal_), WallTime{});
                  })
                  .has_value());
  auto words = [](std::size_t count, std::string_view last) {
    std::string text;
    for (std::size_t i = 0; i + 1 < count; ++i) text += "föhn ";
    return text + std::string(last);
  };
  net::Runtime runtime;
  dialect::EmbedRequest request;
  request.model = "builtin/e";
  request.long_text = dialect::LongText::kRefuse;
  request.texts = {"short", words(254, "fits")};
  EXPECT_TRUE(runtime.Run(EmbedService(*registry_).Run(request, ctx_)).has_value());
  request.texts.push_back(words(20'000, "over"));  // counted in several turns
  auto refused = runtime.Run(EmbedService(*registry_).Run(request, ctx_));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
  EXPECT_EQ(refused.error().field(), "input[2]");
  EXPECT_NE(refused.error().message().find("20002 tokens"), std::string::npos);
  EXPECT_NE(refused.error().message().find("is 256 tokens"), std::string::npos);
  EXPECT_EQ(embedder->calls(), 1);

  request.long_text = dialect::LongText::kCutStart;
  request.texts = {words(254, "fits"), words(300, "over")};
  auto cut = runtime.Run(EmbedService(*registry_).Run(request, ctx_));
  ASSERT_TRUE(cut.has_value()) << cut.error().message();
  EXPECT_EQ(cut->vectors.input_tokens, 2 * 254);
  EXPECT_EQ(cut->vectors.truncated, 0);
  auto kept = embedder->VectorOf(words(254, "over"));
  EXPECT_TRUE(std::ranges::equal(cut->vectors.row(1), kept));

  // What a provider's model sees is the provider's to say.
  request.model = "far/e";
  request.long_text = dialect::LongText::kRefuse;
  EXPECT_TRUE(runtime.Run(EmbedService(*registry_).Run(request, ctx_)).has_value());
}

}  // namespace
}  // namespace strata::gateway
