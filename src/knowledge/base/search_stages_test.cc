// The stages of a search that correct, leave out, join and rerank, through the service.

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>

#include "base/rng.h"
#include "base/utf8.h"
#include "knowledge/base/service_fixture.h"
#include "tests/fakes/fake_reranker.h"

namespace strata::knowledge {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class SearchStagesTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    base_ = MakeBase();
    source_ = MakeCustom(base_);
  }
  RetrieveRequest Request(std::string query, SearchMode mode = SearchMode::kHybrid) {
    RetrieveRequest request;
    request.knowledge_base_id = base_.id;
    request.query = std::move(query);
    request.mode = mode;
    return request;
  }
  std::vector<RetrievedChunk> Find(RetrieveRequest request) {
    return Get(bases_->Retrieve(std::move(request), ctx_)).results;
  }
  // The fields of one span of a search, "" when it has none of that name.
  std::string FieldOf(RetrieveRequest request, std::string_view span, std::string_view field) {
    auto trace = std::make_shared<Trace>("t", SystemClock(), Texts::kKept);
    ctx_.span = Span(trace, "test.root");
    Get(bases_->Retrieve(std::move(request), ctx_));
    ctx_.span = Span();
    for (const auto& record : trace->TakeEnded()) {
      if (record.name != span) continue;
      for (const auto& [key, value] : record.fields) {
        if (key != field) continue;
        if (const auto* json = std::get_if<JsonText>(&value)) return json->text;
        if (const auto* text = std::get_if<std::string>(&value)) return *text;
      }
    }
    return {};
  }
  // All fields of a search's spans, as text.
  std::string FieldsOf(RetrieveRequest request, Texts texts) {
    auto trace = std::make_shared<Trace>("t", SystemClock(), texts);
    ctx_.span = Span(trace, "test.root");
    Get(bases_->Retrieve(std::move(request), ctx_));
    ctx_.span = Span();
    std::string out;
    for (const auto& record : trace->TakeEnded()) {
      for (const auto& [key, value] : record.fields) {
        out += record.name + "." + key + "=";
        if (const auto* json = std::get_if<JsonText>(&value)) out += json->text;
        if (const auto* text = std::get_if<std::string>(&value)) out += *text;
        out += "\n";
      }
    }
    return out;
  }
  KnowledgeBase base_;
  DataSource source_;
};

TEST_F(SearchStagesTest, WhereTextsAreDroppedTheTraceHoldsNoWordOfQuestionOrDocument) {
  Index(base_, source_,
        {Document("Zermatt", "The Aletsch glacier lies in Valais."), Document("b", "A bridge.")});
  const auto request = Request("Does \"Aletsch glacier\" at Zermatt lie in Valias?");
  const auto kept = FieldsOf(request, Texts::kKept);
  const auto left = FieldsOf(request, Texts::kDropped);
  for (const char* field : {"phrase.phrases=[", "lexical.corrected=[", "names.names=["}) {
    EXPECT_THAT(kept, HasSubstr(field));
    EXPECT_THAT(left, Not(HasSubstr(field)));
  }
  EXPECT_THAT(kept, HasSubstr("Aletsch glacier"));
  EXPECT_THAT(left, Not(HasSubstr("Aletsch")));
  EXPECT_THAT(kept, HasSubstr("\"uri\":\"Zermatt\""));
  EXPECT_THAT(left, Not(HasSubstr("Zermatt")));
  EXPECT_THAT(left, HasSubstr("knowledge.fuse.hits=[{\"score\":"));
}

TEST_F(SearchStagesTest, TheBestDoNotDependOnHowManyAreAskedFor) {
  std::vector<DocumentInput> documents;
  Rng rng(7);
  const std::vector<std::string> words = {"harbour", "ferry",  "crane", "lamp", "rope", "net",
                                          "keeper",  "winter", "berth", "fee",  "bell", "tide"};
  for (int i = 0; i < 600; ++i) {
    std::string text;
    for (int word = 0; word < 12; ++word) text += words[rng.Below(words.size())] + " ";
    documents.push_back(Document("d" + std::to_string(i), text + "entry" + std::to_string(i)));
  }
  Index(base_, source_, std::move(documents));
  for (const auto* query :
       {"harbour ferry fee", "keeper of the bell in winter", "crane net tide"}) {
    auto request = Request(query);
    request.results = 5;
    const auto few = Uris(Find(request));
    for (const int more : {60, 100, 400}) {
      request.results = more;
      auto many = Uris(Find(request));
      ASSERT_EQ(many.size(), static_cast<std::size_t>(more));
      many.resize(few.size());
      EXPECT_EQ(many, few) << query << " " << more;
    }
  }
}

