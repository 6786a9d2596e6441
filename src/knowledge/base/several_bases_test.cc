// Searches of several bases at once, through the service.

#include <gmock/gmock.h>

#include <algorithm>

#include "knowledge/base/service_fixture.h"
#include "knowledge/base_names.h"
#include "tests/fakes/fake_reranker.h"

namespace strata::knowledge {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class SeveralBasesTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    harbour_ = MakeBase("harbour");
    library_ = MakeBase("library");
    Index(harbour_, MakeCustom(harbour_),
          {Document("berth", "A berth in the harbour costs 25 euros a night."),
           Document("quay", "The north quay is closed to visitors after nine.")});
    auto secret = Document("secret", "The berth of the mayor in the harbour costs nothing.");
    secret.access.allow = {"group:board"};
    secret.labels.Add("confidential");
    Index(library_, MakeCustom(library_),
          {Document("loan", "A book of the library is lent for four weeks."), secret});
  }
  RetrieveRequest Request(std::string query) const {
    RetrieveRequest request;
    request.knowledge_base_id = library_.id;
    request.more_bases = {harbour_.id};
    request.query = std::move(query);
    return request;
  }
  KnowledgeBase harbour_;
  KnowledgeBase library_;
};

TEST_F(SeveralBasesTest, TheBestOfAllComesFirstAndSaysItsBase) {
  const auto found = Get(bases_->Retrieve(Request("What does a berth in the harbour cost?"), ctx_));
  ASSERT_FALSE(found.results.empty());
  EXPECT_EQ(found.results[0].uri, "berth");
  EXPECT_EQ(found.results[0].knowledge_base_id, harbour_.id);
  EXPECT_THAT(found.results[0].metadata.text, HasSubstr(R"("strata_knowledge_base":"harbour")"));
  EXPECT_THAT(found.index_version, HasSubstr("kb " + harbour_.id));
  EXPECT_THAT(found.index_version, HasSubstr("kb " + library_.id));
  EXPECT_EQ(ctx_.kb, "library,harbour");
  EXPECT_EQ(ctx_.decided_by.index, found.index_version);
}

TEST_F(SeveralBasesTest, WhoMayNotReadADocumentDoesNotFindItInAnyOfThem) {
  auto found = Get(bases_->Retrieve(Request("berth of the mayor in the harbour"), ctx_));
  EXPECT_THAT(Uris(found.results), Not(Contains("secret")));
  ctx_.principals = {"group:board"};
  found = Get(bases_->Retrieve(Request("berth of the mayor in the harbour"), ctx_));
  ASSERT_FALSE(found.results.empty());
  EXPECT_EQ(found.results[0].uri, "secret");
  EXPECT_TRUE(found.results[0].labels.Has("confidential"));
}

TEST_F(SeveralBasesTest, TheQueryIsEmbeddedOnceAndResultsAreAsManyAsAskedFor) {
  const int before = embedder_->calls();
  auto request = Request("berth, quay and book");
  request.results = 2;
  EXPECT_THAT(Get(bases_->Retrieve(std::move(request), ctx_)).results, SizeIs(2));
  EXPECT_EQ(embedder_->calls(), before + 1);
}

TEST_F(SeveralBasesTest, ManyAreSearchedAtOnceAndEachIsWhereItWasNamed) {
  std::vector<std::string> ids = {library_.id, harbour_.id};
  for (int i = 0; i < 10; ++i) {
    const auto base = MakeBase("pier" + std::to_string(i));
    Index(base, MakeCustom(base), {Document("pier", "Pier " + std::to_string(i) + " is a berth.")});
    ids.push_back(base.id);
  }
  auto request = Request("Which pier is a berth?");
  request.more_bases.assign(ids.begin() + 1, ids.end());
  request.results = 100;
  const auto found = Get(bases_->Retrieve(request, ctx_));
  EXPECT_EQ(std::ranges::count(Uris(found.results), "pier"), 10);
  std::size_t at = 0;
  for (const auto& id : ids) {
    at = found.index_version.find("kb " + id, at);
    EXPECT_NE(at, std::string::npos) << id;
  }
}

TEST_F(SeveralBasesTest, OneThatCannotBeReadFailsTheSearch) {
  CloseService();
  data_.Write("kb-" + harbour_.id + ".db", std::string(8192, 'x'));
  OpenService();
  EXPECT_EQ(Run(bases_->Retrieve(Request("berth"), ctx_)).error().code(), Code::kCorruption);
}

