// Retrieval of KnowledgeBases, from one base or several.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/format_message.h"
#include "base/json_text.h"
#include "base/run_all.h"
#include "knowledge/base/base_embedder.h"
#include "knowledge/base/service.h"
#include "knowledge/retrieve/hit_json.h"
#include "knowledge/retrieve/merge.h"
#include "knowledge/retrieve/rerank_results.h"

namespace strata::knowledge {
namespace {

// Searches of one request that run at once: as many as the pool has threads for, so that one
// request does not fill its queue.
constexpr std::size_t kSearchesAtOnce = 4;

// Each base once, in the order in which they are named.
std::vector<std::string> IdsOf(const RetrieveRequest& request) {
  std::vector<std::string> ids = {request.knowledge_base_id};
  for (const auto& id : request.more_bases) {
    if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

std::string NamesOf(const std::vector<KnowledgeBase>& bases) {
  std::string out;
  for (const auto& base : bases) out += (out.empty() ? "" : ",") + base.name;
  return out;
}

JsonText BasesJson(const std::vector<BaseShare>& bases) {
  std::string out = "[";
  for (const auto& base : bases) {
    out += fmt::format(R"({}{{"base":{},"found":{},"weight":{:.3g}}})", out.size() > 1 ? "," : "",
                       JsonString(base.base), base.found, base.weight);
  }
  return {out + "]"};
}

// Of each base, what all of them together may need: a reranker sees the candidates of all.
RetrieveRequest RequestFor(const RetrieveRequest& request, const KnowledgeBase& base,
                           int candidates) {
  auto one = request;
  one.knowledge_base_id = base.id;
  one.more_bases.clear();
  one.rerank.reset();
  one.without.rerank = true;
  one.results = std::max(request.results, candidates);
  if (one.mode == SearchMode::kDefault) one.mode = base.mode;
  if (!one.dense_weight) one.dense_weight = base.dense_weight;
  return one;
}

}  // namespace

Task<Result<RetrieveResponse>> KnowledgeBases::Impl::RetrieveFrom(const KnowledgeBase& base,
                                                                  RetrieveRequest request,
                                                                  RequestContext& ctx) {
  Span span = ctx.span.Child("knowledge.retrieve");
  std::swap(span, ctx.span);
  auto response = co_await EmbedAndSearch(base, std::move(request), ctx);
  std::swap(span, ctx.span);
  if (!response.has_value()) span.Fail(response.error());
  co_return response;
}

Task<Result<RetrieveResponse>> KnowledgeBases::Impl::EmbedAndSearch(const KnowledgeBase& base,
                                                                    RetrieveRequest request,
                                                                    RequestContext& ctx) {
  STRATA_CO_TRY(auto embedder, EmbedderOf(base, parts_.embedder));
  STRATA_CO_TRY(const auto query, co_await Retriever::Embed(*embedder, request, ctx));
  co_return co_await SearchIn(base, query, std::move(request), ctx);
}

Task<Result<RetrieveResponse>> KnowledgeBases::Impl::SearchIn(const KnowledgeBase& base,
                                                              const EmbeddedQuery& query,
                                                              RetrieveRequest request,
                                                              RequestContext& ctx) {
  STRATA_CO_TRY(auto open, co_await open_.Get(base));
  STRATA_CO_TRY(auto response,
                co_await retriever_.Run(std::move(open), query, std::move(request), ctx));
  ctx.span.Set("knowledge_base", base.id);
  ctx.span.Set("index", response.index_version);
  ctx.span.Set("results", response.results.size());
  co_return response;
}

Result<std::vector<KnowledgeBase>> KnowledgeBases::Impl::BasesFor(const RetrieveRequest& request,
                                                                  const RequestContext& ctx) const {
  const auto ids = IdsOf(request);
  if (ids.size() > kBasesMax) {
    return Fail(InvalidArgument(
        "knowledge_bases",
        FormatMessage("expected at most {} knowledge bases, not {}", kBasesMax, ids.size())));
  }
  std::vector<KnowledgeBase> bases;
  for (const auto& id : ids) {
    STRATA_TRY(auto base, Base(id, ctx));
    bases.push_back(std::move(base));
  }
  return bases;
}

// One request's searches in several bases. Used by one io thread.
struct KnowledgeBases::Impl::Searches {
  struct One {
    const KnowledgeBase& base;
    const EmbeddedQuery& query;
    RetrieveRequest request;
    Result<RetrieveResponse> found = RetrieveResponse{};
  };
  std::vector<One> all;
  std::size_t next = 0;  // of them, that nobody has begun
  bool failed = false;
};

// One of several that share the searches. After one that failed no other is begun.
Task<void> KnowledgeBases::Impl::SearchInTurn(Searches& searches, const RequestContext& ctx) {
  while (!searches.failed && searches.next < searches.all.size()) {
    auto& one = searches.all[searches.next++];
    // A span belongs to one search at a time. Nothing else of a context is changed here: the
    // question is embedded, and what is found is reranked for all.
    RequestContext own;
    static_cast<RequestFacts&>(own) = ctx;
    own.span = ctx.span.Child("knowledge.retrieve");
    one.found = co_await SearchIn(one.base, one.query, std::move(one.request), own);
    if (one.found.has_value()) continue;
    own.span.Fail(one.found.error());
    searches.failed = true;
  }
}

Task<Result<std::vector<BaseRanking>>> KnowledgeBases::Impl::RankEach(
    const std::vector<KnowledgeBase>& bases, const RetrieveRequest& request, int candidates,
    std::string& index_version, RequestContext& ctx) {
  // By what vectors can be compared: one call is paid for.
  std::map<std::string, EmbeddedQuery, std::less<>> queries;
  Searches searches;
  for (const auto& base : bases) {
    auto one = RequestFor(request, base, candidates);
    auto& query = queries[VectorSpaceOf(base)];
    if (query.values.empty()) {
      STRATA_CO_TRY(auto embedder, EmbedderOf(base, parts_.embedder));
      STRATA_CO_TRY(query, co_await Retriever::Embed(*embedder, one, ctx));
    }
    searches.all.push_back({.base = base, .query = query, .request = std::move(one)});
  }
  std::vector<Task<void>> tasks;
  for (std::size_t i = 0; i < std::min(kSearchesAtOnce, bases.size()); ++i) {
    tasks.push_back(SearchInTurn(searches, ctx));
  }
  co_await RunAll(std::move(tasks));
  std::vector<BaseRanking> rankings;
  for (auto& one : searches.all) {
    if (!one.found.has_value()) co_return std::unexpected(std::move(one.found.error()));
    auto& found = *one.found;
    index_version += (index_version.empty() ? "" : ", ") + found.index_version;
    rankings.push_back({.base = one.base.name,
                        .vector_space = VectorSpaceOf(one.base),
                        .passages = std::move(found.results),
                        .corrected = std::move(found.corrected),
                        .led_by_names = found.led_by_names,
                        .stands_out = found.stands_out});
  }
  co_return rankings;
}

Task<Result<RetrieveResponse>> KnowledgeBases::Impl::RetrieveFromAll(RetrieveRequest request,
                                                                     RequestContext& ctx) {
  STRATA_CO_TRY(const auto bases, BasesFor(request, ctx));
  ctx.kb = NamesOf(bases);  // whom the calls of this request are charged to
  const auto& rerank = settings_.retriever.rerank;
  auto whole = request;  // as what is found in all is reranked
  if (whole.mode == SearchMode::kDefault) whole.mode = SearchMode::kHybrid;
  const bool by_default = IsReranked(whole, rerank);
  RetrieveResponse out;
  STRATA_CO_TRY(auto rankings, co_await RankEach(bases, request, by_default ? rerank.candidates : 0,
                                                 out.index_version, ctx));
  Span span = ctx.span.Child("knowledge.merge");
  auto merge = [&]() -> Result<MergedRanking> {
    const auto copies = request.without.diversity ? Copies::kWhereTheyAre : Copies::kLast;
    return MergeRankings(request.query, std::move(rankings), copies);
  };
  STRATA_CO_TRY(auto merged, co_await RunBlocking(*parts_.pool, std::move(merge)));
  LeadWithQuoted(request.query, merged.passages);
  span.Set("bases", BasesJson(merged.bases));
  SetRanked(span, merged.passages);
  span.End();
  out.corrected = std::move(merged.corrected);
  out.led_by_names = merged.led_by_names;
  out.results = std::move(merged.passages);
  auto& results = out.results;
  if (request.rerank) {
    const auto candidates_max = static_cast<std::size_t>(kApiResultsMax);  // as of one base
    if (results.size() > candidates_max) results.resize(candidates_max);
    STRATA_CO_CHECK_OK(
        co_await RerankAsAsked(parts_.reranker, *request.rerank, request.query, results, ctx));
  } else if (by_default && !out.led_by_names) {
    STRATA_CO_CHECK_OK(
        co_await RerankByDefault(parts_.reranker, rerank, request.query, results, ctx));
    LeadWithQuoted(request.query, results);
  }
  const auto most = static_cast<std::size_t>(request.results);
  if (results.size() > most) results.resize(most);
  co_return out;
}

Task<Result<RetrieveResponse>> KnowledgeBases::Retrieve(RetrieveRequest request,
                                                        RequestContext& ctx) {
  Result<RetrieveResponse> response = RetrieveResponse{};
  if (request.more_bases.empty()) {
    STRATA_CO_TRY(auto base, impl_->Base(request.knowledge_base_id, ctx));
    ctx.kb = base.name;  // whom the calls of this request are charged to
    if (request.mode == SearchMode::kDefault) request.mode = base.mode;
    if (!request.dense_weight) request.dense_weight = base.dense_weight;
    response = co_await impl_->RetrieveFrom(base, std::move(request), ctx);
  } else {
    response = co_await impl_->RetrieveFromAll(std::move(request), ctx);
  }
  if (response.has_value()) ctx.decided_by.index = response->index_version;
  co_return response;
}

}  // namespace strata::knowledge
