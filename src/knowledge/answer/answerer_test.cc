#include "knowledge/answerer.h"

#include <gmock/gmock.h>

#include <tuple>

#include "base/utf8.h"
#include "dialect/cited_base.h"
#include "domain/refusal.h"
#include "domain/stream.h"
#include "knowledge/base/service_fixture.h"
#include "knowledge/corpus.h"
#include "knowledge/retrieve_and_generate.h"
#include "tests/fakes/fake_chat_model.h"

namespace strata::knowledge {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kGlacier =
    "The Aletsch glacier lies in the canton of Valais. Its area was 81.7 square kilometres in "
    "2011. Größe und Länge 🙂 were measured by hand.";

Task<Result<domain::ChatResponse>> Collect(provider::ChatStream& stream) {
  domain::StreamAccumulator sum;
  while (!sum.ended()) {
    STRATA_CO_TRY(auto event, co_await stream.Next());
    sum.Add(event);
  }
  co_return sum.Take();
}

class AnswererTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    model_ = std::make_shared<fakes::FakeChatModel>("fake");
    auto added = models_.Update(
        [&](provider::RegistrySnapshot& snapshot) { return snapshot.AddChat(model_, WallTime{}); });
    ASSERT_TRUE(added.has_value());
    answerer_ =
        std::make_unique<Answerer>(std::make_shared<Extractor>(nullptr), models_, DefaultOptions());
    source_ = MakeKbModelSource(*bases_, *answerer_);
    base_ = MakeBase();
    custom_ = MakeCustom(base_);
    auto document = Document("glaciers.txt", std::string(kGlacier));
    document.labels.Add("eu-only");
    document.metadata.text = R"({"year": 2011})";
    Index(base_, custom_, {document});
  }

  Result<domain::ChatResponse> Ask(std::string_view rest, std::string question) {
    auto model = source_->Chat(rest);
    if (!model.has_value()) return std::unexpected(model.error());
    domain::ChatRequest request;
    domain::TextBlock block;
    block.text = std::move(question);
    domain::Message message;
    message.content.emplace_back(std::move(block));
    request.messages.push_back(std::move(message));
    ctx_.kb.clear();  // each is a request of its own
    auto stream = Run((*model)->Start(std::move(request), ctx_));
    if (!stream.has_value()) return std::unexpected(stream.error());
    return Run(Collect(**stream));
  }
  static const domain::TextBlock& TextOf(const domain::ChatResponse& response) {
    return std::get<domain::TextBlock>(response.content.at(0));
  }

  provider::Registry models_;
  std::shared_ptr<fakes::FakeChatModel> model_;
  std::unique_ptr<Answerer> answerer_;
  std::shared_ptr<provider::ModelSource> source_;
  KnowledgeBase base_;
  DataSource custom_;
};

TEST_F(AnswererTest, AKnowledgeBaseIsAModelThatCitesItsSources) {
  auto response = Ask("docs", "What was the area of the Aletsch glacier in 2011?");
  ASSERT_TRUE(response.has_value()) << response.error().message();
  const auto& block = TextOf(*response);
  EXPECT_THAT(block.text, HasSubstr("81.7 square kilometres"));
  ASSERT_FALSE(block.citations.empty());
  for (const auto& citation : block.citations) {
    EXPECT_EQ(citation.source_uri, "glaciers.txt");
    EXPECT_FALSE(citation.chunk_id.empty());
    EXPECT_EQ(citation.metadata.text, R"({"year": 2011})");
    const auto begin = ByteOffset(kGlacier, static_cast<std::size_t>(citation.source_start));
    const auto end = ByteOffset(kGlacier, static_cast<std::size_t>(citation.source_end));
    EXPECT_EQ(kGlacier.substr(begin, end - begin), citation.quoted);
  }
  EXPECT_TRUE(ctx_.labels.Has("eu-only"));
  EXPECT_THAT(ctx_.decided_by.index, HasSubstr(base_.id));
}

