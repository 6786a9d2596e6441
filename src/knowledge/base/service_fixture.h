#pragma once
// For tests: a knowledge base service over a temporary folder, with a fake embedder and a parser
// that takes everything as plain text.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/check.h"
#include "knowledge/answerer.h"
#include "knowledge/base/indexer.h"
#include "knowledge/chunker.h"
#include "knowledge/knowledge_base.h"
#include "net/runtime.h"
#include "provider/reranker.h"
#include "store/jobs.h"
#include "store/sql_file.h"
#include "tests/fakes/fake_embedder.h"
#include "tests/fakes/gate.h"

namespace strata::knowledge {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "strata-kb-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string Write(const std::string& name, std::string_view text) const {
    const auto file = path_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

 private:
  std::string path_;
};

// Every document is plain text, but "BROKEN" in it is a parse error, "SLOW" one of time, and
// "BUGGY" throws; "HELD" waits at the gate; each form feed is a page that is a picture.
class TextParser final : public Parser {
 public:
  Task<Result<domain::ParsedDocument>> Parse(ParseInput input, RequestContext& ctx) override {
    ++calls;
    urgency = ctx.urgency;
    if (input.bytes.find("HELD") != std::string::npos) STRATA_CO_CHECK_OK(co_await gate.Pass(ctx));
    if (input.bytes.find("BROKEN") != std::string::npos) {
      co_return Fail(Code::kInvalidArgument, input.name + " is broken");
    }
    if (input.bytes.find("BUGGY") != std::string::npos) throw Bug("a parser's");
    if (input.bytes.find("SLOW") != std::string::npos) {
      co_return Fail(Code::kDeadlineExceeded, input.name + " took too long");
    }
    auto document = PlainDocument(input.bytes, {});
    if (document.has_value()) {
      const auto pictures = static_cast<int>(std::ranges::count(input.bytes, '\f'));
      if (pictures == 0) co_return document;
      document->page_count = pictures + 1;
      document->metadata.text = "{\"ScannedPages\":\"" + std::to_string(pictures) + "\"}";
    }
    co_return document;
  }
  std::string Version() const override { return version; }

  std::atomic<int> calls{0};
  std::string version = "1";
  std::atomic<Urgency> urgency{Urgency::kInteractive};  // of the last call
  fakes::Gate gate;
};

// All as they are without a configuration, but for `given`.
inline Options OptionsWith(const std::map<std::string, Options::Given>& given) {
  const OptionTable tables[] = {KnowledgeBaseOptionTable(), AnswerOptionTable(),
                                ChunkOptionTable()};
  auto options = Options::Build(tables, given);
  EXPECT_TRUE(options.has_value());
  return *options;
}

inline Options DefaultOptions() { return OptionsWith({}); }

// One "process" after another may be opened over the same folder.
class ServiceFixture : public ::testing::Test {
 protected:
  void SetUp() override { OpenService(); }
  void TearDown() override { CloseService(); }

  void OpenService() {
    store::SqlFileOptions options;
    meta_ = *store::SqlFile::Open(data_.path() + "/meta.db", options);
    jobs_ = *store::JobQueue::Open(data_.path() + "/jobs.db");
    KnowledgeBasesParts parts;
    parts.folder = data_.path();
    parts.meta = meta_.get();
    parts.jobs = jobs_.get();
    parts.parser = &parser_;
    parts.pool = &pool_;
    parts.embedder = [this](std::string_view) -> Result<std::shared_ptr<provider::Embedder>> {
      if (metered_) return metered_;
      return embedder_;
    };
    parts.grant = grant_;
    parts.sources = source_options_;
    parts.reranker = [this](std::string_view model) -> Result<std::shared_ptr<provider::Reranker>> {
      if (reranker_ && reranker_->Info().id == model) return reranker_;
      return Fail(NotFound("reranker", model));
    };
    auto bases = KnowledgeBases::Open(std::move(parts), OptionsWith(given_));
    ASSERT_TRUE(bases.has_value()) << bases.error().message();
    bases_ = std::move(*bases);
  }
  void CloseService() {
    bases_.reset();
    jobs_.reset();
    meta_.reset();
  }

  template <class T>
  T Run(Task<T> task) {
    return runtime_.Run(std::move(task));
  }
  // The value, or a failed test and a default.
  template <class T>
  T Get(Task<Result<T>> task) {
    auto result = runtime_.Run(std::move(task));
    EXPECT_TRUE(result.has_value()) << result.error().message();
    return result.has_value() ? std::move(*result) : T{};
  }

  KnowledgeBase MakeBase(std::string name = "docs") {
    CreateKnowledgeBaseInput input;
    input.name = std::move(name);
    return Get(bases_->Create(std::move(input), ctx_));
  }
  DataSource MakeCustom(const KnowledgeBase& base, std::string name = "custom") {
    CreateDataSourceInput input;
    input.name = std::move(name);
    return Get(bases_->CreateSource(base.id, std::move(input), ctx_));
  }
  DataSource MakeFolder(const KnowledgeBase& base, const std::string& folder) {
    CreateDataSourceInput input;
    input.name = "folder";
    input.kind = DataSourceKind::kFolder;
    input.uri = folder;
    return Get(bases_->CreateSource(base.id, std::move(input), ctx_));
  }
  static DocumentInput Document(std::string id, std::string text) {
    DocumentInput input;
    input.id = std::move(id);
    input.media_type = "text/plain";
    input.content = std::move(text);
    return input;
  }
  KnowledgeBases::IndexResult Index(const KnowledgeBase& base, const DataSource& source,
                                    std::vector<DocumentInput> documents) {
    return Get(bases_->IndexDocuments(base.id, source.id, std::move(documents), ctx_));
  }
  // As it is when the worker has ended it.
  IngestionJob AwaitEnd(IngestionJob job) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!IsFinal(job.status) && std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
      job = Get(bases_->GetIngestion(job.knowledge_base_id, job.data_source_id, job.id, ctx_));
    }
    return job;
  }
  std::vector<RetrievedChunk> Search(const KnowledgeBase& base, std::string query,
                                     SearchMode mode = SearchMode::kHybrid) {
    RetrieveRequest request;
    request.knowledge_base_id = base.id;
    request.query = std::move(query);
    request.mode = mode;
    return Get(bases_->Retrieve(std::move(request), ctx_)).results;
  }
  static std::vector<std::string> Uris(const std::vector<RetrievedChunk>& chunks) {
    std::vector<std::string> uris;
    uris.reserve(chunks.size());
    for (const auto& chunk : chunks) uris.push_back(chunk.uri);
    return uris;
  }

  TempFolder data_;
  net::Runtime runtime_;
  Pool pool_{"test", 2, 1000};
  TextParser parser_;
  std::shared_ptr<fakes::FakeEmbedder> embedder_ = std::make_shared<fakes::FakeEmbedder>();
  std::shared_ptr<provider::Embedder> metered_;   // in its place, if there is one
  KeyGrant grant_;                                // at the next opening
  SourceOptions source_options_;                  // at the next opening
  std::shared_ptr<provider::Reranker> reranker_;  // null: there is none
  std::map<std::string, Options::Given> given_;   // of the configuration, at the next opening
  std::unique_ptr<store::SqlFile> meta_;
  std::unique_ptr<store::JobQueue> jobs_;
  std::unique_ptr<KnowledgeBases> bases_;
  RequestContext ctx_;
};

}  // namespace strata::knowledge
