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

struct Asked {
  knowledge::RetrieveResponse found;
  domain::ChatResponse response;
  bool refused = false;
};

class Bases {
 public:
  // `embedder`: id of a shipped embedding model.
  static Result<std::unique_ptr<Bases>> Open(const std::string& embedder);
  ~Bases();

  // Makes the knowledge bases of a set and indexes their documents.
  Result<> Add(QuestionSet& set);
  // `model`: "" for builtin/extract.
  Result<Asked> Ask(const std::string& base, const std::string& question, const std::string& model);

  provider::Embedder& embedder() { return *embedder_; }
  net::Runtime& runtime() { return runtime_; }

 private:
  Bases() = default;
  Result<> OpenParts(const std::string& embedder);

  std::string folder_;
  net::Runtime runtime_;
  Pool pool_{"bench", 1, 1000};
  std::shared_ptr<provider::Embedder> embedder_;
  std::unique_ptr<provider::LocalModels> models_;
  provider::Registry registry_;
  std::unique_ptr<store::SqlFile> meta_;
  std::unique_ptr<store::JobQueue> jobs_;
  std::unique_ptr<knowledge::Parser> parser_;
  std::unique_ptr<knowledge::KnowledgeBases> bases_;
  std::unique_ptr<knowledge::Answerer> answerer_;
};

}  // namespace strata::bench
