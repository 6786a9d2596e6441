#include "bench/answer/bases.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "domain/refusal.h"
#include "domain/stream.h"

namespace strata::bench {
namespace {

// All documents of the bench are plain text, which is read without a parser.
class NoParser final : public knowledge::Parser {
 public:
  Task<Result<domain::ParsedDocument>> Parse(knowledge::ParseInput input,
                                             RequestContext&) override {
    co_return Fail(Code::kUnsupported, input.name + " is not plain text");
  }
  std::string Version() const override { return "none"; }
};

Task<Result<domain::ChatResponse>> Collect(provider::ChatStream& stream) {
  domain::StreamAccumulator sum;
  while (!sum.ended()) {
    STRATA_CO_TRY(auto event, co_await stream.Next());
    sum.Add(event);
  }
  co_return sum.Take();
}

}  // namespace

Result<std::unique_ptr<Bases>> Bases::Open(const Embedders& embedders, const std::string& folder) {
  std::unique_ptr<Bases> bases(new Bases());
  bases->folder_ = folder;
  std::error_code failed;
  if (!folder.empty()) std::filesystem::create_directories(folder, failed);
  if (failed) return Fail(Code::kUnavailable, folder + ": " + failed.message());
  STRATA_CHECK_OK(bases->OpenParts(embedders));
  return bases;
}

Bases::~Bases() {
  answerer_.reset();
  bases_.reset();
  std::error_code ignored;
  if (temporary_) std::filesystem::remove_all(folder_, ignored);
}

Result<> Bases::OpenParts(const Embedders& embedders) {
  if (folder_.empty()) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "strata-answer-XXXXXX").string();
    if (!mkdtemp(pattern.data())) return Fail(Code::kUnavailable, "no temporary folder");
    folder_ = pattern;
    temporary_ = true;
  }
  const OptionTable tables[] = {knowledge::KnowledgeBaseOptionTable(),
                                knowledge::AnswerOptionTable(), knowledge::ChunkOptionTable(),
                                provider::LocalModelOptions()};
  STRATA_TRY(auto options, Options::Build(tables, {}));
  STRATA_TRY(models_, provider::LocalModels::Open(options, {}));
  STRATA_TRY(embedder_, models_->AnyEmbedder(embedders.retrieval));
  STRATA_CHECK_OK(registry_.Update([&](provider::RegistrySnapshot& snapshot) -> Result<> {
    STRATA_TRY(auto chat, models_->Chat(provider::kBuiltinChatModel));
    return snapshot.AddChat(std::move(chat), SystemClock().Wall());
  }));
  STRATA_TRY(meta_, store::SqlFile::Open(folder_ + "/meta.db", {}));
  STRATA_TRY(jobs_, store::JobQueue::Open(folder_ + "/jobs.db"));
  parser_ = std::make_unique<NoParser>();
  knowledge::KnowledgeBasesParts parts;
  parts.folder = folder_;
  parts.meta = meta_.get();
  parts.jobs = jobs_.get();
  parts.parser = parser_.get();
  parts.pool = &pool_;
  parts.embedder = [this](std::string_view) -> Result<std::shared_ptr<provider::Embedder>> {
    return embedder_;
  };
  STRATA_TRY(bases_, knowledge::KnowledgeBases::Open(std::move(parts), options));
  sentences_ = embedder_;
  if (!embedders.sentences.empty()) {
    STRATA_TRY(sentences_, models_->AnyEmbedder(embedders.sentences));
  }
  STRATA_TRY(words_, models_->Static());
  auto extractor = std::make_shared<knowledge::Extractor>(sentences_, words_);
  answerer_ = std::make_unique<knowledge::Answerer>(std::move(extractor), registry_, options);
  return {};
}

Result<> Bases::Add(QuestionSet& set) {
  RequestContext ctx;
  for (auto& [name, documents] : set.bases) {
    if (bases_->FindByName(name, ctx.workspace).has_value()) continue;
    knowledge::CreateKnowledgeBaseInput input;
    input.name = name;
    STRATA_TRY(auto base, runtime_.Run(bases_->Create(std::move(input), ctx)));
    knowledge::CreateDataSourceInput source_input;
    source_input.name = "documents";
    STRATA_TRY(auto source,
               runtime_.Run(bases_->CreateSource(base.id, std::move(source_input), ctx)));
    STRATA_TRY(auto indexed,
               runtime_.Run(bases_->IndexDocuments(base.id, source.id, std::move(documents), ctx)));
    if (indexed.failed > 0) {
      return Fail(Code::kInternal, name + ": " + indexed.failures.front().reason);
    }
  }
  return {};
}

Result<knowledge::RetrieveResponse> Bases::Retrieve(const std::string& base,
                                                    const std::string& question, int results) {
  RequestContext ctx;
  STRATA_TRY(auto found, bases_->FindByName(base, ctx.workspace));
  knowledge::RetrieveRequest retrieve;
  retrieve.knowledge_base_id = found.id;
  retrieve.query = question;
  retrieve.results = results;
  return runtime_.Run(bases_->Retrieve(std::move(retrieve), ctx));
}

Result<Answer> Bases::Ask(const std::string& question,
                          std::vector<knowledge::RetrievedChunk> passages,
                          const std::string& model) {
  const auto start = std::chrono::steady_clock::now();
  RequestContext ctx;
  knowledge::AnswerInput input;
  input.question = question;
  input.passages = std::move(passages);
  input.generation.model = model;
  // The extractor's answers are as long as its own limits let them be.
  if (model != knowledge::kExtractModelId) input.generation.max_tokens = 128;
  input.generation.temperature = 0;
  STRATA_TRY(auto stream, runtime_.Run(answerer_->Start(std::move(input), ctx)));
  Answer answer;
  STRATA_TRY(answer.response, runtime_.Run(Collect(*stream)));
  answer.text = domain::TextOf(answer.response.content);
  answer.refused = domain::HoldsRefusal(answer.text);
  for (const auto& block : answer.response.content) {
    const auto* text = std::get_if<domain::TextBlock>(&block);
    if (text)
      answer.citations.insert(answer.citations.end(), text->citations.begin(),
                              text->citations.end());
  }
  answer.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return answer;
}

}  // namespace strata::bench