TEST_F(AnswererTest, AModelsSentencesAreCitedWhereTheSourcesSupportThem) {
  model_->Script()
      .Text("The area of the glacier was 81.7 square ")
      .Text("kilometres in 2011. Penguins live on it. ")
      .Text("Its area was 90.3 in 2011.");
  auto response = Ask("docs@fake", "What was the area of the Aletsch glacier in 2011?");
  ASSERT_TRUE(response.has_value()) << response.error().message();
  const auto& block = TextOf(*response);
  ASSERT_EQ(block.citations.size(), 1U) << block.text;
  const auto begin =
      ByteOffset(block.text, static_cast<std::size_t>(block.citations[0].answer_start));
  const auto end = ByteOffset(block.text, static_cast<std::size_t>(block.citations[0].answer_end));
  EXPECT_EQ(block.text.substr(begin, end - begin),
            "The area of the glacier was 81.7 square kilometres in 2011.");
  EXPECT_THAT(block.citations[0].quoted, HasSubstr("81.7"));
  ASSERT_EQ(model_->requests().size(), 1U);
  EXPECT_THAT(domain::LastUserText(model_->requests()[0]), HasSubstr("Aletsch glacier lies"));
}

// What the cited part of an answer says.
std::string Cited(const domain::TextBlock& block, const domain::Citation& citation) {
  const auto begin = ByteOffset(block.text, static_cast<std::size_t>(citation.answer_start));
  const auto end = ByteOffset(block.text, static_cast<std::size_t>(citation.answer_end));
  return block.text.substr(begin, end - begin);
}

TEST_F(AnswererTest, SpansOfGeneratedSentencesHoldToTheCodePoint) {
  // Flags, families and marks of several code points before, inside and behind what is cited; cut
  // wherever a provider may cut.
  const std::string text =
      "👩‍👩‍👧 Penguins 🇨🇭 live there. \n "
      "Gro\u0308\u00DFe und La\u0308nge 🙂 were measured by hand. "
      "🏔️ Its area was 81.7 square kilometres in 2011.\n\n";
  for (std::size_t size : {1U, 7U, 50U, 1000U}) {
    auto& script = model_->Next();
    std::string left = text;
    while (!left.empty()) {
      const auto piece = std::string(Utf8Prefix(left, std::max<std::size_t>(size, 4)));
      script.Text(piece);
      left.erase(0, piece.size());
    }
    auto response = Ask("docs@fake", "How was the glacier measured?");
    ASSERT_TRUE(response.has_value()) << response.error().message();
    const auto& block = TextOf(*response);
    EXPECT_EQ(block.text, text);
    ASSERT_EQ(block.citations.size(), 2U);
    EXPECT_EQ(Cited(block, block.citations[0]),
              "Gro\u0308\u00DFe und La\u0308nge 🙂 were measured by hand.");
    EXPECT_THAT(Cited(block, block.citations[1]),
                ::testing::EndsWith("Its area was 81.7 square kilometres in 2011."));
    for (const auto& citation : block.citations) {
      const auto begin = ByteOffset(kGlacier, static_cast<std::size_t>(citation.source_start));
      const auto end = ByteOffset(kGlacier, static_cast<std::size_t>(citation.source_end));
      EXPECT_EQ(kGlacier.substr(begin, end - begin), citation.quoted);
    }
  }
}

TEST_F(AnswererTest, UnsupportedSentencesAreMarkedOrDroppedAsConfigured) {
  const auto ask = [&](std::string mode, std::string text) {
    const OptionTable tables[] = {KnowledgeBaseOptionTable(), AnswerOptionTable(),
                                  ChunkOptionTable()};
    auto options = Options::Build(tables, {{"kb.answer.unsupported", {std::move(mode), "test"}}});
    EXPECT_TRUE(options.has_value());
    Answerer answerer(std::make_shared<Extractor>(nullptr), models_, *options);
    model_->Next().Text(std::move(text));
    AnswerInput input;
    input.question = "What was the area of the glacier?";
    RetrievedChunk chunk;
    chunk.text = kGlacier;
    input.passages.push_back(chunk);
    input.generation.model = "fake";
    auto stream = Get(answerer.Start(std::move(input), ctx_));
    return TextOf(Get(Collect(*stream)));
  };
  constexpr std::string_view kBoth =
      "Penguins live on it. Its area was 81.7 square kilometres in 2011. It is haunted.";
  EXPECT_EQ(ask("keep", std::string(kBoth)).text, kBoth);
  const auto marked = ask("mark", std::string(kBoth));
  EXPECT_EQ(marked.text,
            "Penguins live on it. [unsupported] Its area was 81.7 square kilometres in 2011. It is "
            "haunted. [unsupported]");
  const auto dropped = ask("drop", std::string(kBoth));
  EXPECT_EQ(dropped.text, "Its area was 81.7 square kilometres in 2011.");
  for (const auto* block : {&marked, &dropped}) {
    ASSERT_EQ(block->citations.size(), 1U);
    EXPECT_EQ(Cited(*block, block->citations[0]), "Its area was 81.7 square kilometres in 2011.");
  }
  EXPECT_EQ(ask("drop", "It is haunted. Penguins live on it.").text, domain::RefusalIn("en"));
  EXPECT_EQ(ask("drop", std::string(domain::RefusalIn("en"))).text, domain::RefusalIn("en"));
}