TEST_F(SeveralBasesTest, AFilterHoldsInEach) {
  auto dated = Document("dated", "A berth in the harbour of 1871.");
  dated.metadata.text = R"({"year": 1871})";
  Index(library_, MakeCustom(library_, "more"), {dated});
  auto request = Request("berth in the harbour");
  request.filter = *ParseFilter(R"({"equals": {"key": "year", "value": 1871}})");
  EXPECT_THAT(Uris(Get(bases_->Retrieve(std::move(request), ctx_)).results), ElementsAre("dated"));
}

TEST_F(SeveralBasesTest, ABaseThatIsNotThereIsRefusedAndNamedTwiceCountsOnce) {
  auto request = Request("berth");
  request.more_bases.emplace_back("ABCDEFGHIJ");
  EXPECT_EQ(Run(bases_->Retrieve(request, ctx_)).error().code(), Code::kNotFound);
  RequestContext other;
  other.workspace = {"other"};
  EXPECT_EQ(Run(bases_->Retrieve(Request("berth"), other)).error().code(), Code::kNotFound);
  request = Request("berth");
  request.more_bases = {harbour_.id, library_.id, harbour_.id};
  const auto uris = Uris(Get(bases_->Retrieve(request, ctx_)).results);
  EXPECT_EQ(std::ranges::count(uris, "berth"), 1);
  for (std::size_t i = 0; i < kBasesMax; ++i) request.more_bases.push_back(std::to_string(i));
  const auto error = Run(bases_->Retrieve(request, ctx_)).error();
  EXPECT_EQ(error.code(), Code::kInvalidArgument);
  EXPECT_THAT(error.message(), HasSubstr("at most 16"));
}

TEST_F(SeveralBasesTest, OneRerankerSeesThePassagesOfAll) {
  auto reranker = std::make_shared<fakes::FakeReranker>();
  reranker_ = reranker;
  auto request = Request("visitors lent nine weeks");
  request.rerank.emplace().model = "fake-rerank";
  const auto found = Get(bases_->Retrieve(std::move(request), ctx_)).results;
  EXPECT_EQ(reranker->calls(), 1);
  std::vector<std::string> best = {found.at(0).uri, found.at(1).uri};
  EXPECT_THAT(best, UnorderedElementsAre("quay", "loan"));
}

TEST_F(SeveralBasesTest, TheConfiguredRerankerIsAskedOnceForAll) {
  auto reranker = std::make_shared<fakes::FakeReranker>();
  reranker_ = reranker;
  CloseService();
  given_ = {{"kb.rerank.model", {"fake-rerank", "test"}}};
  OpenService();
  auto request = Request("north quay closed to visitors after nine");
  request.without.names = true;
  const auto found = Get(bases_->Retrieve(std::move(request), ctx_)).results;
  EXPECT_EQ(reranker->calls(), 1);
  EXPECT_EQ(found.at(0).uri, "quay");
}

TEST_F(SeveralBasesTest, TheTraceSaysWhatEachBaseCameTo) {
  auto trace = std::make_shared<Trace>("t", SystemClock(), Texts::kKept);
  ctx_.span = Span(trace, "test.root");
  Get(bases_->Retrieve(Request("What does a berth in the harbour cost?"), ctx_));
  ctx_.span = Span();
  std::string merged;
  std::vector<std::string> searched;
  for (const auto& record : trace->TakeEnded()) {
    for (const auto& [key, value] : record.fields) {
      if (record.name == "knowledge.merge" && key == "bases") {
        merged = std::get<JsonText>(value).text;
      }
      if (record.name == "knowledge.retrieve" && key == "knowledge_base") {
        searched.push_back(std::get<std::string>(value));
      }
    }
  }
  EXPECT_THAT(searched, UnorderedElementsAre(harbour_.id, library_.id));
  EXPECT_THAT(merged, HasSubstr(R"({"base":"library","found":1,"weight":)"));
  EXPECT_THAT(merged, HasSubstr(R"({"base":"harbour","found":2,"weight":1})"));
}

TEST(SplitBaseNames, NamesAreTakenOnceAndInBounds) {
  EXPECT_THAT(SplitBaseNames("a", "model").value(), ElementsAre("a"));
  EXPECT_THAT(SplitBaseNames("b,a,b", "model").value(), ElementsAre("b", "a"));
  for (const char* names : {"", ",", "a,", ",a", "a,,b"}) {
    EXPECT_EQ(SplitBaseNames(names, "model").error().field(), "model") << names;
  }
  std::string many = "0";
  for (std::size_t i = 1; i < kBasesMax; ++i) many += "," + std::to_string(i);
  EXPECT_THAT(SplitBaseNames(many, "model").value(), SizeIs(kBasesMax));
  EXPECT_THAT(SplitBaseNames(many + ",x", "model").error().message(), HasSubstr("more than 16"));
}

}  // namespace
}  // namespace strata::knowledge