TEST_F(SearchStagesTest, AMisspeltWordFindsWhatItMeansAndTheTraceSaysSo) {
  Index(base_, source_,
        {Document("a", "The Aletsch glacier lies in Valais."), Document("b", "A bridge.")});
  auto request = Request("glaceir", SearchMode::kLexical);
  EXPECT_THAT(Uris(Find(request)), ElementsAre("a"));
  EXPECT_EQ(FieldOf(request, "knowledge.lexical", "corrected"),
            R"([{"word":"glaceir","instead":"glacier"}])");
  request.without.spelling = true;
  EXPECT_THAT(Find(request), IsEmpty());
  request = Request("glacier", SearchMode::kLexical);
  EXPECT_EQ(FieldOf(request, "knowledge.lexical", "corrected"), "");
}

TEST_F(SearchStagesTest, NoCorrectionTellsAWordOfOthers) {
  auto secret = Document("secret", "The takeover is planned.");
  secret.access.allow = {"group:board"};
  Index(base_, source_, {secret, Document("b", "A bridge.")});
  const auto request = Request("takeovr", SearchMode::kLexical);
  EXPECT_EQ(FieldOf(request, "knowledge.lexical", "corrected"), "");
  ctx_.principals = {"group:board"};
  EXPECT_THAT(FieldOf(request, "knowledge.lexical", "corrected"), HasSubstr("takeov"));
}

TEST_F(SearchStagesTest, CorrectionCanBeSwitchedOff) {
  Index(base_, source_, {Document("a", "The Aletsch glacier lies in Valais.")});
  CloseService();
  given_["kb.search.spelling"] = {"false", "test"};
  OpenService();
  EXPECT_THAT(Find(Request("glaceir", SearchMode::kLexical)), IsEmpty());
}

TEST_F(SearchStagesTest, WhatABetterPassageSaysWordForWordComesLast) {
  Index(base_, source_,
        {Document("a", "The fee for a berth is 25 euros."),
         Document("copy", "The  fee for a berth is 25 euros"),
         Document("other", "The fee for a berth in winter is 26 euros.")});
  auto request = Request("what is the fee for a berth? 25 euros");
  const auto all = Find(request);
  ASSERT_THAT(Uris(all), ElementsAre("a", "other", "copy"));
  EXPECT_LE(all[2].score, all[1].score);
  request.results = 2;
  EXPECT_THAT(Uris(Find(request)), ElementsAre("a", "other"));
  EXPECT_THAT(FieldOf(request, "knowledge.read", "drops"), HasSubstr("word for word"));
  request.without.diversity = true;
  EXPECT_THAT(Uris(Find(request)), ElementsAre("a", "copy"));
}

// A copy that the caller may not read does not hide the one that he may.
TEST_F(SearchStagesTest, CopiesOfOthersHideNothing) {
  auto secret = Document("secret", "The fee for a berth is 25 euros.");
  secret.access.allow = {"group:board"};
  Index(base_, source_, {secret, Document("open", "The fee for a berth is 25 euros.")});
  EXPECT_THAT(Uris(Find(Request("fee for a berth"))), ElementsAre("open"));
}

TEST_F(SearchStagesTest, AdjoiningPassagesAreJoinedWhenAskedFor) {
  CreateDataSourceInput input;
  input.name = "short";
  input.recipe = ChunkRecipe{.strategy = ChunkStrategy::kFixedSize,
                             .tokens_target = 16,
                             .tokens_max = 32,
                             .overlap_percent = 0};
  const auto source = Get(bases_->CreateSource(base_.id, std::move(input), ctx_));
  std::string text;
  for (int i = 0; i < 9; ++i) {
    text += "Satz " + std::to_string(i) + " über 🙂 " + (i == 4 ? "Gletscher" : "Wiesen") +
            " steht hier.\n";
  }
  Index(base_, source,
        {Document("a", text), Document("b", "Ein anderer Gletscher im anderen Text.")});
  auto request = Request("Gletscher", SearchMode::kLexical);
  const auto alone = Find(request);
  request.join = 2;
  const auto joined = Find(request);
  ASSERT_THAT(Uris(alone), UnorderedElementsAre("a", "b"));
  ASSERT_EQ(Uris(alone), Uris(joined));
  for (const auto& chunk : joined) {
    if (chunk.uri != "a") continue;
    const auto before = *std::ranges::find(alone, "a", &RetrievedChunk::uri);
    EXPECT_EQ(chunk.chunk_id, before.chunk_id);
    EXPECT_LT(chunk.start, before.start);
    EXPECT_GT(chunk.end, before.end);
    const auto begin = ByteOffset(text, static_cast<std::size_t>(chunk.start));
    const auto end = ByteOffset(text, static_cast<std::size_t>(chunk.end));
    // White space between passages has the same length, not always the same kind.
    auto expected = text.substr(begin, end - begin);
    auto got = chunk.text;
    std::ranges::replace(expected, '\n', ' ');
    std::ranges::replace(got, '\n', ' ');
    EXPECT_EQ(got, expected);
  }
  request.join = kJoinMax + 1;
  EXPECT_EQ(Run(bases_->Retrieve(request, ctx_)).error().field(), "join");
}

