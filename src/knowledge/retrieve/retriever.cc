#include "knowledge/retrieve/retriever.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include "base/format_message.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "knowledge/retrieve/candidates.h"
#include "knowledge/retrieve/copies.h"
#include "knowledge/retrieve/foreign_query.h"
#include "knowledge/retrieve/hit_json.h"
#include "knowledge/retrieve/join.h"
#include "knowledge/retrieve/phrases.h"
#include "knowledge/retrieve/rerank_results.h"
#include "knowledge/retrieve/smooth.h"
#include "net/runtime.h"

namespace strata::knowledge {
namespace {

void AddNumber(SpanJson& item, std::string_view name, std::optional<double> value) {
  if (value) {
    item.Real(name, *value);
  } else {
    item.Null(name);
  }
}

void AddScores(SpanJson& item, const LegHit& hit) { item.Real("score", hit.score); }

void AddScores(SpanJson& item, const FusedHit& hit) {
  item.Real("score", hit.score);
  AddNumber(item, "lexical", hit.lexical);
  AddNumber(item, "dense", hit.dense);
}

JsonText FixesJson(const std::vector<SpellingFix>& fixes) {
  std::string out = "[";
  for (const auto& fix : fixes) {
    out += fmt::format(R"({}{{"word":{},"instead":{}}})", out.size() > 1 ? "," : "",
                       JsonString(fix.word), JsonString(fix.instead));
  }
  return {out + "]"};
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
  explicit Drops(const Span& span) : list_(span) {}

  void Add(const RetrievedChunk& chunk, std::string_view why) {
    constexpr std::int64_t kShownMax = 20;
    if (++count_ > kShownMax) return;
    list_.Item().Name("why", why);
    AddName(list_, chunk.title, chunk.uri, chunk.chunk_id);
  }
  std::int64_t count() const { return count_; }
  const SpanJson& list() const { return list_; }

 private:
  std::int64_t count_ = 0;
  SpanJson list_;
};

// Whether half of the shorter one lies in both. Neighbours that overlap say the same twice.
bool Repeats(const RetrievedChunk& chunk, const RetrievedChunk& kept) {
  if (chunk.document_id != kept.document_id) return false;
  const auto both = std::min(chunk.end, kept.end) - std::max(chunk.start, kept.start);
  const auto shorter = std::min(chunk.end - chunk.start, kept.end - kept.start);
  return both * 2 >= shorter && both > 0;
}

// What the search of one retrieval comes to.
struct Found {
  RetrieveResponse response;
  std::unordered_map<std::string, int> phrases_held;  // by chunk id, of those that hold any
};

// While a base is loaded, searches of it wait beside the pool, whose few threads serve the others.
constexpr std::chrono::milliseconds kPatience{50};
constexpr std::chrono::milliseconds kLookAgain{100};

// The blocking part of one retrieval; runs on the pool, when the cache has caught up.
class Search {
 public:
  Search(OpenBase& base, const RetrieveRequest& request, const RetrieverOptions& options,
         RequestContext& ctx)
      : base_(base), request_(request), options_(options), ctx_(ctx) {
    scope_.filter = request.filter ? &*request.filter : nullptr;
    scope_.principals = &ctx.principals;
    phrases_ = QuotedPhrases(request.query);
  }

  Result<Found> Run(std::span<const float> query) {
    Found found;
    auto& response = found.response;
    response.index_version = "kb " + base_.id + " @ " + std::to_string(base_.cache->generation());
    STRATA_TRY(auto blended, Rank(query));
    auto& fused = blended.hits;
    if (request_.mode == SearchMode::kHybrid) {
      Smooth(blended);
      Rescale(fused);
      response.led_by_names = FollowNames(blended);
    }
    LeadWithPhrases(fused, [this](const FusedHit& hit) { return HeldBy(hit.row); });
    STRATA_TRY(response.results, Read(fused));
    found.phrases_held = std::move(returned_held_);
    response.corrected = std::move(corrected_);
    response.stands_out = stands_out_;
    return found;
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
    SpanJson list(span);
    for (const auto& hit : shown) {
      const auto& name = names_[hit.row];
      AddScores(list.Item(), hit);
      AddName(list, name.title, name.uri, name.chunk_id);
    }
    span.Set("hits", list);
  }