TEST_F(AnswererTest, WhatIsGluedToARefusalIsNoRefusal) {
  const OptionTable tables[] = {AnswerOptionTable()};
  const auto options = Options::Build(tables, {{"kb.answer.unsupported", {"drop", "test"}}});
  ASSERT_TRUE(options.has_value());
  answerer_ = std::make_unique<Answerer>(std::make_shared<Extractor>(nullptr), models_, *options);
  source_ = MakeKbModelSource(*bases_, *answerer_);
  const std::string refusal(domain::RefusalIn("en"));
  model_->Next().Text(refusal + "However the mayor sold submarines.");
  EXPECT_EQ(TextOf(Ask("docs@fake", "What was sold?").value()).text, refusal);
  model_->Next().Text("**" + refusal + "** [1]\n");
  EXPECT_THAT(TextOf(Ask("docs@fake", "What was sold?").value()).text, HasSubstr(refusal));
}

TEST_F(AnswererTest, WhatWasCutFromAPassageIsNotCited) {
  RetrievedChunk chunk;
  chunk.title = "Harbour";
  chunk.text = "The harbour of Soerby opens at 6:00. ";
  for (int i = 0; i < 40; ++i) chunk.text += "Filler speaks of ropes and nets. ";
  chunk.text += "The crane lifts 40 tons at pier three.";
  chunk.start = 100;
  chunk.end = 100 + static_cast<std::int64_t>(chunk.text.size());
  const OptionTable tables[] = {AnswerOptionTable()};
  const auto ask = [&](const std::string& tokens) {
    const auto options =
        Options::Build(tables, {{"kb.answer.prompt_tokens_max", {tokens, "test"}}});
    Answerer answerer(std::make_shared<Extractor>(nullptr), models_, *options);
    AnswerInput input;
    input.question = "What does the crane lift?";
    input.passages = {chunk};
    input.generation.model = "fake";
    model_->Next().Text(
        "The harbour of Soerby opens at 6:00. The crane lifts 40 tons at pier three.");
    auto stream = Get(answerer.Start(std::move(input), ctx_));
    return TextOf(Get(Collect(*stream))).citations;
  };
  EXPECT_EQ(ask("1000").size(), 2U);
  const auto cut = ask("300");
  ASSERT_EQ(cut.size(), 1U) << "the crane is not in the prompt";
  EXPECT_THAT(cut[0].quoted, HasSubstr("6:00"));
  EXPECT_THAT(domain::LastUserText(model_->requests().back()), Not(HasSubstr("crane lifts")));
}

TEST(PromptBudget, AModelOfThisProcessGetsLess) {
  const OptionTable tables[] = {AnswerOptionTable()};
  const auto budget = [&](const std::map<std::string, Options::Given>& set, std::string provider,
                          std::string_view id) {
    auto options = Options::Build(tables, set);
    EXPECT_TRUE(options.has_value());
    domain::ModelInfo model;
    model.provider = std::move(provider);
    model.id = id;
    return PromptBudget(*options).For(model);
  };
  EXPECT_EQ(budget({}, "openai", "gpt"), 2000);
  EXPECT_EQ(budget({}, "builtin", "builtin/smollm2-135m-instruct"), 500);
  EXPECT_EQ(budget({}, "builtin", kExtractModelId), 2000);
  EXPECT_EQ(budget({{"kb.answer.prompt_tokens_max", {"300", "test"}}}, "builtin", "local/mine"),
            300);
  EXPECT_EQ(budget({{"kb.answer.local_prompt_tokens_max", {"900", "test"}}}, "builtin", "local/x"),
            900);
}

// Keeps what it is asked, as a meter would see it.
class Watched final : public provider::ChatModel {
 public:
  Watched(std::shared_ptr<provider::ChatModel> inner, std::vector<domain::ChatRequest>& seen)
      : inner_(std::move(inner)), seen_(seen) {}
  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request,
                                                            RequestContext& ctx) override {
    seen_.push_back(request);
    return inner_->Start(std::move(request), ctx);
  }
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request,
                                         RequestContext& ctx) override {
    return inner_->CountTokens(std::move(request), ctx);
  }
  const domain::ModelInfo& Info() const override { return inner_->Info(); }

 private:
  std::shared_ptr<provider::ChatModel> inner_;
  std::vector<domain::ChatRequest>& seen_;
};

