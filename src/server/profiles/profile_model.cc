#include "server/profiles/profile_model.h"

namespace strata::server {
namespace {

constexpr std::string_view kSource = "application-inference-profile";

// What every call through a profile does first.
class Profile {
 public:
  Profile(const ProfileStore& profiles, std::string id) : profiles_(profiles), id_(std::move(id)) {}

  // kNotFound where the caller's workspace has no such profile.
  Result<> Enter(RequestContext& ctx) const {
    STRATA_TRY(auto profile, profiles_.Find(id_, ctx.workspace));
    ctx.span.Set("inference_profile", profile.name);
    // What the request itself says wins.
    for (const auto& [key, value] : profile.tags) ctx.tags.emplace(key, value);
    return {};
  }

 private:
  const ProfileStore& profiles_;
  const std::string id_;
};

class ProfileChat final : public provider::ChatModel {
 public:
  ProfileChat(Profile profile, std::shared_ptr<provider::ChatModel> model)
      : profile_(std::move(profile)), model_(std::move(model)) {}

  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request,
                                                            RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(profile_.Enter(ctx));
    co_return co_await model_->Start(std::move(request), ctx);
  }
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request,
                                         RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(profile_.Enter(ctx));
    co_return co_await model_->CountTokens(std::move(request), ctx);
  }
  const domain::ModelInfo& Info() const override { return model_->Info(); }

 private:
  const Profile profile_;
  const std::shared_ptr<provider::ChatModel> model_;
};

class ProfileEmbedder final : public provider::Embedder {
 public:
  ProfileEmbedder(Profile profile, std::shared_ptr<provider::Embedder> model)
      : profile_(std::move(profile)), model_(std::move(model)) {}

  Task<Result<provider::Embeddings>> Embed(std::vector<std::string> texts,
                                           provider::EmbedPurpose purpose,
                                           RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(profile_.Enter(ctx));
    co_return co_await model_->Embed(std::move(texts), purpose, ctx);
  }
  std::int64_t CountTokens(std::string_view text) const override {
    return model_->CountTokens(text);
  }
  std::int64_t tokens_max() const override { return model_->tokens_max(); }
  const domain::ModelInfo& Info() const override { return model_->Info(); }
  bool SpeaksOpenAi() const override { return model_->SpeaksOpenAi(); }

 private:
  const Profile profile_;
  const std::shared_ptr<provider::Embedder> model_;
};

class ProfileReranker final : public provider::Reranker {
 public:
  ProfileReranker(Profile profile, std::shared_ptr<provider::Reranker> model)
      : profile_(std::move(profile)), model_(std::move(model)) {}

  Task<Result<domain::Reranking>> Rerank(domain::RerankRequest request,
                                         RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(profile_.Enter(ctx));
    co_return co_await model_->Rerank(std::move(request), ctx);
  }
  const domain::ModelInfo& Info() const override { return model_->Info(); }

 private:
  const Profile profile_;
  const std::shared_ptr<provider::Reranker> model_;
};

class ProfileSource final : public provider::ModelSource {
 public:
  ProfileSource(const ProfileStore& profiles, const provider::Registry& registry)
      : profiles_(profiles), registry_(registry) {}

  const std::string& name() const override { return name_; }
  Result<std::shared_ptr<provider::ChatModel>> Chat(std::string_view rest) override {
    STRATA_TRY(auto profile, profiles_.Find(rest));
    STRATA_TRY(auto model, registry_.Chat(profile.model));
    return std::make_shared<ProfileChat>(Profile(profiles_, profile.id), std::move(model));
  }
  Result<std::shared_ptr<provider::Embedder>> Embed(std::string_view rest) override {
    STRATA_TRY(auto profile, profiles_.Find(rest));
    STRATA_TRY(auto model, registry_.Embed(profile.model));
    return std::make_shared<ProfileEmbedder>(Profile(profiles_, profile.id), std::move(model));
  }
  Result<std::shared_ptr<provider::Reranker>> Rerank(std::string_view rest) override {
    STRATA_TRY(auto profile, profiles_.Find(rest));
    STRATA_TRY(auto model, registry_.Rerank(profile.model));
    return std::make_shared<ProfileReranker>(Profile(profiles_, profile.id), std::move(model));
  }
  std::vector<provider::ListedModel> Models() const override { return {}; }
  bool Has(std::string_view) const override { return false; }
  provider::ProviderStatus Status() const override {
    provider::ProviderStatus status;
    status.name = name_;
    status.kind = name_;
    status.derived = true;
    return status;
  }

 private:
  const ProfileStore& profiles_;
  const provider::Registry& registry_;
  const std::string name_{kSource};
};

}  // namespace

std::shared_ptr<provider::ModelSource> MakeProfileSource(const ProfileStore& profiles,
                                                         const provider::Registry& registry) {
  return std::make_shared<ProfileSource>(profiles, registry);
}

}  // namespace strata::server
