#pragma once
// A deterministic Reranker: the share of the query's words that a document holds.

#include <atomic>
#include <string>

#include "provider/reranker.h"

namespace strata::fakes {

// Thread-safe.
class FakeReranker final : public provider::Reranker {
 public:
  explicit FakeReranker(std::string id = "fake-rerank");

  int calls() const { return calls_; }

  Task<Result<domain::Reranking>> Rerank(domain::RerankRequest request,
                                         RequestContext& ctx) override;
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  domain::ModelInfo info_;
  std::atomic<int> calls_{0};
};

}  // namespace strata::fakes
