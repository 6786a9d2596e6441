// Late interaction: query and document are embedded token by token, and a document scores the mean,
// over the query's tokens, of the cosine of the nearest document token (MaxSim). Khattab and
// Zaharia, "ColBERT", SIGIR 2020, sum instead of taking the mean, and train for it; MiniLM was not
// trained for it, so this orders better than one vector a document and worse than a cross-encoder.

#include <algorithm>
#include <span>

#include "base/pool.h"
#include "provider/catalog.h"
#include "provider/local_models.h"
#include "vector/kernels.h"

namespace strata::provider {
namespace {

// Tokens read of a document when the caller says nothing: Cohere's default.
constexpr std::int64_t kTokensPerDocument = 4096;
constexpr std::int64_t kSpecialTokens = 2;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// Unit vectors of a text's tokens, without the special ones at both ends.
struct TokenRows {
  std::size_t width = 0;
  std::vector<float> values;
  std::size_t count() const { return width == 0 ? 0 : values.size() / width; }
  std::span<const float> row(std::size_t i) const {
    return std::span(values).subspan(i * width, width);
  }
};

TokenRows UnitRows(const TokenEmbeddings& tokens) {
  TokenRows out;
  out.width = static_cast<std::size_t>(tokens.dimensions);
  const auto all = tokens.token_ids.size();
  for (std::size_t i = 1; i + 1 < all; ++i) {
    auto row = std::span(tokens.values).subspan(i * out.width, out.width);
    out.values.insert(out.values.end(), row.begin(), row.end());
    vector::Normalize(std::span(out.values).last(out.width));
  }
  return out;
}

// Raises best[i] to the similarity of query token i and the nearest token of `window`.
void RaiseBest(const TokenRows& query, const TokenRows& window, std::vector<double>& best) {
  for (std::size_t i = 0; i < query.count(); ++i) {
    for (std::size_t j = 0; j < window.count(); ++j) {
      const double cosine = vector::Dot(query.row(i), window.row(j));
      best[i] = std::max(best[i], cosine);
    }
  }
}

class LateInteraction final : public Reranker {
 public:
  explicit LateInteraction(EmbedderLoader load) : load_(std::move(load)), pool_("rerank", 1, 1024) {
    info_.id = kBuiltinReranker;
    info_.provider = "builtin";
    info_.upstream_id = kBuiltinReranker;
    info_.family = "minilm";
    info_.display_name = "Late interaction over all-MiniLM-L6-v2";
    info_.can.rerank = true;
    info_.can.streaming = false;
    info_.region = "local";
    info_.cleared_for_all_labels = true;
    info_.price = LocalPrice();
  }

  Task<Result<domain::Reranking>> Rerank(domain::RerankRequest request,
                                         RequestContext& ctx) override {
    domain::Reranking out;
    auto loading = [this] { return load_(); };
    STRATA_CO_TRY(auto embedder, co_await RunBlocking(pool_, std::move(loading)));
    STRATA_CO_TRY(auto query, co_await Embed(*embedder, request.query, ctx));
    if (query.count() == 0) co_return Fail(InvalidArgument("query", "holds no words"));
    const auto tokens_max =
        request.max_tokens_per_doc > 0 ? request.max_tokens_per_doc : kTokensPerDocument;
    out.input_tokens = static_cast<std::int64_t>(query.count());
    std::vector<double> scores;
    for (const auto& document : request.documents) {
      STRATA_CO_TRY(auto score, co_await Score(*embedder, query, document, tokens_max, out, ctx));
      scores.push_back(score);
    }
    out.ranked = RankByScore(scores, request.top_n);
    co_return out;
  }

  const domain::ModelInfo& Info() const override { return info_; }

 private:
  static Task<Result<TokenRows>> Embed(LocalEmbedder& embedder, std::string text,
                                       RequestContext& ctx) {
    STRATA_CO_TRY(auto tokens, co_await embedder.EmbedTokens(std::move(text), ctx));
    co_return UnitRows(tokens);
  }

  // The next piece of `rest` that the model sees whole, cut between words.
  static std::string TakeWindow(const LocalEmbedder& embedder, std::string_view& rest,
                                std::int64_t tokens_max, std::int64_t& taken) {
    std::size_t end = 0;
    std::int64_t tokens = 0;
    while (end < rest.size()) {
      auto next = end;
      while (next < rest.size() && IsSpace(rest[next])) ++next;
      while (next < rest.size() && !IsSpace(rest[next])) ++next;
      // Word pieces never cross a space, so counts add up.
      const auto more = embedder.CountTokens(rest.substr(end, next - end));
      if (end > 0 && tokens + more > tokens_max) break;
      tokens += more;
      end = next;
    }
    std::string window(rest.substr(0, end));
    rest.remove_prefix(end);
    taken = std::min(tokens, tokens_max);
    return window;
  }

  Task<Result<double>> Score(LocalEmbedder& embedder, const TokenRows& query,
                             std::string_view document, std::int64_t tokens_max,
                             domain::Reranking& out, RequestContext& ctx) {
    std::vector<double> best(query.count(), 0);  // unlike is no worse than absent
    auto left = tokens_max;
    auto rest = document;
    while (!rest.empty() && left > 0) {
      STRATA_CO_CHECK_OK(ctx.CheckAlive());
      std::int64_t taken = 0;
      auto window =
          TakeWindow(embedder, rest, std::min(left, embedder.tokens_max() - kSpecialTokens), taken);
      left -= std::max<std::int64_t>(taken, 1);
      out.input_tokens += taken;
      STRATA_CO_TRY(auto rows, co_await Embed(embedder, std::move(window), ctx));
      auto work = [&]() -> Result<> {
        RaiseBest(query, rows, best);
        return {};
      };
      STRATA_CO_CHECK_OK(co_await RunBlocking(pool_, std::move(work)));
    }
    if (std::ranges::any_of(rest, [](char c) { return !IsSpace(c); })) ++out.truncated;
    double sum = 0;
    for (double similarity : best) sum += similarity;
    co_return sum / static_cast<double>(best.size());
  }

  EmbedderLoader load_;
  domain::ModelInfo info_;
  Pool pool_;
};

}  // namespace

std::shared_ptr<Reranker> MakeLateInteraction(EmbedderLoader load) {
  return std::make_shared<LateInteraction>(std::move(load));
}

}  // namespace strata::provider