TEST_F(AnswererTest, ACallOfTheExtractorShowsItsPassagesAndKeepsToItsLimits) {
  std::vector<domain::ChatRequest> seen;
  Answerer answerer(std::make_shared<Extractor>(nullptr), models_, DefaultOptions(),
                    [&](auto model) { return std::make_shared<Watched>(std::move(model), seen); });
  AnswerInput input;
  input.question = "What was the area of the Aletsch glacier in 2011?";
  RetrievedChunk chunk;
  chunk.title = "glaciers.txt";
  chunk.text = kGlacier;
  input.passages.push_back(chunk);
  input.generation.max_tokens = 4;
  auto stream = Get(answerer.Start(std::move(input), ctx_));
  const auto response = Get(Collect(*stream));
  EXPECT_EQ(response.stop_reason, domain::StopReason::kMaxTokens);
  EXPECT_EQ(TextOf(response).text, "The Aletsch glacier lies");
  EXPECT_EQ(response.usage.output_tokens, 4);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].max_tokens, 4);
  ASSERT_EQ(seen[0].messages.at(0).content.size(), 2U);
  EXPECT_EQ(std::get<domain::DocumentBlock>(seen[0].messages[0].content[0]).text, kGlacier);
}

TEST_F(AnswererTest, SeveralBasesAnswerAsOneModelAndEachCitationSaysItsBase) {
  const auto towers = MakeBase("towers");
  auto tower = Document("tower.txt", "The clock tower of Sion is 41 metres high.");
  tower.labels.Add("pii");
  Index(towers, MakeCustom(towers), {tower});
  for (const auto& [question, uri, base] :
       {std::tuple("How high is the clock tower of Sion?", "tower.txt", "towers"),
        std::tuple("What was the area of the Aletsch glacier in 2011?", "glaciers.txt", "docs")}) {
    auto response = Ask("docs,towers", question);
    ASSERT_TRUE(response.has_value()) << response.error().message();
    const auto& citations = TextOf(*response).citations;
    ASSERT_FALSE(citations.empty()) << TextOf(*response).text;
    EXPECT_EQ(citations[0].source_uri, uri);
    EXPECT_EQ(dialect::CitedBase(citations[0]), base);
  }
  EXPECT_TRUE(ctx_.labels.Has("eu-only"));
  EXPECT_TRUE(ctx_.labels.Has("pii"));
  model_->Next().Text("The clock tower of Sion is 41 metres high.");
  EXPECT_TRUE(Ask("docs,towers@fake", "How high is the clock tower?").has_value());
  EXPECT_EQ((*source_->Chat("docs,towers@fake"))->Info().id, "kb/docs,towers@fake");
}

TEST_F(AnswererTest, OfSeveralBasesTheMissingOneIsNamed) {
  const auto missing = source_->Chat("docs,nope@fake");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  EXPECT_THAT(missing.error().message(), HasSubstr("there is no knowledge base 'nope'"));
  EXPECT_EQ(source_->Chat("docs,").error().field(), "model");
  EXPECT_FALSE(source_->Has("docs,nope"));
}

TEST_F(AnswererTest, UnknownBasesAndModelsAreRefused) {
  EXPECT_EQ(source_->Chat("nope").error().code(), Code::kNotFound);
  EXPECT_EQ(source_->Chat("docs@nope").error().code(), Code::kNotFound);
  EXPECT_EQ(source_->Models().size(), 1U);
  EXPECT_EQ(source_->Models()[0].info.id, "kb/docs");
}

// Asks another model, as an inference profile or a configured model does.
class StandsFor final : public provider::ChatModel {
 public:
  StandsFor(std::string id, std::function<Result<std::shared_ptr<provider::ChatModel>>()> find)
      : find_(std::move(find)) {
    info_.id = std::move(id);
  }
  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request,
                                                            RequestContext& ctx) override {
    STRATA_CO_TRY(auto model, find_());
    co_return co_await model->Start(std::move(request), ctx);
  }
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest, RequestContext&) override {
    co_return 0;
  }
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  std::function<Result<std::shared_ptr<provider::ChatModel>>()> find_;
  domain::ModelInfo info_;
};