// Of two passages that say the same, the one comes first whose document goes on about the question.
TEST_F(SearchStagesTest, WhatStandsAroundAPassageCounts) {
  CreateDataSourceInput input;
  input.name = "short";
  input.recipe = ChunkRecipe{.strategy = ChunkStrategy::kFixedSize,
                             .tokens_target = 16,
                             .tokens_max = 32,
                             .overlap_percent = 0};
  const auto source = Get(bases_->CreateSource(base_.id, std::move(input), ctx_));
  const std::string said = "The keeper counts the birds in May.\n\n";
  Index(base_, source,
        {Document("a", said + "Boats are painted every second year by the same two men.\n\n"),
         Document("b", said + "Terns nest on the island, and terns leave it in August.\n\n")});
  auto request = Request("birds counted, terns", SearchMode::kLexical);
  request.results = 10;
  const auto of_keeper = [&] {
    std::vector<std::string> uris;
    for (const auto& chunk : Find(request)) {
      if (chunk.text.starts_with("The keeper")) uris.push_back(chunk.uri);
    }
    return uris;
  };
  request.without.diversity = true;
  EXPECT_THAT(of_keeper(), ElementsAre("b", "a"));
  request.without.context = true;
  EXPECT_THAT(of_keeper(), ElementsAre("a", "b"));
  request.without.context = false;
  CloseService();
  given_["kb.search.context"] = {"0", "test"};
  OpenService();
  EXPECT_THAT(of_keeper(), ElementsAre("a", "b"));
}

class PhraseStageTest : public SearchStagesTest {
 protected:
  void SetUp() override {
    SearchStagesTest::SetUp();
    Index(
        base_, source_,
        {Document("held", "The long wall by the mill has a red iron gate, which nobody uses now."),
         Document("words", "Iron red gate: red paint, iron, gate, gate iron red."),
         Document("fewer", "A red gate.")});
  }
};

constexpr std::array kModes = {SearchMode::kLexical, SearchMode::kDense, SearchMode::kHybrid};

TEST_F(PhraseStageTest, WhatHoldsAQuotedPhraseComesFirstInEveryMode) {
  for (const auto mode : kModes) {
    const auto found = Find(Request("\"red iron gate\"", mode));
    ASSERT_GE(found.size(), 2U) << SearchModeName(mode);
    EXPECT_EQ(found[0].uri, "held") << SearchModeName(mode);
    EXPECT_GE(found[0].score, found[1].score);
    EXPECT_EQ(Find(Request("\u201Ered iron gate\u201C red iron", mode))[0].uri, "held");
  }
  EXPECT_EQ(Find(Request("red iron gate", SearchMode::kLexical))[0].uri, "words");
  const auto request = Request("\"red iron gate\" of \"no such thing\"");
  EXPECT_EQ(FieldOf(request, "knowledge.phrase", "phrases"),
            R"(["red iron gate","no such thing"])");
}

TEST_F(PhraseStageTest, APhraseThatNothingHoldsChangesNothing) {
  for (const auto mode : kModes) {
    const auto quoted = Find(Request("\"gate red iron paint\"", mode));
    const auto plain = Find(Request("gate red iron paint", mode));
    ASSERT_EQ(quoted.size(), plain.size());
    for (std::size_t i = 0; i < plain.size(); ++i) {
      EXPECT_EQ(quoted[i].uri, plain[i].uri);
      EXPECT_DOUBLE_EQ(quoted[i].score, plain[i].score);
    }
  }
}

// Far behind the candidates of both legs.
TEST_F(PhraseStageTest, APassageIsFoundThatTheOtherWordsBury) {
  std::vector<DocumentInput> documents;
  for (int i = 0; i < 300; ++i) {
    documents.push_back(Document("other-" + std::to_string(i),
                                 "gate iron red gate iron red, number " + std::to_string(i)));
  }
  Index(base_, source_, std::move(documents));
  for (const auto mode : {SearchMode::kLexical, SearchMode::kHybrid}) {
    EXPECT_EQ(Find(Request("\"red iron gate\"", mode))[0].uri, "held");
  }
}

