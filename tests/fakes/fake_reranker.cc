#include "tests/fakes/fake_reranker.h"

#include <set>
#include <sstream>

namespace strata::fakes {
namespace {

std::set<std::string> Words(const std::string& text) {
  std::istringstream in(text);
  std::set<std::string> words;
  for (std::string word; in >> word;) words.insert(word);
  return words;
}

}  // namespace

FakeReranker::FakeReranker(std::string id) {
  info_.id = std::move(id);
  info_.provider = "fake";
  info_.upstream_id = info_.id;
  info_.can.rerank = true;
  info_.region = "local";
  info_.cleared_for_all_labels = true;
}

Task<Result<domain::Reranking>> FakeReranker::Rerank(domain::RerankRequest request,
                                                     RequestContext& ctx) {
  ++calls_;
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  domain::Reranking out;
  const auto wanted = Words(request.query);
  std::vector<double> scores;
  for (const auto& document : request.documents) {
    const auto words = Words(document);
    double found = 0;
    for (const auto& word : wanted) found += words.contains(word) ? 1 : 0;
    scores.push_back(wanted.empty() ? 0 : found / static_cast<double>(wanted.size()));
    out.input_tokens += static_cast<std::int64_t>(wanted.size() + words.size());
  }
  out.ranked = provider::RankByScore(scores, request.top_n);
  co_return out;
}

}  // namespace strata::fakes