  Result<BlendedHits> Rank(std::span<const float> query) {
    std::vector<LegHit> lexical;
    std::vector<LegHit> dense;
    std::vector<SpellingFix> fixes;
    if (request_.mode != SearchMode::kDense) {
      Span span = ctx_.span.Child("knowledge.lexical");
      if (base_.cache->building_words()) {
        span.Set("incomplete", "the words of all passages are being made anew");
      }
      STRATA_TRY(fixes, FixSpelling());
      STRATA_TRY(lexical, base_.cache->SearchWords(request_.query, Limit(), scope_, fixes));
      if (span.keeps_texts() && !fixes.empty()) span.SetText("corrected", FixesJson(fixes));
      corrected_ = fixes;
      span.Set("found", lexical.size());
      ShowHits(span, lexical);
    }
    if (!query.empty()) {
      Span span = ctx_.span.Child("knowledge.dense");
      STRATA_TRY(dense, base_.cache->SearchVectors(query, Limit(), scope_));
      span.Set("found", dense.size());
      ShowHits(span, dense);
    }
    STRATA_CHECK_OK(FindPhrases(lexical, dense, fixes));
    Span span = ctx_.span.Child("knowledge.fuse");
    STRATA_TRY(const auto spread, SpreadOf(query));
    const CandidateOptions options{
        .candidates = static_cast<std::size_t>(options_.candidates),
        .blend = {
            .dense_weight = DenseWeight(), .context_share = ContextShare(), .spread = spread}};
    span.Set("dense_weight", options.blend.dense_weight);
    span.Set("context_share", options.blend.context_share);
    if (spread && !dense.empty()) {
      stands_out_ = (dense.front().score - spread->mean) / spread->deviation;
      span.Set("dense_best_deviations", *stands_out_);
    }
    const SearchedFor searched{
        .words = request_.mode == SearchMode::kDense ? "" : std::string_view(request_.query),
        .fixes = fixes,
        .vector = query};
    STRATA_TRY(auto blended, BlendCandidates(*base_.cache, searched, lexical, dense, options));
    if (request_.mode != SearchMode::kHybrid) Rescale(blended.hits);
    span.Set("found", blended.hits.size());
    ShowHits(span, blended.hits);
    return blended;
  }

  // Looks for the passages that hold what the query has in quotation marks, and adds those to the
  // lexical leg that are not among its best.
  Result<> FindPhrases(std::vector<LegHit>& lexical, std::span<const LegHit> dense,
                       std::span<const SpellingFix> fixes) {
    if (phrases_.empty()) return {};
    Span span = ctx_.span.Child("knowledge.phrase");
    if (span.keeps_texts()) span.SetText("phrases", NamesJson(phrases_));
    PhraseSearch search(*base_.cache, *base_.file, request_.query, phrases_);
    if (request_.mode != SearchMode::kDense) {
      STRATA_TRY(const auto found, search.Find(Limit(), scope_, fixes));
      MergeHits(lexical, found);
    }
    STRATA_CHECK_OK(search.LookUp(dense));
    held_ = search.held();
    span.Set("looked_up", held_.size());
    std::erase_if(held_, [](const auto& entry) { return entry.second == 0; });
    span.Set("held_by", held_.size());
    return {};
  }

  // Of hybrid searches; absent where there are too few passages to say how far one stands out.
  Result<std::optional<vector::ScoreSpread>> SpreadOf(std::span<const float> query) const {
    // In fewer, what the question is about is itself a good part of what it is compared with, and
    // min-max does better with a good embedder (docs/measurements-retrieval.md).
    constexpr std::size_t kRowsMin = 200;
    constexpr double kDeviationMin = 1e-4;  // the index keeps scores to as much
    std::optional<vector::ScoreSpread> spread;
    if (request_.mode != SearchMode::kHybrid || query.empty()) return spread;
    STRATA_TRY(spread, base_.cache->SpreadOf(query, scope_));
    if (spread->rows < kRowsMin || spread->deviation < kDeviationMin) spread.reset();
    return spread;
  }

  int HeldBy(std::uint64_t row) const {
    const auto found = held_.find(row);
    return found == held_.end() ? 0 : found->second;
  }