TEST_F(AnswererTest, AModelThatLeadsBackToTheBaseIsNotAskedWithoutEnd) {
  auto added = models_.Update([&](provider::RegistrySnapshot& snapshot) -> Result<> {
    STRATA_CHECK_OK(snapshot.AddChat(
        std::make_shared<StandsFor>("back", [&] { return source_->Chat("docs@back"); }),
        WallTime{}));
    STRATA_CHECK_OK(snapshot.AddSource(source_));
    return snapshot.AddAlias("mine", "kb/docs@mine");
  });
  ASSERT_TRUE(added.has_value());
  const std::string question = "What was the area of the Aletsch glacier in 2011?";
  auto asked = Ask("docs@back", question);
  ASSERT_FALSE(asked.has_value());
  EXPECT_EQ(asked.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(asked.error().message(), HasSubstr("kb/docs is asked for an answer of kb/docs"));
  EXPECT_EQ(ctx_.kb, "") << "another one may be asked instead";
  EXPECT_TRUE(Ask("docs", question).has_value());

  auto alias = models_.Chat("mine");
  ASSERT_FALSE(alias.has_value());
  EXPECT_THAT(alias.error().message(), HasSubstr("leads back to itself"));
}

// What rewrites questions may be a configured model that stands for the base.
TEST_F(AnswererTest, WhatRewritesAQuestionDoesNotAskTheBaseAgain) {
  auto added = models_.Update([&](provider::RegistrySnapshot& snapshot) {
    return snapshot.AddChat(
        std::make_shared<StandsFor>("writer", [&] { return source_->Chat("docs"); }), WallTime{});
  });
  ASSERT_TRUE(added.has_value());
  Answerer answerer(std::make_shared<Extractor>(nullptr), models_,
                    OptionsWith({{"kb.query.model", {"writer", "test"}}}));
  source_ = MakeKbModelSource(*bases_, answerer);
  auto response = Ask("docs", "What was the area of the Aletsch glacier in 2011?");
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_THAT(TextOf(*response).text, HasSubstr("81.7 square kilometres"));
  source_.reset();
}

TEST_F(AnswererTest, WithoutReadablePassagesNoModelIsAsked) {
  auto secret = MakeBase("secret");
  auto custom = MakeCustom(secret);
  auto document = Document("a", std::string(kGlacier));
  document.access.allow = {"group:board"};
  Index(secret, custom, {document});
  auto response = Ask("secret@fake", "What was the area of the Aletsch glacier?");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(TextOf(*response).text, domain::RefusalIn("en"));
  EXPECT_EQ(model_->calls(), 0);
}

class RetrieveAndGenerateTest : public AnswererTest {
 protected:
  void SetUp() override {
    AnswererTest::SetUp();
    engine_ = std::make_unique<RetrieveAndGenerate>(*bases_, *answerer_, parser_, DefaultOptions());
  }
  RetrieveAndGenerateRequest Request(std::string question) {
    RetrieveAndGenerateRequest request;
    request.question = std::move(question);
    request.retrieve.knowledge_base_id = base_.id;
    return request;
  }
  // With what the fixture is set to by now.
  void Reopen() {
    engine_.reset();
    source_.reset();
    CloseService();
    OpenService();
    source_ = MakeKbModelSource(*bases_, *answerer_);
    engine_ = std::make_unique<RetrieveAndGenerate>(*bases_, *answerer_, parser_, DefaultOptions());
  }
  std::unique_ptr<RetrieveAndGenerate> engine_;
};

TEST_F(RetrieveAndGenerateTest, CitesPartsWithInclusiveSpansAndReferences) {
  const auto response =
      Get(engine_->Answer(Request("What was the area of the Aletsch glacier in 2011?"), ctx_));
  ASSERT_FALSE(response.citations.empty()) << response.text;
  for (const auto& citation : response.citations) {
    const auto begin = ByteOffset(response.text, static_cast<std::size_t>(citation.start));
    const auto end = ByteOffset(response.text, static_cast<std::size_t>(citation.end) + 1);
    EXPECT_EQ(response.text.substr(begin, end - begin), citation.text);
    ASSERT_FALSE(citation.references.empty());
    EXPECT_EQ(citation.references[0].uri, "glaciers.txt");
  }
  EXPECT_FALSE(response.refused);
  EXPECT_FALSE(response.session_id.empty());
}

TEST_F(RetrieveAndGenerateTest, SaysWhatOfEachReferenceIsQuoted) {
  const auto response =
      Get(engine_->Answer(Request("What was the area of the Aletsch glacier in 2011?"), ctx_));
  ASSERT_FALSE(response.citations.empty());
  for (const auto& citation : response.citations) {
    ASSERT_EQ(citation.quotes.size(), citation.references.size());
    EXPECT_EQ(citation.quotes[0].quoted, citation.text);
    EXPECT_LT(citation.quotes[0].quoted.size(), citation.references[0].text.size());
    EXPECT_EQ(citation.quotes[0].chunk_id, citation.references[0].chunk_id);
  }
}

TEST_F(RetrieveAndGenerateTest, SessionsCarryTheQuestionOnAndBelongToTheirKey) {
  const auto first = Get(engine_->Answer(Request("Where does the Aletsch glacier lie?"), ctx_));
  auto request = Request("And what was its area in 2011?");
  request.session_id = first.session_id;
  const auto second = Get(engine_->Answer(request, ctx_));
  EXPECT_THAT(second.text, HasSubstr("81.7"));
  EXPECT_EQ(second.session_id, first.session_id);
  RequestContext other;
  other.key = {"someone"};
  EXPECT_EQ(Run(engine_->Answer(request, other)).error().field(), "sessionId");
  request.session_id = "nope";
  EXPECT_EQ(Run(engine_->Answer(request, ctx_)).error().field(), "sessionId");
}

TEST_F(RetrieveAndGenerateTest, ATurnWhoseSourcesAreGoneIsNotToldAgain) {
  const auto source = MakeCustom(base_, "later");
  Index(base_, source, {Document("vault", "The vault of Osterloh opens with the word kestrel.")});
  const auto first = Get(engine_->Answer(Request("Which word opens the vault of Osterloh?"), ctx_));
  EXPECT_THAT(first.text, HasSubstr("kestrel"));
  const auto prompt_of_the_next = [&] {
    auto request = Request("What was the area of the Aletsch glacier in 2011?");
    request.session_id = first.session_id;
    request.generation.model = "fake";
    EXPECT_TRUE(Run(engine_->Answer(std::move(request), ctx_)).has_value());
    return domain::LastUserText(model_->requests().back());
  };
  EXPECT_THAT(prompt_of_the_next(), HasSubstr("kestrel"));
  Get(bases_->DeleteDocuments(base_.id, source.id, {"vault"}, ctx_));
  EXPECT_THAT(prompt_of_the_next(), ::testing::Not(HasSubstr("kestrel")));
}

TEST_F(RetrieveAndGenerateTest, AMisspeltQuestionIsAnsweredAsSearchUnderstoodIt) {
  const auto response =
      Get(engine_->Answer(Request("What was the area of the Aletsch glaceir in 2011?"), ctx_));
  EXPECT_FALSE(response.refused) << response.text;
  EXPECT_THAT(response.text, HasSubstr("81.7"));
}

TEST_F(RetrieveAndGenerateTest, PartsOfAQuestionAreSearchedForEachByItself) {
  Index(base_, custom_, {Document("tower.txt", "The clock tower of Sion is 41 metres high.")});
  model_->Next().Text(R"({"queries": ["height of the clock tower", "area of the glacier"]})");
  model_->Next().Text("The clock tower of Sion is 41 metres high.");
  auto request = Request("How high is the tower, and how large the glacier?");
  request.retrieve.results = 1;
  request.generation.model = "fake";
  request.queries = {.rewriting = Rewriting::kParts, .generation = request.generation};
  const auto response = Get(engine_->Answer(std::move(request), ctx_));
  ASSERT_EQ(model_->requests().size(), 2U);
  const auto prompt = domain::LastUserText(model_->requests()[1]);
  EXPECT_THAT(prompt, HasSubstr("41 metres"));
  EXPECT_THAT(prompt, HasSubstr("81.7 square"));
  ASSERT_EQ(response.citations.size(), 1U);
  EXPECT_EQ(response.citations[0].references.at(0).uri, "tower.txt");
}

TEST_F(RetrieveAndGenerateTest, AnswersFromADocumentThatComesWithTheQuestion) {
  RetrieveAndGenerateRequest request;
  request.question = "Who built the bridge?";
  request.sources.push_back({.identifier = "b.txt",
                             .media_type = "text/plain",
                             .bytes = "The bridge was built by Anna Bürkli in 1884."});
  const auto response = Get(engine_->Answer(std::move(request), ctx_));
  EXPECT_THAT(response.text, HasSubstr("Anna Bürkli"));
  ASSERT_FALSE(response.citations.empty());
  EXPECT_EQ(response.citations[0].references[0].uri, "b.txt");
}

TEST_F(RetrieveAndGenerateTest, AFilterThatAModelWritesNarrowsTheCallersOwn) {
  auto old = Document("old.txt", "The area of the Aletsch glacier was 90.3 in 1973.");
  old.metadata.text = R"({"year": 1973, "team": "ice"})";
  Index(base_, custom_, {old});
  auto request = Request("What was the area of the Aletsch glacier in 1973?");
  request.implicit_filter = {.model = "fake",
                             .attributes = {{.key = "year",
                                             .type = FilterAttribute::Type::kNumber,
                                             .description = "of the measurement"}}};
  const std::string written = R"({"filter": {"equals": {"key": "year", "value": 1973}}})";
  model_->Next().Text(written);
  auto response = Get(engine_->Answer(request, ctx_));
  ASSERT_FALSE(response.citations.empty()) << response.text;
  for (const auto& citation : response.citations) {
    for (const auto& reference : citation.references) EXPECT_EQ(reference.uri, "old.txt");
  }
  // What the caller has left out stays out.
  request.retrieve.filter = *ParseFilter(R"({"notEquals": {"key": "team", "value": "ice"}})");
  model_->Next().Text(written);
  EXPECT_TRUE(Get(engine_->Answer(request, ctx_)).refused);
  request.question = "What was the area of the Aletsch glacier in 2011?";
  model_->Next().Text(R"({"filter": {"equals": {"key": "team", "value": "ice"}}})");
  response = Get(engine_->Answer(request, ctx_));
  ASSERT_FALSE(response.citations.empty());
  EXPECT_EQ(response.citations[0].references.at(0).uri, "glaciers.txt");
  request.retrieve.knowledge_base_id = "ABCDEFGHIJ";
  const int calls = model_->calls();
  EXPECT_EQ(Run(engine_->Answer(request, ctx_)).error().code(), Code::kNotFound);
  EXPECT_EQ(model_->calls(), calls);
}

TEST_F(RetrieveAndGenerateTest, ADocumentOfABucketIsReadUnderTheRulesOfSources) {
  TempFolder bucket;
  bucket.Write("docs/notes/bridge.txt", "The bridge was built by Anna Bürkli in 1884.");
  bucket.Write("docs/notes/bridge.txt.metadata.json",
               R"({"metadataAttributes": {"strata_principals": ["user:7"], "year": 1884,
                   "strata_labels": ["eu-only"]}})");
  bucket.Write("docs/large.txt", std::string(2000, 'x'));
  bucket.Write("outside.txt", "not for anybody");
  std::filesystem::create_symlink("../outside.txt", bucket.path() + "/docs/link.txt");
  source_options_.s3_map = {{"docs", bucket.path() + "/docs"}};
  source_options_.file_bytes_max = 1000;
  Reopen();
  const auto ask = [&](std::string uri) {
    RetrieveAndGenerateRequest request;
    request.question = "Who built the bridge?";
    request.sources.push_back(
        {.identifier = std::move(uri), .media_type = {}, .bytes = {}, .in_s3 = true});
    return Run(engine_->Answer(std::move(request), ctx_));
  };
  const auto hidden = ask("s3://docs/notes/bridge.txt");
  ASSERT_FALSE(hidden.has_value());
  EXPECT_EQ(hidden.error().code(), Code::kNotFound);
  EXPECT_EQ(hidden.error().field(), "sources[0].s3Location.uri");
  ctx_.principals = {"user:7"};
  const auto response = ask("s3://docs/notes/bridge.txt");
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_THAT(response->text, HasSubstr("Anna Bürkli"));
  ASSERT_FALSE(response->citations.empty());
  const auto& reference = response->citations[0].references.at(0);
  EXPECT_EQ(reference.location, LocationKind::kS3);
  EXPECT_EQ(reference.uri, "s3://docs/notes/bridge.txt");
  EXPECT_EQ(reference.metadata.text, R"({"year":1884})");
  EXPECT_TRUE(ctx_.labels.Has("eu-only"));
  const auto unmapped = ask("s3://other/a.txt");
  EXPECT_EQ(unmapped.error().code(), Code::kUnsupported);
  EXPECT_THAT(unmapped.error().message(), HasSubstr("kb.s3_map: [\"other="));
  EXPECT_EQ(ask("s3://docs/large.txt").error().code(), Code::kTooLarge);
  for (const char* uri : {"s3://docs/../outside.txt", "s3://docs/notes/%2e%2e/%2e%2e/outside.txt",
                          "s3://docs/notes/%zz", "file:///etc/passwd"}) {
    EXPECT_EQ(ask(uri).error().code(), Code::kInvalidArgument) << uri;
  }
  for (const char* uri : {"s3://docs/link.txt", "s3://docs/nothing.txt", "s3://docs/notes",
                          "s3://docs/notes/bridge.txt.metadata.json", "s3://docs"}) {
    EXPECT_FALSE(ask(uri).has_value()) << uri;
  }
}

