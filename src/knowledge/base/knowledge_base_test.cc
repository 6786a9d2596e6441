#include "knowledge/knowledge_base.h"

#include <gmock/gmock.h>

#include "knowledge/base/ingestor.h"
#include "knowledge/base/service_fixture.h"

namespace strata::knowledge {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr std::string_view kGlacier = "The Aletsch glacier lies in the canton of Valais.";
constexpr std::string_view kBridge = "The bridge over the river Aare was opened in 1844.";

class KnowledgeBaseTest : public ServiceFixture {};

TEST_F(KnowledgeBaseTest, NamesAreUniqueInAWorkspaceOnly) {
  MakeBase();
  CreateKnowledgeBaseInput input;
  input.name = "docs";
  auto again = Run(bases_->Create(input, ctx_));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code(), Code::kConflict);
  RequestContext other;
  other.workspace = {"other"};
  EXPECT_TRUE(Run(bases_->Create(input, other)).has_value());
}

TEST_F(KnowledgeBaseTest, BadNamesAndUnmappedStorageAreRefused) {
  for (std::string name : {"", ".x", "a b", "a/b", "a@b", "x-"}) {
    CreateKnowledgeBaseInput input;
    input.name = name;
    auto made = Run(bases_->Create(std::move(input), ctx_));
    ASSERT_FALSE(made.has_value()) << name;
    EXPECT_EQ(made.error().field(), "name");
  }
  CreateKnowledgeBaseInput input;
  input.name = "ok";
  input.storage_type = "OPENSEARCH_SERVERLESS";
  auto made = Run(bases_->Create(input, ctx_));
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code(), Code::kUnsupported);
  EXPECT_THAT(made.error().message(), ::testing::HasSubstr("kb.storage_map"));
  input.storage_type = "S3_VECTORS";
  EXPECT_TRUE(Run(bases_->Create(input, ctx_)).has_value());
}

TEST_F(KnowledgeBaseTest, OtherWorkspacesSeeNothing) {
  const auto base = MakeBase();
  RequestContext other;
  other.workspace = {"other"};
  EXPECT_EQ(bases_->Get(base.id, other.workspace).error().code(), Code::kNotFound);
  RetrieveRequest request;
  request.knowledge_base_id = base.id;
  request.query = "x";
  EXPECT_EQ(Run(bases_->Retrieve(request, other)).error().code(), Code::kNotFound);
}

TEST_F(KnowledgeBaseTest, IndexedDocumentsAreFoundInEveryMode) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  const auto result = Index(
      base, source, {Document("a", std::string(kGlacier)), Document("b", std::string(kBridge))});
  EXPECT_EQ(result.indexed, 2);
  for (auto mode : {SearchMode::kLexical, SearchMode::kDense, SearchMode::kHybrid}) {
    const auto found = Search(base, "When was the bridge over the Aare opened?", mode);
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found[0].uri, "b");
    EXPECT_EQ(found[0].text, kBridge);
    EXPECT_EQ(found[0].start, 0);
    EXPECT_EQ(found[0].end, static_cast<std::int64_t>(kBridge.size()));
  }
}

TEST_F(KnowledgeBaseTest, UnchangedDocumentsAreLeftAlone) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  Index(base, source, {Document("a", std::string(kGlacier))});
  const int calls = embedder_->calls();
  const auto again = Index(base, source, {Document("a", std::string(kGlacier))});
  EXPECT_EQ(again.unchanged, 1);
  EXPECT_EQ(embedder_->calls(), calls);
  const auto changed = Index(base, source, {Document("a", std::string(kBridge))});
  EXPECT_EQ(changed.indexed, 1);
  EXPECT_THAT(Uris(Search(base, "glacier", SearchMode::kLexical)), IsEmpty());
}

TEST_F(KnowledgeBaseTest, JobsOfABaseThatIsDeletedEndUnrun) {
  TempFolder folder;
  folder.Write("a.md", "HELD glaciers are made of ice.");
  folder.Write("b.md", "Bridges are made of steel.");
  const auto base = MakeBase();
  const auto source = MakeFolder(base, folder.path());
  const auto other = MakeBase("other");
  ASSERT_TRUE(bases_->Start().has_value());
  Get(bases_->StartIngestion(base.id, source.id, "", ctx_));
  parser_.gate.AwaitArrival();
  Get(bases_->IngestDocuments(base.id, MakeCustom(base).id, {Document("x", "Steel")}, ctx_));
  const auto kept = MakeCustom(other);
  Get(bases_->IngestDocuments(other.id, kept.id, {Document("y", "Copper")}, ctx_));

  ASSERT_TRUE(Run(bases_->Delete(base.id, ctx_)).has_value());
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  auto status = DocumentStatus::kPending;
  while (status != DocumentStatus::kIndexed && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
    status = Get(bases_->GetDocuments(other.id, kept.id, {"y"}, ctx_)).at(0).status;
  }
  bases_->Stop();
  EXPECT_EQ(status, DocumentStatus::kIndexed) << "the jobs of other bases go on";
  EXPECT_EQ(parser_.calls, 1) << "of the base, only what was held";
  for (const auto kind : {kIngestKind, kPendingKind}) {
    const store::JobFilter cancelled{.kind = std::string(kind),
                                     .workspace = base.workspace,
                                     .states = {store::JobState::kCancelled}};
    EXPECT_EQ(Get(jobs_->List(cancelled)).size(), 1U)
        << kind << ": the sync that ran, the documents that waited";
  }
}

