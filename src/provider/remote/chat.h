#pragma once
// ChatModel over any remote Api.

#include "provider/chat_model.h"
#include "provider/remote/call.h"

namespace strata::provider::remote {

class RemoteChatModel final : public ChatModel {
 public:
  RemoteChatModel(std::shared_ptr<const Account> account, domain::ModelInfo info)
      : account_(std::move(account)), info_(std::move(info)) {}

  Task<Result<std::unique_ptr<ChatStream>>> Start(domain::ChatRequest&& request,
                                                  RequestContext& ctx) override;
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request, RequestContext& ctx) override;
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  Task<Result<>> Fit(domain::ChatRequest& request, RequestContext& ctx);

  std::shared_ptr<const Account> account_;
  domain::ModelInfo info_;
};

}  // namespace strata::provider::remote
