#include "knowledge/retrieve/retriever.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/json_text.h"
#include "base/utf8.h"
#include "knowledge/retrieve/smooth.h"

namespace strata::knowledge {
namespace {

// Hits that a span lists; the rest is counted.
constexpr std::size_t kSpanHitsMax = 10;
constexpr std::size_t kSpanTextMax = 160;  // bytes of a title or an address

std::string Number(std::optional<double> value) {
  return value ? fmt::format("{:.5g}", *value) : "null";
}

std::string ScoresJson(const LegHit& hit) { return fmt::format(R"("score":{:.5g})", hit.score); }

std::string ScoresJson(const FusedHit& hit) {
  return fmt::format(R"("score":{:.5g},"lexical":{},"dense":{})", hit.score, Number(hit.lexical),
                     Number(hit.dense));
}

// Members that say which passage it is; the id is the one that citations have.
std::string NameJson(std::string_view title, std::string_view uri, std::string_view chunk_id) {
  return fmt::format(R"("document":{},"uri":{},"chunk":{})",
                     JsonString(Utf8Prefix(title, kSpanTextMax)),
                     JsonString(Utf8Prefix(uri, kSpanTextMax)), JsonString(chunk_id));
}

JsonText NamesJson(const std::vector<std::string_view>& names) {
  std::string out = "[";
  for (const auto name : names) {
    if (out.size() > 1) out += ',';
    out += JsonString(name);
  }
  return {out + "]"};
}

// What was found and not returned.
class Drops {
 public:
  void Add(const RetrievedChunk& chunk, std::string_view why) {
    ++count_;
    if (list_.size() > 4000) return;
    list_ += list_.empty() ? "" : ",";
    list_ += fmt::format(R"({{"why":{},{}}})", JsonString(why),
                         NameJson(chunk.title, chunk.uri, chunk.chunk_id));
  }
  std::int64_t count() const { return count_; }
  JsonText Json() const { return {"[" + list_ + "]"}; }

 private:
  std::int64_t count_ = 0;
  std::string list_;
};

// Whether half of the shorter one lies in both. Neighbours that overlap say the same twice.
bool Repeats(const RetrievedChunk& chunk, const RetrievedChunk& kept) {
  if (chunk.document_id != kept.document_id) return false;
  const auto both = std::min(chunk.end, kept.end) - std::max(chunk.start, kept.start);
  const auto shorter = std::min(chunk.end - chunk.start, kept.end - kept.start);
  return both * 2 >= shorter && both > 0;
}

// The blocking part of one retrieval; runs on the pool.
class Search {
 public:
  Search(OpenBase& base, const RetrieveRequest& request, const RetrieverOptions& options,
         RequestContext& ctx)
      : base_(base), request_(request), options_(options), ctx_(ctx) {
    scope_.filter = request.filter ? &*request.filter : nullptr;
    scope_.principals = &ctx.principals;
  }

  Result<RetrieveResponse> Run(std::span<const float> query) {
    STRATA_CHECK_OK(base_.cache->CatchUp(*base_.file));
    RetrieveResponse response;
    response.index_version = "kb " + base_.id + " @ " + std::to_string(base_.cache->generation());
    STRATA_TRY(auto fused, Rank(query));
    if (request_.mode == SearchMode::kHybrid) {
      Smooth(fused);
      Rescale(fused);
      FollowNames(fused);
    }
    STRATA_TRY(response.results, Read(fused));
    return response;
  }

 private:
  std::size_t Limit() const {
    // Some of the hits will be dropped as repeats.
    return static_cast<std::size_t>(std::max(options_.candidates, 2 * request_.results));
  }

  // Puts the first of `hits` into the span, each by document and chunk id.
  template <class Hit>
  void ShowHits(Span& span, const std::vector<Hit>& hits) {
    if (!span.recording()) return;
    const auto shown = std::span(hits).first(std::min(hits.size(), kSpanHitsMax));
    auto look_up = [&](store::Database& db) -> Result<> {
      for (const auto& hit : shown) {
        if (names_.contains(hit.row)) continue;
        STRATA_TRY(auto name, ReadChunkName(db, hit.row));
        names_[hit.row] = std::move(name).value_or(ChunkName{});
      }
      return {};
    };
    // A trace without a name is better than no answer; what reads the passages will say what is
    // wrong.
    if (auto named = base_.file->ReadBlocking(look_up); !named.has_value()) return;
    std::string out = "[";
    for (const auto& hit : shown) {
      const auto& name = names_[hit.row];
      out += fmt::format("{}{{{},{}}}", out.size() > 1 ? "," : "", ScoresJson(hit),
                         NameJson(name.title, name.uri, name.chunk_id));
    }
    span.Set("hits", JsonText{out + "]"});
  }

  Result<std::vector<FusedHit>> Rank(std::span<const float> query) {
    std::vector<LegHit> lexical;
    std::vector<LegHit> dense;
    if (request_.mode != SearchMode::kDense) {
      Span span = ctx_.span.Child("knowledge.lexical");
      STRATA_TRY(lexical, base_.cache->SearchWords(request_.query, Limit(), scope_));
      span.Set("found", lexical.size());
      ShowHits(span, lexical);
    }
    if (!query.empty()) {
      Span span = ctx_.span.Child("knowledge.dense");
      STRATA_TRY(dense, base_.cache->SearchVectors(query, Limit(), scope_));
      span.Set("found", dense.size());
      ShowHits(span, dense);
    }
    if (request_.mode == SearchMode::kLexical) return OneLeg(lexical, false);
    if (request_.mode == SearchMode::kDense) return OneLeg(dense, true);
    Span span = ctx_.span.Child("knowledge.fuse");
    span.Set("dense_weight", options_.dense_weight);
    auto fused =
        Fuse(lexical, dense, options_.dense_weight, static_cast<std::size_t>(options_.candidates));
    span.Set("found", fused.size());
    ShowHits(span, fused);
    return fused;
  }

