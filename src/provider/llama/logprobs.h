#pragma once
// Log-probabilities of generated tokens: of the model's own distribution, before temperature,
// top-p and grammars, as OpenAI's API gives them.

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "domain/conversation.h"

struct llama_context;
struct llama_vocab;

namespace strata::provider::llama {

// Holds each token back until the first of its bytes is shown. Owned by the engine's thread.
class LogprobRelease {
 public:
  // `top`: alternatives that are given with each token.
  explicit LogprobRelease(int top) : top_(top) {}

  // Of the token sampled from the logits at `logits_at` of the last batch. O(vocabulary).
  domain::TokenLogprob Score(const llama_vocab& vocab, llama_context& context, int logits_at,
                             std::int32_t token) const;

  // `bytes`: of the token's text.
  void Push(domain::TokenLogprob token, std::size_t bytes);
  // Tokens that began before `shown_bytes` of the text.
  std::vector<domain::TokenLogprob> Take(std::size_t shown_bytes);

 private:
  int top_;
  std::size_t pushed_bytes_ = 0;
  std::deque<std::pair<std::size_t, domain::TokenLogprob>> held_;  // with the byte they begin at
};

}  // namespace strata::provider::llama