TEST_F(RetrieveAndGenerateTest, ATurnAboutABucketsDocumentIsForgottenWithIt) {
  TempFolder bucket;
  bucket.Write("vault.txt", "The vault of Osterloh opens with the word kestrel.");
  source_options_.s3_map = {{"docs", bucket.path()}};
  Reopen();
  RetrieveAndGenerateRequest request;
  request.question = "Which word opens the vault of Osterloh?";
  request.sources.push_back(
      {.identifier = "s3://docs/vault.txt", .media_type = {}, .bytes = {}, .in_s3 = true});
  const auto first = Get(engine_->Answer(std::move(request), ctx_));
  EXPECT_THAT(first.text, HasSubstr("kestrel"));
  const auto prompt_of_the_next = [&] {
    auto next = Request("What was the area of the Aletsch glacier in 2011?");
    next.session_id = first.session_id;
    next.generation.model = "fake";
    EXPECT_TRUE(Run(engine_->Answer(std::move(next), ctx_)).has_value());
    return domain::LastUserText(model_->requests().back());
  };
  EXPECT_THAT(prompt_of_the_next(), HasSubstr("kestrel"));
  bucket.Write("vault.txt", "The vault of Osterloh has another word now.");
  EXPECT_THAT(prompt_of_the_next(), ::testing::Not(HasSubstr("kestrel")));
}

