#include "provider/llama/logprobs.h"

#include <llama.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "base/utf8.h"
#include "provider/llama/backend.h"

namespace strata::provider::llama {
namespace {

// log Σ exp(logit), without overflow.
double LogSum(std::span<const float> logits) {
  const double top = *std::ranges::max_element(logits);
  double sum = 0;
  for (float logit : logits) sum += std::exp(static_cast<double>(logit) - top);
  return top + std::log(sum);
}

domain::TokenLogprob Describe(const llama_vocab& vocab, std::int32_t token, double logprob) {
  auto bytes = TokenText(vocab, token);
  if (bytes.empty()) bytes = llama_vocab_get_text(&vocab, token);  // a control token
  return {.token = ReplaceInvalidUtf8(bytes), .bytes = bytes, .logprob = logprob};
}

}  // namespace

domain::TokenLogprob LogprobRelease::Score(const llama_vocab& vocab, llama_context& context,
                                           int logits_at, std::int32_t token) const {
  const auto size = static_cast<std::size_t>(llama_vocab_n_tokens(&vocab));
  const std::span logits(llama_get_logits_ith(&context, logits_at), size);
  const double sum = LogSum(logits);
  auto logprob = [&](std::int32_t id) {
    return static_cast<double>(logits[static_cast<std::size_t>(id)]) - sum;
  };
  auto out = Describe(vocab, token, logprob(token));
  if (top_ <= 0) return out;
  std::vector<std::int32_t> ids(size);
  std::iota(ids.begin(), ids.end(), 0);
  const auto count = std::min<std::size_t>(static_cast<std::size_t>(top_), size);
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count), ids.end(),
                    [&](std::int32_t a, std::int32_t b) { return logprob(a) > logprob(b); });
  for (std::size_t i = 0; i < count; ++i) {
    out.top.push_back(Describe(vocab, ids[i], logprob(ids[i])));
  }
  return out;
}

void LogprobRelease::Push(domain::TokenLogprob token, std::size_t bytes) {
  held_.emplace_back(pushed_bytes_, std::move(token));
  pushed_bytes_ += bytes;
}

std::vector<domain::TokenLogprob> LogprobRelease::Take(std::size_t shown_bytes) {
  std::vector<domain::TokenLogprob> out;
  while (!held_.empty() && held_.front().first < shown_bytes) {
    out.push_back(std::move(held_.front().second));
    held_.pop_front();
  }
  return out;
}

}  // namespace strata::provider::llama
