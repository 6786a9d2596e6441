#include "knowledge/answer/align.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <utility>

#include "base/log.h"
#include "knowledge/answer/claim_clauses.h"
#include "knowledge/answer/score_pool.h"
#include "knowledge/answer/select_sentences.h"
#include "knowledge/answer/table_rows.h"
#include "knowledge/answer/tokens.h"

namespace strata::knowledge {
namespace {

// Cover of all candidates together below which vectors cannot help.
constexpr double kHopeless = 0.15;

// The sentence as it is embedded; of a table's row also each cell that says something by itself.
std::vector<std::string> EmbeddedTexts(const SentencePool& pool, std::size_t index,
                                       const std::vector<SourcePassage>& passages) {
  constexpr std::size_t kCellWordsMin = 4;
  constexpr std::size_t kCellsMax = 4;
  const auto& sentence = pool.sentences[index];
  std::vector<std::string> texts = {EmbeddedText(pool, index, passages)};
  if (sentence.label.empty()) return texts;
  const auto [begin, end] = sentence.span;
  for (auto& cell : TableCells(passages[sentence.passage].text.substr(begin, end - begin))) {
    if (texts.size() > kCellsMax) break;
    if (Tokens(cell, kCellWordsMin).size() == kCellWordsMin) texts.push_back(std::move(cell));
  }
  return texts;
}

// "Neither pump may …", "both leases": of several things, each of which has a place of its own.
bool IsOfSeveral(std::string_view claim) {
  constexpr std::size_t kFirst = 2;
  constexpr auto kSeveral = std::to_array<std::string_view>(
      {"both", "neither", "either", "each", "all", "beide", "keiner", "keine", "jede", "jeder"});
  return std::ranges::any_of(Tokens(claim, kFirst),
                             [&](const Token& token) { return IsOneOf(token.lower, kSeveral); });
}

}  // namespace

Aligner::Aligner(std::string question, std::vector<SourcePassage> passages,
                 std::shared_ptr<provider::Embedder> embedder)
    : question_(std::move(question)),
      sources_(std::move(passages)),
      embedder_(std::move(embedder)) {}

// Vectors of the claims and their candidates, where words alone do not decide.
Task<Result<>> Aligner::AddVectors(std::vector<Claim>& claims, RequestContext& ctx) {
  if (!embedder_) co_return Result<>{};
  std::vector<Claim*> open;
  std::vector<std::string> texts;
  std::vector<std::size_t> missing;
  for (auto& claim : claims) {
    if (claim.candidates.empty() || SupportOf(claim).Cover(claim.candidates) < kHopeless) continue;
    open.push_back(&claim);
    texts.push_back(claim.text);
  }
  if (open.empty()) co_return Result<>{};
  for (const auto* claim : open) {
    for (const std::size_t i : claim->candidates) {
      if (vectors_.contains(i)) continue;
      vectors_[i];
      for (auto& text : EmbeddedTexts(claim->pool, i, sources_.passages())) {
        missing.push_back(i);
        texts.push_back(std::move(text));
      }
    }
  }
  const auto count = texts.size();
  auto rows = co_await embedder_->Embed(std::move(texts), provider::EmbedPurpose::kDocument, ctx);
  const bool done = rows.has_value() && rows->count() == count;
  if (!done) {
    for (const std::size_t i : missing) vectors_.erase(i);
  }
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  if (!done) {
    Log(Level::kWarning, "align.embed_failed",
        {{"error", rows.has_value() ? "wrong shape" : rows.error().words().own()}});
    co_return Result<>{};
  }
  const auto vector = [&](std::size_t row) {
    return std::vector<float>(rows->row(row).begin(), rows->row(row).end());
  };
  for (std::size_t i = 0; i < open.size(); ++i) open[i]->vector = vector(i);
  for (std::size_t i = 0; i < missing.size(); ++i) {
    vectors_[missing[i]].push_back(vector(open.size() + i));
  }
  co_return Result<>{};
}

// What supports the sentence: places that support it as a whole, and for each clause that these do
// not support its own. Without the former every clause must have its own.
ClaimSupport::Places Aligner::PlacesOf(const std::vector<Claim>& claims) const {
  const auto sentence = SupportOf(claims.front());
  auto places = sentence.Choose();
  const bool whole = claims.front().is_whole && sentence.Supports(places);
  if (!whole) places.clear();
  if (whole && IsOfSeveral(claims.front().text)) sentence.AddOtherDocuments(places);
  for (const auto& clause : claims | std::views::drop(1)) {
    const auto support = SupportOf(clause);
    if (support.Supports(places)) continue;
    const auto own = support.Choose();
    if (!support.Supports(own)) {
      if (whole) continue;
      return {};
    }
    for (const std::size_t i : own) {
      if (places.size() < kClaimPlacesMax && std::ranges::find(places, i) == places.end()) {
        places.push_back(i);
      }
    }
  }
  return places;
}

std::vector<domain::Citation> Aligner::Cite(const std::vector<Claim>& claims) const {
  std::vector<domain::Citation> citations;
  for (const std::size_t i : PlacesOf(claims)) {
    const auto& source = claims.front().pool.sentences[i];
    citations.push_back(CiteSpan(sources_.passages()[source.passage], source.span));
  }
  return citations;
}

// The sentence, and behind it its clauses when it has several, long ones in pieces.
std::vector<Claim> Aligner::ReadClaims(std::string sentence) {
  std::vector<Claim> claims;
  sentence = WithoutMarks(sentence);
  const auto claim = ClaimOf(sentence);
  const auto marks = sentence.substr(0, sentence.size() - claim.size());
  claims.push_back(ReadClaim(claim, previous_ + "\n" + marks + "\n" + question_, sources_));
  std::vector<std::string> parts;
  for (const auto clause : ClausesOf(claim)) {
    for (const auto piece : PiecesOf(clause)) parts.emplace_back(piece);
  }
  if (parts.size() > 1) {
    const auto context = previous_ + "\n" + sentence + "\n" + question_;
    for (const auto& part : parts) claims.push_back(ReadClaim(part, context, sources_));
  }
  previous_ = std::move(sentence);
  return claims;
}

Task<Result<std::vector<domain::Citation>>> Aligner::Align(std::string sentence,
                                                           RequestContext& ctx) {
  auto claims = ReadClaims(std::move(sentence));
  STRATA_CO_CHECK_OK(co_await AddVectors(claims, ctx));
  co_return Cite(claims);
}

std::vector<domain::Citation> Aligner::AlignByWords(std::string sentence) {
  return Cite(ReadClaims(std::move(sentence)));
}

}  // namespace strata::knowledge
