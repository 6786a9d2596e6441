#include "knowledge/corpus/document_search.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "knowledge/knowledge_base.h"

namespace strata::knowledge {
namespace {

std::size_t DocumentsIn(const std::vector<RetrievedChunk>& chunks) {
  std::set<std::string_view> uris;
  for (const auto& chunk : chunks) uris.insert(chunk.uri);
  return uris.size();
}

}  // namespace

Task<Result<std::vector<CorpusQuery>>> QueryLines::Next() {
  STRATA_CO_TRY(auto batch, co_await lines_.Next());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto number = lines_.numbers()[i];
    const auto [first, added] = seen_.emplace(batch[i].id, number);
    if (added) continue;
    co_return Fail(InvalidArgument("_id", "'" + batch[i].id + "' stands in line " +
                                              std::to_string(first->second) + " already")
                       .Because(AtLine(path_, number)));
  }
  co_return batch;
}

// Asks for more chunks than documents, as a document may have several among the best, and for more
// again while they are of too few documents and there may be others.
Task<Result<RetrieveResponse>> SearchForDocuments(KnowledgeBases& bases, RetrieveRequest request,
                                                  int depth, RequestContext& ctx) {
  for (int results = std::min(kResultsMax, 3 * depth);; results = kResultsMax) {
    request.results = results;
    RetrieveRequest asked = request;
    STRATA_CO_TRY(auto found, co_await bases.Retrieve(std::move(asked), ctx));
    const bool all = found.results.size() < static_cast<std::size_t>(results);
    const bool enough = DocumentsIn(found.results) >= static_cast<std::size_t>(depth);
    if (all || enough || results == kResultsMax) co_return found;
  }
}

std::vector<RankedDocumentId> RankDocuments(const std::vector<RetrievedChunk>& chunks, int depth) {
  std::set<std::string_view> seen;
  std::vector<RankedDocumentId> ranked;
  for (const auto& chunk : chunks) {
    if (ranked.size() == static_cast<std::size_t>(depth)) break;
    if (!seen.insert(chunk.uri).second) continue;
    ranked.push_back({.id = chunk.uri, .score = chunk.score});
  }
  return ranked;
}

Task<Result<JudgedSearch>> JudgeSearch(KnowledgeBases& bases, RetrieveRequest request, int depth,
                                       const Grades& grades, RequestContext& ctx) {
  STRATA_CO_TRY(auto found, co_await SearchForDocuments(bases, std::move(request), depth, ctx));
  std::vector<std::string> ranking;
  for (auto& document : RankDocuments(found.results, depth)) {
    ranking.push_back(std::move(document.id));
  }
  co_return JudgedSearch{.figures = JudgeRanking(ranking, grades),
                         .index_version = std::move(found.index_version)};
}

}  // namespace strata::knowledge
