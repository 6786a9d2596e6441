#include "provider/reranker.h"

#include <algorithm>

namespace strata::provider {

std::vector<domain::RankedDocument> RankByScore(const std::vector<double>& scores,
                                                std::size_t top_n) {
  std::vector<domain::RankedDocument> out;
  out.reserve(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) out.push_back({.index = i, .score = scores[i]});
  std::ranges::sort(out, [](const domain::RankedDocument& a, const domain::RankedDocument& b) {
    return a.score != b.score ? a.score > b.score : a.index < b.index;
  });
  if (top_n > 0 && out.size() > top_n) out.resize(top_n);
  return out;
}

}  // namespace strata::provider