TEST_F(KnowledgeBaseTest, DeletedDocumentsAreGoneAtOnce) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  Index(base, source, {Document("a", std::string(kGlacier)), Document("b", std::string(kBridge))});
  ASSERT_FALSE(Search(base, "glacier").empty());
  const auto details = Get(bases_->DeleteDocuments(base.id, source.id, {"a", "nope"}, ctx_));
  ASSERT_EQ(details.size(), 2U);
  EXPECT_EQ(details[0].status, DocumentStatus::kDeleting);
  EXPECT_EQ(details[1].status, DocumentStatus::kNotFound);
  for (auto mode : {SearchMode::kLexical, SearchMode::kDense, SearchMode::kHybrid}) {
    EXPECT_THAT(Uris(Search(base, "Aletsch glacier", mode)), Not(Contains("a")));
  }
}

TEST_F(KnowledgeBaseTest, PrincipalsDecideOnEveryPath) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  auto secret = Document("secret", "The Aletsch glacier secret is known to the board.");
  secret.access.allow = {"group:board"};
  auto denied = Document("denied", "The Aletsch glacier file is for everybody but Bob.");
  denied.access.deny = {"user:bob"};
  Index(base, source, {Document("a", std::string(kGlacier)), secret, denied});
  ctx_.principals = {"user:ann", "group:board"};
  const auto all = Search(base, "Aletsch glacier");
  EXPECT_THAT(Uris(all), UnorderedElementsAre("a", "secret", "denied"));
  for (auto mode : {SearchMode::kLexical, SearchMode::kDense, SearchMode::kHybrid}) {
    ctx_.principals = {};
    EXPECT_THAT(Uris(Search(base, "Aletsch glacier", mode)), ElementsAre("a"));
    ctx_.principals = {"user:bob"};
    EXPECT_THAT(Uris(Search(base, "Aletsch glacier", mode)), ElementsAre("a"));
    ctx_.principals = {"user:ann"};
    EXPECT_THAT(Uris(Search(base, "Aletsch glacier", mode)), UnorderedElementsAre("a", "denied"));
  }
  for (const auto& chunk : all) {
    ctx_.principals = {};
    const bool readable = chunk.uri == "a";
    EXPECT_EQ(Run(bases_->FetchChunk(base.id, chunk.chunk_id, ctx_)).has_value(), readable);
    if (!readable) {
      EXPECT_EQ(Run(bases_->FetchOriginal(base.id, chunk.document_id, ctx_)).error().code(),
                Code::kNotFound);
    }
  }
}

TEST_F(KnowledgeBaseTest, MetadataFiltersHoldInEveryMode) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  std::vector<DocumentInput> documents;
  for (int i = 0; i < 30; ++i) {
    auto document = Document("d" + std::to_string(i), std::string(kGlacier));
    document.metadata.text = R"({"n": )" + std::to_string(i) + "}";
    documents.push_back(std::move(document));
  }
  Index(base, source, std::move(documents));
  for (auto mode : {SearchMode::kLexical, SearchMode::kDense, SearchMode::kHybrid}) {
    RetrieveRequest request;
    request.knowledge_base_id = base.id;
    request.query = "glacier";
    request.mode = mode;
    request.filter = *ParseFilter(R"({"greaterThanOrEquals": {"key": "n", "value": 28}})");
    const auto found = Get(bases_->Retrieve(std::move(request), ctx_)).results;
    EXPECT_THAT(Uris(found), UnorderedElementsAre("d28", "d29"));
  }
}

TEST_F(KnowledgeBaseTest, BadRequestsNameTheField) {
  const auto base = MakeBase();
  RetrieveRequest request;
  request.knowledge_base_id = base.id;
  request.query = "x";
  request.results = 0;
  EXPECT_EQ(Run(bases_->Retrieve(request, ctx_)).error().field(), "numberOfResults");
  request.results = 5;
  request.query = "\xff";
  EXPECT_EQ(Run(bases_->Retrieve(request, ctx_)).error().field(), "retrievalQuery.text");
  request.query = "  ";
  EXPECT_TRUE(Get(bases_->Retrieve(request, ctx_)).results.empty());
}

