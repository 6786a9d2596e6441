#include "gateway/metered_source.h"

#include "gateway/meter.h"

namespace strata::gateway {
namespace {

class Source final : public provider::ModelSource {
 public:
  Source(std::shared_ptr<provider::ModelSource> inner, store::Journal& journal)
      : inner_(std::move(inner)), journal_(journal) {}

  const std::string& name() const override { return inner_->name(); }
  Result<std::shared_ptr<provider::ChatModel>> Chat(std::string_view rest) override {
    STRATA_TRY(auto model, inner_->Chat(rest));
    return Metered(std::move(model), journal_);
  }
  Result<std::shared_ptr<provider::Embedder>> Embed(std::string_view rest) override {
    STRATA_TRY(auto embedder, inner_->Embed(rest));
    return Metered(std::move(embedder), journal_);
  }
  Result<std::shared_ptr<provider::Reranker>> Rerank(std::string_view rest) override {
    STRATA_TRY(auto reranker, inner_->Rerank(rest));
    return Metered(std::move(reranker), journal_);
  }
  Result<std::shared_ptr<provider::Moderator>> Moderate(std::string_view rest) override {
    STRATA_TRY(auto moderator, inner_->Moderate(rest));
    return Metered(std::move(moderator), journal_);
  }
  std::vector<provider::ListedModel> Models() const override { return inner_->Models(); }
  bool Has(std::string_view bare) const override { return inner_->Has(bare); }
  provider::ProviderStatus Status() const override { return inner_->Status(); }

 private:
  std::shared_ptr<provider::ModelSource> inner_;
  store::Journal& journal_;
};

}  // namespace

std::shared_ptr<provider::ModelSource> MeteredSource(std::shared_ptr<provider::ModelSource> source,
                                                     store::Journal& journal) {
  return std::make_shared<Source>(std::move(source), journal);
}

}  // namespace strata::gateway
