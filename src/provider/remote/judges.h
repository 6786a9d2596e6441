#pragma once
// Reranker and Moderator over any remote Api that has them: one call in, one answer out.

#include "provider/moderator.h"
#include "provider/remote/call.h"
#include "provider/reranker.h"

namespace strata::provider::remote {

class RemoteReranker final : public Reranker {
 public:
  RemoteReranker(std::shared_ptr<const Account> account, domain::ModelInfo info)
      : account_(std::move(account)), info_(std::move(info)) {}

  Task<Result<domain::Reranking>> Rerank(domain::RerankRequest request,
                                         RequestContext& ctx) override;
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  std::shared_ptr<const Account> account_;
  domain::ModelInfo info_;
};

class RemoteModerator final : public Moderator {
 public:
  RemoteModerator(std::shared_ptr<const Account> account, domain::ModelInfo info)
      : account_(std::move(account)), info_(std::move(info)) {}

  Task<Result<domain::Moderation>> Moderate(domain::ModerationRequest request,
                                            RequestContext& ctx) override;
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  std::shared_ptr<const Account> account_;
  domain::ModelInfo info_;
};

}  // namespace strata::provider::remote