TEST_F(KnowledgeBaseTest, BrokenMetadataIsRefusedBeforeAnythingIsStored) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  auto document = Document("a", std::string(kGlacier));
  document.metadata.text = "[1]";
  auto result = Run(bases_->IngestDocuments(base.id, source.id, {document}, ctx_));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().field(), "documents[0].metadata");
  EXPECT_TRUE(Get(bases_->ListDocuments(base.id, source.id, {}, ctx_)).items.empty());
}

TEST_F(KnowledgeBaseTest, EverythingIsThereAfterReopening) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  Index(base, source, {Document("a", std::string(kGlacier)), Document("b", std::string(kBridge))});
  const auto before = Search(base, "When was the bridge opened?");
  CloseService();
  OpenService();
  EXPECT_EQ(bases_->Get(base.id, ctx_.workspace)->name, "docs");
  const auto after = Search(base, "When was the bridge opened?");
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].chunk_id, before[i].chunk_id);
    EXPECT_EQ(after[i].score, before[i].score);
  }
}

TEST_F(KnowledgeBaseTest, LostIndexFilesAreRebuilt) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  Index(base, source, {Document("a", std::string(kGlacier))});
  ASSERT_FALSE(Search(base, "glacier", SearchMode::kLexical).empty());
  CloseService();
  std::filesystem::remove_all(data_.path() + "/kb-" + base.id + ".lex");
  OpenService();
  EXPECT_FALSE(Search(base, "glacier", SearchMode::kLexical).empty());
}

TEST_F(KnowledgeBaseTest, DeletingABaseRemovesItsFiles) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  Index(base, source, {Document("a", std::string(kGlacier))});
  ASSERT_TRUE(std::filesystem::exists(data_.path() + "/kb-" + base.id + ".db"));
  ASSERT_TRUE(Run(bases_->Delete(base.id, ctx_)).has_value());
  EXPECT_FALSE(std::filesystem::exists(data_.path() + "/kb-" + base.id + ".db"));
  EXPECT_FALSE(std::filesystem::exists(data_.path() + "/kb-" + base.id + ".lex"));
  EXPECT_EQ(bases_->Get(base.id, ctx_.workspace).error().code(), Code::kNotFound);
  MakeBase();  // the name is free again
}

TEST_F(KnowledgeBaseTest, EachStageIsASpanWithItsHits) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  Index(base, source, {Document("a", std::string(kGlacier))});
  auto trace = std::make_shared<Trace>("t", SystemClock(), Texts::kKept);
  ctx_.span = Span(trace, "test.root");
  const auto found = Search(base, "glacier");
  ctx_.span = Span();
  ASSERT_EQ(found.size(), 1U);
  const auto names_the_passage =
      AllOf(HasSubstr(R"("uri":"a")"), HasSubstr(R"("chunk":")" + found[0].chunk_id + '"'));
  std::vector<std::string> names;
  for (const auto& record : trace->TakeEnded()) {
    names.push_back(record.name);
    for (const auto& [key, value] : record.fields) {
      if (key == "hits") EXPECT_THAT(std::get<JsonText>(value).text, names_the_passage);
    }
  }
  EXPECT_THAT(names, ElementsAre("knowledge.embed_query", "knowledge.lexical", "knowledge.dense",
                                 "knowledge.fuse", "knowledge.neighbours", "knowledge.names",
                                 "knowledge.read", "knowledge.retrieve", "test.root"));
}

TEST_F(KnowledgeBaseTest, OverlappingPassagesAreReturnedOnce) {
  const auto base = MakeBase();
  CreateDataSourceInput input;
  input.name = "overlap";
  input.recipe = ChunkRecipe{.strategy = ChunkStrategy::kFixedSize,
                             .tokens_target = 20,
                             .tokens_max = 40,
                             .overlap_percent = 80};
  const auto source = Get(bases_->CreateSource(base.id, std::move(input), ctx_));
  std::string text;
  for (int i = 0; i < 20; ++i) text += "Sentence " + std::to_string(i) + " is about glaciers. ";
  ASSERT_EQ(Index(base, source, {Document("a", text)}).indexed, 1);
  const auto found = Search(base, "glaciers");
  ASSERT_GT(found.size(), 1U);
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const auto both =
          std::min(found[i].end, found[j].end) - std::max(found[i].start, found[j].start);
      EXPECT_LT(both * 2, found[i].end - found[i].start);
    }
  }
}