  void Smooth(std::vector<FusedHit>& hits) {
    Span span = ctx_.span.Child("knowledge.neighbours");
    if (request_.without.neighbours) return span.Set("skipped", "switched off");
    const SmoothOptions options;
    std::vector<std::uint64_t> rows;
    for (const auto& hit : hits) {
      if (rows.size() == options.candidates) break;
      rows.push_back(hit.row);
    }
    SmoothByNeighbours(hits, base_.cache->VectorsOf(rows), base_.cache->dimensions(), options);
    span.Set("smoothed", rows.size());
    ShowHits(span, hits);
  }

  // The names graph instead of the blend, where the question names a document, or two things.
  void FollowNames(std::vector<FusedHit>& hits) {
    Span span = ctx_.span.Child("knowledge.names");
    if (request_.without.names) return span.Set("skipped", "switched off");
    std::vector<graph::PassageShare> seeds;
    for (const auto& hit : hits) seeds.push_back({.passage = hit.row, .share = hit.score});
    const auto answer = base_.cache->WalkNames(request_.query, seeds, scope_);
    span.Set("names", NamesJson(answer.names));
    if (answer.titles == 0 && answer.names.size() < 2) {
      return span.Set("skipped", answer.names.empty()
                                     ? "the question holds no name of the knowledge base"
                                     : "one name alone that no document is called by");
    }
    hits = LeadWithNames(hits, answer.passages);
    span.Set("documents_named", answer.titles);
    span.Set("edges_walked", answer.edges);
    span.Set("reached", answer.passages.size());
    ShowHits(span, hits);
  }

  Result<std::vector<RetrievedChunk>> Read(const std::vector<FusedHit>& fused) {
    Span span = ctx_.span.Child("knowledge.read");
    Drops drops;
    STRATA_TRY(auto results, base_.file->ReadBlocking(
                                 [&](store::Database& db) { return ReadFrom(db, fused, drops); }));
    span.Set("returned", results.size());
    span.Set("dropped", drops.count());
    span.Set("drops", drops.Json());
    return results;
  }

  Result<std::vector<RetrievedChunk>> ReadFrom(store::Database& db,
                                               const std::vector<FusedHit>& fused, Drops& drops) {
    std::vector<RetrievedChunk> results;
    for (const auto& hit : fused) {
      if (results.size() == static_cast<std::size_t>(request_.results)) break;
      STRATA_TRY(auto stored, ReadChunk(db, hit.row));
      if (!stored) {
        drops.Add({}, "deleted meanwhile");
        continue;
      }
      // The caches said so already; the file is what counts.
      if (!MayRead(stored->access, ctx_.principals)) {
        drops.Add({}, "not readable for the caller");  // traces name no such document
        continue;
      }
      auto& chunk = stored->chunk;
      if (std::ranges::any_of(results, [&](const auto& kept) { return Repeats(chunk, kept); })) {
        drops.Add(chunk, "repeats a better passage");
        continue;
      }
      chunk.knowledge_base_id = base_.id;
      chunk.score = hit.score;
      chunk.lexical_score = hit.lexical;
      chunk.dense_score = hit.dense;
      results.push_back(std::move(chunk));
    }
    return results;
  }

  OpenBase& base_;
  const RetrieveRequest& request_;
  const RetrieverOptions& options_;
  RequestContext& ctx_;
  SearchScope scope_;
  std::unordered_map<std::uint64_t, ChunkName> names_;  // of hits that spans show
};

Result<> Check(const RetrieveRequest& request) {
  if (request.results < 1 || request.results > kResultsMax) {
    return Fail(InvalidArgument("numberOfResults", "expected 1 to " + std::to_string(kResultsMax)));
  }
  if (request.query.size() > kQueryBytesMax) {
    return Fail(InvalidArgument("retrievalQuery.text",
                                "longer than " + std::to_string(kQueryBytesMax) + " bytes"));
  }
  if (!IsValidUtf8(request.query)) {
    return Fail(InvalidArgument("retrievalQuery.text", "not valid UTF-8"));
  }
  return {};
}

Task<Result<std::vector<float>>> EmbedQuery(provider::Embedder& embedder, const std::string& query,
                                            RequestContext& ctx) {
  Span span = ctx.span.Child("knowledge.embed_query");
  std::vector<std::string> texts = {query};
  auto rows = co_await embedder.Embed(std::move(texts), provider::EmbedPurpose::kQuery, ctx);
  if (!rows.has_value()) {
    span.Fail(rows.error());
    co_return std::unexpected(std::move(rows.error()));
  }
  span.Set("model", embedder.Info().id);
  span.Set("tokens", rows->input_tokens);
  if (rows->count() != 1) co_return Fail(Internal("one text, one vector"));
  co_return std::move(rows->values);
}

}  // namespace

Task<Result<RetrieveResponse>> Retriever::Run(std::shared_ptr<OpenBase> base,
                                              provider::Embedder& embedder, RetrieveRequest request,
                                              RequestContext& ctx) const {
  STRATA_CO_CHECK_OK(Check(request));
  if (request.query.find_first_not_of(" \t\r\n") == std::string::npos) {
    co_return RetrieveResponse{};
  }
  std::vector<float> query;
  if (request.mode != SearchMode::kLexical) {
    STRATA_CO_TRY(query, co_await EmbedQuery(embedder, request.query, ctx));
  }
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  auto work = [&] { return Search(*base, request, options_, ctx).Run(query); };
  co_return co_await RunBlocking(pool_, std::move(work));
}

}  // namespace strata::knowledge
