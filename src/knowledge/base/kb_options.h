#pragma once
// The options of knowledge bases (kb.embedding_model, kb.search.*, kb.vectors.*, kb.storage_map) as
// values.

#include <string>
#include <vector>

#include "base/options.h"
#include "knowledge/chunker.h"
#include "knowledge/retrieval.h"
#include "knowledge/retrieve/retriever.h"
#include "vector/graph_index.h"

namespace strata::knowledge {

struct KbSettings {
  std::string embedding_model;
  SearchMode mode = SearchMode::kHybrid;
  RetrieverOptions retriever;
  vector::GraphIndexOptions vectors;
  std::size_t open_max = 1;              // bases that stay open, within the limit of files
  std::vector<std::string> storage_map;  // "OPENSEARCH_SERVERLESS=embedded"
  ChunkRecipe recipe;                    // of data sources that say nothing

  static KbSettings From(const Options& options);

  // kUnsupported, with the line to add, for a storage type that is not mapped.
  Result<> CheckStorage(const std::string& type) const;
};

}  // namespace strata::knowledge
