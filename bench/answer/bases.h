#pragma once
// Everything that bench_answer asks: knowledge bases in a temporary folder, the shipped models, and
// an answerer over them.

#include <memory>
#include <string>

#include "base/options.h"
#include "bench/answer/questions.h"
#include "knowledge/answerer.h"
#include "knowledge/knowledge_base.h"
#include "net/runtime.h"
#include "provider/local_models.h"
#include "provider/registry.h"
#include "store/jobs.h"
#include "store/sql_file.h"

namespace strata::bench {

struct Answer {
  domain::ChatResponse response;
  std::string text;
  std::vector<domain::Citation> citations;
  bool refused = false;
  double seconds = 0;
};

// Ids of shipped embedding models.
struct Embedders {
  std::string retrieval;
  std::string sentences;  // of the extractor; "": that of retrieval
};

// Passages that are retrieved beyond those answered from, so that enough stay when gold goes.
inline constexpr int kSpare = 15;

class Bases {
 public:
  // `folder`: where the bases are kept for the next run; "": in a temporary folder.
  static Result<std::unique_ptr<Bases>> Open(const Embedders& embedders, const std::string& folder);
  ~Bases();

  // Makes the knowledge bases of a set and indexes their documents, those that are not there yet.
  Result<> Add(QuestionSet& set);
  // The passages of a knowledge base for a question, best first.
  Result<knowledge::RetrieveResponse> Retrieve(const std::string& base, const std::string& question,
                                               int results);
  // The answer of `model` (builtin/extract or a language model) over those passages, as
  // kb/NAME@MODEL gives it.
  Result<Answer> Ask(const std::string& question, std::vector<knowledge::RetrievedChunk> passages,
                     const std::string& model);

  provider::Embedder& embedder() { return *sentences_; }  // the extractor's
  const vector::StaticEmbedder& words() const { return *words_; }
  int results() const { return answerer_->results(); }
  net::Runtime& runtime() { return runtime_; }

 private:
  Bases() = default;
  Result<> OpenParts(const Embedders& embedders);

  std::string folder_;
  bool temporary_ = false;
  net::Runtime runtime_;
  Pool pool_{"bench", 1, 1000};
  std::shared_ptr<provider::Embedder> embedder_;
  std::shared_ptr<provider::Embedder> sentences_;
  std::shared_ptr<const vector::StaticEmbedder> words_;
  std::unique_ptr<provider::LocalModels> models_;
  provider::Registry registry_;
  std::unique_ptr<store::SqlFile> meta_;
  std::unique_ptr<store::JobQueue> jobs_;
  std::unique_ptr<knowledge::Parser> parser_;
  std::unique_ptr<knowledge::KnowledgeBases> bases_;
  std::unique_ptr<knowledge::Answerer> answerer_;
};

}  // namespace strata::bench
