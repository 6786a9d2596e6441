#pragma once
// Reranking as values: documents ordered by how well they answer a query.

#include <cstdint>
#include <string>
#include <vector>

namespace strata::domain {

struct RerankRequest {
  std::string query;
  std::vector<std::string> documents;   // at least one
  std::size_t top_n = 0;                // 0: all of them
  std::int64_t max_tokens_per_doc = 0;  // of a document no more is read; 0: the model's own limit
};

struct RankedDocument {
  std::size_t index = 0;  // in the request
  double score = 0;       // higher is better; comparable within one answer only
};

struct Reranking {
  std::vector<RankedDocument> ranked;  // best first, ties by index; at most top_n
  std::int64_t input_tokens = 0;
  bool estimated = false;      // our count of the tokens
  double search_units = 0;     // as the provider bills; 0: it does not say
  std::int64_t truncated = 0;  // documents that were longer than what was read
};

}  // namespace strata::domain