TEST_F(RetrieveAndGenerateTest, TemplatesNeedTheSearchResults) {
  auto request = Request("What was the area of the Aletsch glacier?");
  request.generation.model = "fake";
  request.generation.prompt_template = "Just answer $query$";
  EXPECT_EQ(Run(engine_->Answer(request, ctx_)).error().field(),
            "promptTemplate.textPromptTemplate");
  request.generation.prompt_template = "Use $search_results$ for $query$";
  EXPECT_TRUE(Run(engine_->Answer(request, ctx_)).has_value());
  EXPECT_THAT(domain::LastUserText(model_->requests().back()), HasSubstr("Aletsch glacier lies"));
}

TEST_F(RetrieveAndGenerateTest, NeedsAQuestionAndOneKindOfSource) {
  EXPECT_EQ(Run(engine_->Answer(Request(" "), ctx_)).error().field(), "input.text");
  RetrieveAndGenerateRequest request;
  request.question = "x";
  EXPECT_FALSE(Run(engine_->Answer(request, ctx_)).has_value());
}

TEST_F(AnswererTest, FilesOfQueriesAreAnsweredWithTheirDocuments) {
  RetrieveAndGenerate answers(*bases_, *answerer_, parser_, DefaultOptions());
  TempFolder files;
  AnswerRunInput input;
  input.knowledge_base_id = base_.id;
  input.queries_path = files.Write(
      "queries.jsonl",
      "{\"_id\": \"q1\", \"text\": \"In which canton does the Aletsch glacier lie?\"}\n");
  input.out_path = files.path() + "/answers.jsonl";
  EXPECT_EQ(Get(AnswerQueries(answers, pool_, input, ctx_)), 1);
  std::ifstream in(input.out_path);
  std::string line;
  ASSERT_TRUE(std::getline(in, line));
  EXPECT_THAT(line,
              HasSubstr(R"({"_id": "q1", "answer": "The Aletsch glacier lies in the canton)"));
  EXPECT_THAT(line, HasSubstr(R"("citations": ["glaciers.txt"], "sentences": [{"text": "The Al)"));
  EXPECT_THAT(line, HasSubstr(R"("chunks": [{"document": "glaciers.txt", "chunk": ")"));
}

}  // namespace
}  // namespace strata::knowledge
