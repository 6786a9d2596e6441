#include "provider/lazy_models.h"

#include <mutex>
#include <utility>

namespace strata::provider {
namespace {

// The model once it is there. Thread-safe.
template <class Model>
class Loaded {
 public:
  using Load = std::function<Result<std::shared_ptr<Model>>()>;

  Loaded(Pool& pool, Load load) : pool_(pool), load_(std::move(load)) {}

  std::shared_ptr<Model> Peek() const {
    std::lock_guard lock(mutex_);
    return model_;
  }
  Result<std::shared_ptr<Model>> GetBlocking() {
    if (auto model = Peek()) return model;
    STRATA_TRY(auto model, load_());
    std::lock_guard lock(mutex_);
    model_ = model;
    return model;
  }
  Task<Result<std::shared_ptr<Model>>> Get() {
    if (auto model = Peek()) co_return model;
    auto work = [this] { return GetBlocking(); };
    co_return co_await RunBlocking(pool_, std::move(work));
  }

 private:
  Pool& pool_;
  const Load load_;
  mutable std::mutex mutex_;
  std::shared_ptr<Model> model_;
};

class LazyChat final : public ChatModel {
 public:
  LazyChat(domain::ModelInfo info, Pool& pool, Loaded<ChatModel>::Load load)
      : info_(std::move(info)), model_(pool, std::move(load)) {}

  Task<Result<std::unique_ptr<ChatStream>>> Start(domain::ChatRequest&& request,
                                                  RequestContext& ctx) override {
    STRATA_CO_TRY(auto model, co_await model_.Get());
    co_return co_await model->Start(std::move(request), ctx);
  }
  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request,
                                         RequestContext& ctx) override {
    STRATA_CO_TRY(auto model, co_await model_.Get());
    co_return co_await model->CountTokens(std::move(request), ctx);
  }
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  const domain::ModelInfo info_;
  Loaded<ChatModel> model_;
};

class LazyEmbed final : public Embedder {
 public:
  LazyEmbed(domain::ModelInfo info, Pool& pool, Loaded<Embedder>::Load load)
      : info_(std::move(info)), model_(pool, std::move(load)) {}

  Task<Result<Embeddings>> Embed(std::vector<std::string> texts, EmbedPurpose purpose,
                                 RequestContext& ctx) override {
    STRATA_CO_TRY(auto model, co_await model_.Get());
    co_return co_await model->Embed(std::move(texts), purpose, ctx);
  }
  std::int64_t CountTokens(std::string_view text) const override {
    auto model = model_.GetBlocking();
    constexpr std::int64_t kBytesAToken = 4;
    return model ? (*model)->CountTokens(text)
                 : static_cast<std::int64_t>(text.size()) / kBytesAToken + 1;
  }
  // A model without a limit says so with a large number, and none in its info.
  std::int64_t tokens_max() const override {
    constexpr std::int64_t kNoLimit = std::int64_t{1} << 30;
    return info_.context_tokens > 0 ? info_.context_tokens : kNoLimit;
  }
  const domain::ModelInfo& Info() const override { return info_; }

 private:
  const domain::ModelInfo info_;
  mutable Loaded<Embedder> model_;  // thread-safe
};

}  // namespace

std::shared_ptr<ChatModel> LazyChatModel(domain::ModelInfo info, Pool& pool,
                                         std::function<Result<std::shared_ptr<ChatModel>>()> load) {
  return std::make_shared<LazyChat>(std::move(info), pool, std::move(load));
}

std::shared_ptr<Embedder> LazyEmbedder(domain::ModelInfo info, Pool& pool,
                                       std::function<Result<std::shared_ptr<Embedder>>()> load) {
  return std::make_shared<LazyEmbed>(std::move(info), pool, std::move(load));
}

}  // namespace strata::provider