TEST_F(PhraseStageTest, PassagesOfOthersAreNotLookedFor) {
  auto secret = Document("secret", "The plan: a red iron gate to the south.");
  secret.access.allow = {"group:board"};
  Index(base_, source_, {secret});
  for (const auto mode : kModes) {
    EXPECT_THAT(Uris(Find(Request("\"red iron gate to the south\"", mode))),
                Not(Contains("secret")));
  }
  ctx_.principals = {"group:board"};
  EXPECT_EQ(Find(Request("\"red iron gate to the south\""))[0].uri, "secret");
}

TEST_F(PhraseStageTest, CopiesThatHoldItComeBeforeWhatDoesNot) {
  Index(
      base_, source_,
      {Document("copy", "The long wall by the mill has a red iron gate, which nobody uses now.")});
  const auto uris = Uris(Find(Request("\"red iron gate\"", SearchMode::kLexical)));
  ASSERT_THAT(uris, SizeIs(4));
  EXPECT_THAT(std::vector(uris.begin(), uris.begin() + 2), UnorderedElementsAre("held", "copy"));
}

class RerankStageTest : public SearchStagesTest {
 protected:
  void SetUp() override {
    SearchStagesTest::SetUp();
    reranker_ = std::make_shared<fakes::FakeReranker>("fake-rerank");
    Index(base_, source_,
          {Document("one", "harbour harbour harbour harbour"),
           Document("both", "a long text about other things, which also says harbour and fee once"),
           Document("none", "a bridge")});
  }
};

TEST_F(RerankStageTest, ARequestNamesItsRerankerAndGetsItsOrder) {
  auto request = Request("harbour fee", SearchMode::kLexical);
  request.rerank = RerankChoice{.model = "fake-rerank", .fields = {}};
  const auto found = Find(request);
  ASSERT_GE(found.size(), 2U);
  EXPECT_EQ(found[0].uri, "both");
  EXPECT_EQ(found[0].score, 1);
  EXPECT_THAT(FieldOf(request, "knowledge.rerank", "hits"), HasSubstr(R"("uri":"both")"));
  request.rerank->results = 1;
  EXPECT_THAT(Uris(Find(request)), ElementsAre("both"));
  request.rerank->model = "nobody";
  EXPECT_EQ(Run(bases_->Retrieve(request, ctx_)).error().code(), Code::kNotFound);
  request.rerank->model = "fake-rerank";
  ctx_.models_allowed = {"kb/*"};
  EXPECT_EQ(Run(bases_->Retrieve(request, ctx_)).error().code(), Code::kPermissionDenied);
}

TEST_F(RerankStageTest, TheConfiguredOneOrdersHybridSearchesAndMayFail) {
  CloseService();
  given_["kb.rerank.model"] = {"fake-rerank", "test"};
  given_["kb.rerank.weight"] = {"0.99", "test"};
  OpenService();
  auto request = Request("harbour fee");
  request.results = 1;
  EXPECT_THAT(Uris(Find(request)), ElementsAre("both"));
  // A phrase goes before what the reranker thinks.
  request.query = "\"harbour harbour\" fee";
  EXPECT_THAT(Uris(Find(request)), ElementsAre("one"));
  request.query = "harbour fee";
  request.without.rerank = true;
  EXPECT_EQ(FieldOf(request, "knowledge.rerank", "model"), "");
  request.without.rerank = false;
  reranker_ = nullptr;
  EXPECT_THAT(Find(request), SizeIs(1));
  EXPECT_THAT(FieldOf(request, "knowledge.rerank", "skipped"), HasSubstr("fake-rerank"));
}

TEST_F(SearchStagesTest, PassagesAreJoinedWhileTheirDocumentsAreIndexedAnew) {
  std::vector<DocumentInput> documents;
  for (int i = 0; i < 10; ++i) {
    std::string text;
    for (int j = 0; j < 60; ++j) text += "Glacier " + std::to_string(j) + " is made of ice. ";
    documents.push_back(Document("d" + std::to_string(i), text + std::to_string(i)));
  }
  Index(base_, source_, documents);
  auto request = Request("glacier ice", SearchMode::kLexical);
  request.join = 2;
  request.results = 20;
  std::atomic<bool> done = false;
  std::thread writer([&] {
    RequestContext ctx;
    for (int round = 0; !done; ++round) {
      auto changed = documents;
      for (auto& document : changed) document.content += " In round " + std::to_string(round);
      EXPECT_TRUE(
          Run(bases_->IndexDocuments(base_.id, source_.id, std::move(changed), ctx)).has_value());
    }
  });
  for (int i = 0; i < 200; ++i) {
    const auto found = Run(bases_->Retrieve(request, ctx_));
    EXPECT_TRUE(found.has_value()) << found.error().message();
    if (!found.has_value()) break;
  }
  done = true;
  writer.join();
}

}  // namespace
}  // namespace strata::knowledge