  double DenseWeight() const {
    if (request_.mode == SearchMode::kLexical) return 0;
    if (request_.mode == SearchMode::kDense) return 1;
    return request_.dense_weight.value_or(options_.dense_weight);
  }

  double ContextShare() const { return request_.without.context ? 0 : options_.context_share; }

  Result<std::vector<SpellingFix>> FixSpelling() {
    if (!options_.spelling || request_.without.spelling) return std::vector<SpellingFix>();
    return base_.cache->FixSpelling(request_.query, scope_);
  }

  void Smooth(BlendedHits& blended) {
    Span span = ctx_.span.Child("knowledge.neighbours");
    if (request_.without.neighbours) return span.Set("skipped", "switched off");
    auto& hits = blended.hits;
    SmoothOptions options;
    options.candidates = std::min(options.candidates, blended.candidates);
    std::vector<std::uint64_t> rows;
    for (const auto& hit : std::span(hits).first(options.candidates)) rows.push_back(hit.row);
    SmoothByNeighbours(hits, base_.cache->VectorsOf(rows), base_.cache->dimensions(), options);
    span.Set("smoothed", rows.size());
    ShowHits(span, hits);
  }

  // The names graph instead of the blend, where the question names a document. Whether it does.
  // Names that are only mentioned (abbreviations, say) are found better by their words.
  bool FollowNames(BlendedHits& blended) {
    Span span = ctx_.span.Child("knowledge.names");
    if (request_.without.names) {
      span.Set("skipped", "switched off");
      return false;
    }
    auto& hits = blended.hits;
    std::vector<graph::PassageShare> seeds;
    seeds.reserve(blended.candidates);
    for (const auto& hit : std::span(hits).first(blended.candidates))
      seeds.push_back({.passage = hit.row, .share = hit.score});
    const auto answer = base_.cache->WalkNames(request_.query, seeds, scope_);
    if (span.keeps_texts()) span.SetText("names", NamesJson(answer.names));
    if (base_.cache->unnamed()) {
      span.Set("incomplete", "the names of some passages are still being found");
    }
    if (answer.titles == 0) {
      span.Set("skipped", answer.names.empty()
                              ? "the question holds no name of the knowledge base"
                              : "no document is called by what the question names");
      return false;
    }
    hits = LeadWithNames(hits, answer.passages);
    span.Set("documents_named", answer.titles);
    span.Set("edges_walked", answer.edges);
    span.Set("reached", answer.passages.size());
    ShowHits(span, hits);
    return true;
  }

  Result<std::vector<RetrievedChunk>> Read(const std::vector<FusedHit>& fused) {
    Span span = ctx_.span.Child("knowledge.read");
    Drops drops(span);
    std::size_t copies = 0;
    std::vector<RetrievedChunk> results;
    const auto read = [&](store::Database& db) -> Result<> {
      // Those that hold as many phrases of the query, one after the other.
      for (auto rest = std::span(fused); !rest.empty();) {
        const auto other = [&](const FusedHit& hit) {
          return HeldBy(hit.row) != HeldBy(rest.front().row);
        };
        const auto end = std::ranges::find_if(rest, other) - rest.begin();
        std::vector<Copy> of_these;
        STRATA_CHECK_OK(
            ReadFrom(db, rest.first(static_cast<std::size_t>(end)), results, of_these, drops));
        STRATA_CHECK_OK(FillUp(db, results, of_these, drops));
        copies += of_these.size();
        rest = rest.subspan(static_cast<std::size_t>(end));
      }
      return {};
    };
    // A passage and those around it, also while its document is indexed anew.
    STRATA_CHECK_OK(ReadOneState(*base_.file, read));
    span.Set("returned", results.size());
    span.Set("copies", copies);
    span.Set("dropped", drops.count());
    span.Set("drops", drops.list());
    return results;
  }

  bool Full(const std::vector<RetrievedChunk>& results) const {
    return results.size() == static_cast<std::size_t>(request_.results);
  }

  // A passage that says nothing which a better one does not.
  struct Copy {
    std::uint64_t row = 0;
    RetrievedChunk chunk;
  };