// Spans of a plain text count its own characters, so its white space must not be normalised away.
TEST_F(KnowledgeBaseTest, PlainTextIsIndexedWhateverWhiteSpaceItHas) {
  const auto base = MakeBase();
  const auto source = MakeCustom(base);
  const std::string text = "\n\n  One glacier.\r\n\r\n\r\n \t\nTwo glaciers.\n\n\n";
  ASSERT_EQ(Index(base, source, {Document("a", text), Document("b", "Three glaciers. \n")}).indexed,
            2);
  for (const auto& chunk : Search(base, "glacier")) {
    if (chunk.document_id != "a") continue;
    EXPECT_EQ(text.substr(static_cast<std::size_t>(chunk.start),
                          static_cast<std::size_t>(chunk.end - chunk.start)),
              chunk.text);
  }
}

TEST(AccessList, FailsClosed) {
  EXPECT_TRUE(MayRead({}, {}));
  EXPECT_FALSE(MayRead({.allow = {"a"}, .deny = {}}, {}));
  EXPECT_TRUE(MayRead({.allow = {"a"}, .deny = {}}, {"b", "a"}));
  EXPECT_FALSE(MayRead({.allow = {"a"}, .deny = {"b"}}, {"b", "a"}));
  EXPECT_FALSE(MayRead({.allow = {}, .deny = {"b"}}, {}));
  EXPECT_TRUE(MayRead({.allow = {}, .deny = {"b"}}, {"c"}));
}

// Films and their directors: what is asked shares no word with the passage that answers.
class NamesSearchTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    base_ = MakeBase();
    source_ = MakeCustom(base_);
    IndexLibrary({});
  }
  static DocumentInput Titled(std::string title, std::string text) {
    auto document = Document(title, std::move(text));
    document.title = std::move(title);
    return document;
  }
  void IndexLibrary(std::vector<std::string> readers_of_director) {
    auto director = Titled("Luis Mandoki", "Luis Mandoki grew up in Guadalajara.");
    director.access.allow = std::move(readers_of_director);
    std::vector<DocumentInput> documents = {
        Titled("Gaby: A True Story", "It is a picture of 1987 by Luis Mandoki."), director};
    for (int i = 0; i < 20; ++i) {
      documents.push_back(Titled("Note " + std::to_string(i),
                                 "Where was the maker of one more picture born, nobody asked."));
    }
    Index(base_, source_, std::move(documents));
  }
  static constexpr std::string_view kQuestion =
      "Where was the maker of the picture Gaby: A True Story born?";
  std::vector<std::string> Find(StagesOff without = {}, std::optional<Filter> filter = {},
                                std::string_view question = kQuestion) {
    RetrieveRequest request;
    request.knowledge_base_id = base_.id;
    request.query = question;
    request.mode = SearchMode::kHybrid;
    request.results = 2;
    request.without = without;
    request.filter = std::move(filter);
    return Uris(Get(bases_->Retrieve(std::move(request), ctx_)).results);
  }
  const std::vector<std::string> both_ = {"Gaby: A True Story", "Luis Mandoki"};
  KnowledgeBase base_;
  DataSource source_;
};

TEST_F(NamesSearchTest, TheNextDocumentIsFoundOverTheNamesOfTheFirst) {
  EXPECT_EQ(Find(), both_);
  EXPECT_NE(Find({.names = true}), both_);
}

TEST_F(NamesSearchTest, NamesThatNoDocumentIsCalledByLeadNowhere) {
  Index(base_, source_,
        {Titled("Report", "Two kinases are told apart by weight and charge."),
         Titled("Log", "BRCA, TGFB, BRCA, TGFB."), Titled("Diary", "We met BRCA, then TGFB.")});
  constexpr std::string_view kAsked = "How are kinases, say BRCA or TGFB, told apart by weight?";
  EXPECT_EQ(Find({}, {}, kAsked).front(), "Report");
}

TEST_F(NamesSearchTest, NothingIsReachedThatTheCallerMayNotRead) {
  IndexLibrary({"group:board"});
  EXPECT_THAT(Find(), Not(Contains("Luis Mandoki")));
  ctx_.principals = {"group:board"};
  EXPECT_EQ(Find(), both_);
}

TEST_F(NamesSearchTest, FiltersAndDeletionsHoldOnTheWay) {
  auto filter = ParseFilter(
      R"({"notEquals": {"key": "x-amz-bedrock-kb-source-uri", "value": "Luis Mandoki"}})");
  ASSERT_TRUE(filter.has_value());
  EXPECT_THAT(Find({}, *filter), Not(Contains("Luis Mandoki")));
  Get(bases_->DeleteDocuments(base_.id, source_.id, {"Luis Mandoki"}, ctx_));
  EXPECT_THAT(Find(), Not(Contains("Luis Mandoki")));
  CloseService();
  OpenService();
  IndexLibrary({});
  EXPECT_EQ(Find(), both_);
}

}  // namespace
}  // namespace strata::knowledge
