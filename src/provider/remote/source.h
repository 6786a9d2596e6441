#pragma once
// One configured provider as a source of models: makes a model object the first time an id is
// asked for, and keeps it.

#include <map>
#include <mutex>

#include "provider/remote.h"
#include "provider/remote/call.h"

namespace strata::provider::remote {

class RemoteSource final : public ModelSource {
 public:
  RemoteSource(std::shared_ptr<const Account> account, std::size_t models_cached_max);

  const std::string& name() const override { return account_->spec.name; }
  Result<std::shared_ptr<ChatModel>> Chat(std::string_view rest) override;
  Result<std::shared_ptr<Embedder>> Embed(std::string_view rest) override;
  Result<std::shared_ptr<Reranker>> Rerank(std::string_view rest) override;
  Result<std::shared_ptr<Moderator>> Moderate(std::string_view rest) override;
  std::vector<ListedModel> Models() const override;
  bool Has(std::string_view bare) const override;
  ProviderStatus Status() const override;

 private:
  std::shared_ptr<const Account> account_;
  std::size_t cached_max_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<ChatModel>, std::less<>> chats_;
  std::map<std::string, std::shared_ptr<Embedder>, std::less<>> embedders_;
};

// Reads its secret. Errors: what is missing or cannot be read.
Result<std::shared_ptr<const Account>> MakeAccount(ProviderSpec spec, RemoteDeps deps);

// What is known of `upstream_id` before it is called: names, what its API can carry (the provider
// refuses what this model cannot), catalog facts.
domain::ModelInfo InfoOf(const Account& account, std::string_view upstream_id);

// By its name, as no API says it: "text-embedding-3-small", "bge-m3", …
bool IsEmbeddingId(std::string_view upstream_id);
bool IsRerankId(std::string_view upstream_id);
bool IsModerationId(std::string_view upstream_id);

}  // namespace strata::provider::remote