  Result<> ReadFrom(store::Database& db, std::span<const FusedHit> hits,
                    std::vector<RetrievedChunk>& results, std::vector<Copy>& copies, Drops& drops) {
    for (const auto& hit : hits) {
      if (Full(results)) break;
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
      if (IsRepeated(results, chunk, drops)) continue;
      if (const int held = HeldBy(hit.row); held > 0) returned_held_[chunk.chunk_id] = held;
      chunk.knowledge_base_id = base_.id;
      chunk.score = hit.score;
      chunk.lexical_score = hit.lexical;
      chunk.dense_score = hit.dense;
      if (IsCopy(chunk)) {
        copies.push_back({.row = hit.row, .chunk = std::move(chunk)});
        continue;
      }
      STRATA_TRY(auto joined, Join(db, hit.row, std::move(chunk)));
      results.push_back(std::move(joined));
    }
    return {};
  }

  static bool IsRepeated(const std::vector<RetrievedChunk>& results, const RetrievedChunk& chunk,
                         Drops& drops) {
    const auto repeats = [&](const RetrievedChunk& one) { return Repeats(chunk, one); };
    if (!std::ranges::any_of(results, repeats)) return false;
    drops.Add(chunk, "repeats a better passage");
    return true;
  }

  bool IsCopy(const RetrievedChunk& chunk) {
    if (request_.without.diversity) return false;
    const auto shingles = Shingles(chunk.text);
    if (kept_.Holds(shingles)) return true;
    kept_.Keep(shingles);
    return false;
  }

  // Copies come behind all that says something of its own, where that leaves room: they may be of
  // other documents, which somebody may look for.
  Result<> FillUp(store::Database& db, std::vector<RetrievedChunk>& results,
                  std::vector<Copy>& copies, Drops& drops) const {
    for (auto& copy : copies) {
      if (Full(results)) {
        drops.Add(copy.chunk, "a better passage says the same word for word");
        continue;
      }
      if (IsRepeated(results, copy.chunk, drops)) continue;
      copy.chunk.score = std::min(copy.chunk.score, results.back().score);
      STRATA_TRY(auto joined, Join(db, copy.row, std::move(copy.chunk)));
      results.push_back(std::move(joined));
    }
    return {};
  }

  // With what adjoins it, when that is asked for. The passages around are of the same document, so
  // that who may read one may read them all.
  Result<RetrievedChunk> Join(store::Database& db, std::uint64_t row, RetrievedChunk chunk) const {
    const int around = request_.join.value_or(options_.join);
    if (around == 0) return chunk;
    STRATA_TRY(auto stored, ReadChunksAround(db, row, around));
    std::vector<RetrievedChunk> passages;
    std::size_t center = stored.size();
    passages.reserve(stored.size());
    for (auto& one : stored) {
      if (one.chunk.chunk_id == chunk.chunk_id) center = passages.size();
      passages.push_back(std::move(one.chunk));
    }
    if (center == stored.size()) return Fail(Code::kCorruption, "a chunk is not beside itself");
    passages[center] = std::move(chunk);  // with its scores
    return JoinAround(std::move(passages), center);
  }

