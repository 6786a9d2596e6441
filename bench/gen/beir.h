#pragma once
// Reads retrieval collections in BEIR's form: corpus.jsonl(.gz), queries.jsonl, qrels.tsv in one
// folder. Source: Thakur et al. 2021, BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of
// Information Retrieval Models.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::bench {

struct BeirDocument {
  std::string id;
  std::string title;
  std::string text;
};

struct BeirQuery {
  std::string id;
  std::string text;
};

struct BeirCollection {
  std::vector<BeirDocument> documents;
  std::vector<BeirQuery> queries;
  std::map<std::string, std::map<std::string, int>> judgements;  // query id → document id → grade
};

// Errors: kNotFound (no corpus), kInvalidArgument (a line that is not what it should be). Queries
// and judgements may be missing.
Result<BeirCollection> LoadBeir(const std::string& folder);

}  // namespace strata::bench