  OpenBase& base_;
  const RetrieveRequest& request_;
  const RetrieverOptions& options_;
  RequestContext& ctx_;
  SearchScope scope_;
  std::vector<std::string_view> phrases_;  // of the query
  PhrasesHeld held_;                       // without those that hold none
  std::unordered_map<std::string, int> returned_held_;
  PassagesKept kept_;
  std::unordered_map<std::uint64_t, ChunkName> names_;  // of hits that spans show
  std::vector<SpellingFix> corrected_;
  std::optional<double> stands_out_;  // as in RetrieveResponse
};

bool IsBlank(std::string_view query) {
  return query.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Result<> Check(const RetrieveRequest& request) {
  if (request.results < 1 || request.results > kResultsMax) {
    return Fail(InvalidArgument("numberOfResults", FormatMessage("expected 1 to {}", kResultsMax)));
  }
  if (request.query.size() > kQueryBytesMax) {
    return Fail(InvalidArgument("retrievalQuery.text",
                                FormatMessage("longer than {} bytes", kQueryBytesMax)));
  }
  if (!IsValidUtf8(request.query)) {
    return Fail(InvalidArgument("retrievalQuery.text", "not valid UTF-8"));
  }
  if (request.join && (*request.join < 0 || *request.join > kJoinMax)) {
    return Fail(InvalidArgument("join", FormatMessage("expected 0 to {}", kJoinMax)));
  }
  if (request.dense_weight && !(*request.dense_weight >= 0 && *request.dense_weight <= 1)) {
    return Fail(InvalidArgument("dense_weight", "expected 0 to 1"));
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
  if (rows->truncated > 0) {
    span.Set("cut",
             "the query is longer than the embedding model sees: vectors are searched by its "
             "first " +
                 std::to_string(rows->input_tokens) + " tokens, words by all of it");
  }
  if (rows->count() != 1) co_return Fail(Internal("one text, one vector"));
  co_return std::move(rows->values);
}

Task<Result<Found>> SearchWhenReady(Pool& pool, OpenBase& base, const RetrieveRequest& request,
                                    const RetrieverOptions& options, std::span<const float> query,
                                    RequestContext& ctx) {
  for (auto patience = kPatience;; patience = {}) {
    auto work = [&]() -> Result<std::optional<Found>> {
      STRATA_TRY(const bool ready, base.cache->TryCatchUp(patience));
      if (!ready || (query.empty() && base.cache->without_words())) return std::nullopt;
      STRATA_TRY(auto found, Search(base, request, options, ctx).Run(query));
      return std::optional(std::move(found));
    };
    STRATA_CO_TRY(auto found, co_await RunBlocking(pool, std::move(work)));
    if (found) co_return std::move(*found);
    STRATA_CO_CHECK_OK(co_await net::Sleep(kLookAgain, ctx.cancel));
    STRATA_CO_CHECK_OK(ctx.CheckAlive());
  }
}

// LeadWithPhrases again, of what the reranker put in another order.
void KeepPhrasesFirst(std::vector<RetrievedChunk>& results,
                      const std::unordered_map<std::string, int>& held) {
  if (held.empty()) return;
  const auto held_by = [&](const RetrievedChunk& chunk) {
    const auto found = held.find(chunk.chunk_id);
    return found == held.end() ? 0 : found->second;
  };
  LeadWithPhrases(results, held_by);
}

}  // namespace

Task<Result<EmbeddedQuery>> Retriever::Embed(provider::Embedder& embedder,
                                             const RetrieveRequest& request, RequestContext& ctx) {
  STRATA_CO_CHECK_OK(Check(request));
  EmbeddedQuery query{.model = embedder.Info().id, .values = {}};
  if (!IsBlank(request.query) && request.mode != SearchMode::kLexical) {
    STRATA_CO_TRY(query.values, co_await EmbedQuery(embedder, request.query, ctx));
  }
  co_return query;
}

Task<Result<RetrieveResponse>> Retriever::Run(std::shared_ptr<OpenBase> base,
                                              const EmbeddedQuery& query, RetrieveRequest request,
                                              RequestContext& ctx) const {
  if (IsBlank(request.query)) co_return RetrieveResponse{};
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  const auto results = static_cast<std::size_t>(request.results);
  const auto& rerank = options_.rerank;
  const bool by_default = IsReranked(request, rerank);
  if (by_default) request.results = std::max(request.results, rerank.candidates);
  if (!request.dense_weight && IsForeign(request.query, query.model)) {
    request.dense_weight = std::min(options_.dense_weight, options_.dense_weight_foreign);
  }
  std::span<const float> vector;
  if (request.mode != SearchMode::kLexical) vector = query.values;
  STRATA_CO_TRY(auto found, co_await SearchWhenReady(pool_, *base, request, options_, vector, ctx));
  auto& out = found.response.results;
  if (request.rerank) {
    STRATA_CO_CHECK_OK(
        co_await RerankAsAsked(rerankers_, *request.rerank, request.query, out, ctx));
  } else if (by_default && !found.response.led_by_names) {
    // What the names graph found shares no words with the question: there is nothing to compare.
    STRATA_CO_CHECK_OK(co_await RerankByDefault(rerankers_, rerank, request.query, out, ctx));
    KeepPhrasesFirst(out, found.phrases_held);
  }
  if (by_default && out.size() > results) out.resize(results);
  co_return std::move(found.response);
}

}  // namespace strata::knowledge
