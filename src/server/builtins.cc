#include "server/builtins.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "gateway/meter.h"
#include "gateway/metered_source.h"
#include "knowledge/document_text.h"

namespace strata::server {
namespace {

// 0: not known.
std::int64_t SmallerContext(std::int64_t a, std::int64_t b) {
  return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b);
}

// Listed in place of a provider that could not be made.
class BrokenProvider final : public provider::ModelSource {
 public:
  BrokenProvider(const provider::ProviderSpec& spec, const Error& error)
      : name_(spec.name), error_(error) {
    status_.name = spec.name;
    status_.kind = provider::KindName(spec.kind);
    status_.base_url = spec.base_url;
    status_.detected_by = spec.detected_by;
    status_.problem = error.message();
  }

  const std::string& name() const override { return name_; }
  Result<std::shared_ptr<provider::ChatModel>> Chat(std::string_view) override {
    return Fail(Problem());
  }
  Result<std::shared_ptr<provider::Embedder>> Embed(std::string_view) override {
    return Fail(Problem());
  }
  Result<std::shared_ptr<provider::Reranker>> Rerank(std::string_view) override {
    return Fail(Problem());
  }
  Result<std::shared_ptr<provider::Moderator>> Moderate(std::string_view) override {
    return Fail(Problem());
  }
  std::vector<provider::ListedModel> Models() const override { return {}; }
  bool Has(std::string_view) const override { return false; }
  provider::ProviderStatus Status() const override { return status_; }

 private:
  // Nothing that a caller sends or waits for changes it: an error that no client tries again.
  Error Problem() const {
    auto message = fmt::format("provider {} is not set up: {}", name_, error_.message());
    return Error(Code::kPermissionDenied, std::move(message)).AtField("model");
  }

  std::string name_;
  Error error_;
  provider::ProviderStatus status_;
};

}  // namespace

Result<> AddImportedModel(provider::RegistrySnapshot& models, const ImportedParts& parts,
                          const std::string& id) {
  auto now = SystemClock().Wall();
  if (auto chat = parts.local_models.Chat(id); chat.has_value()) {
    // The meter sees what the model does: documents as their text.
    auto metered = gateway::Metered(std::move(*chat), parts.journal);
    return models.AddChat(knowledge::WithDocumentText(std::move(metered), parts.parser), now);
  }
  STRATA_TRY(auto embedder, parts.local_models.AnyEmbedder(id));
  return models.AddEmbedder(gateway::Metered(std::move(embedder), parts.journal), now);
}

Result<> AddLocalModels(provider::RegistrySnapshot& models, const BuiltinParts& parts) {
  auto& local_models = parts.imported.local_models;
  auto& journal = parts.imported.journal;
  auto now = SystemClock().Wall();
  std::shared_ptr<provider::ChatModel> extract =
      knowledge::MakeExtractModel(parts.extractor, &parts.imported.parser);
  STRATA_CHECK_OK(models.AddChat(gateway::Metered(std::move(extract), journal), now));
  auto reranker = provider::MakeLateInteraction(
      [&local_models] { return local_models.TransformerEmbedder(provider::kBuiltinEmbedder); });
  STRATA_CHECK_OK(models.AddReranker(gateway::Metered(std::move(reranker), journal), now));
  for (const auto& info : local_models.List()) {
    auto added = AddImportedModel(models, parts.imported, info.id);
    if (added.has_value()) continue;
    // One damaged model file must not keep the server from starting.
    Log(Level::kWarning, "server.model_left_out",
        {{"model", info.id}, {"reason", added.error().message()}});
  }
  return {};
}

provider::RemoteDeps RemoteDepsFrom(const Options& options, std::shared_ptr<net::Client> client) {
  provider::RemoteDeps deps;
  deps.client = std::move(client);
  deps.answer_bytes_max = static_cast<std::size_t>(options.Integer("provider.answer_bytes_max"));
  deps.stream_idle = std::chrono::milliseconds(options.Integer("provider.stream_idle_ms"));
  deps.models_cached_max = static_cast<std::size_t>(options.Integer("provider.models_cached_max"));
  return deps;
}

Result<> AddOneProvider(provider::RegistrySnapshot& models, const provider::ProviderSpec& spec,
                        provider::RemoteDeps deps, store::Journal& journal,
                        gateway::Resilience& resilience) {
  auto source = provider::MakeRemoteProvider(spec, std::move(deps));
  if (source.has_value())
    return models.AddSource(resilience.Wrap(gateway::MeteredSource(std::move(*source), journal)));
  Log(Level::kWarning, "server.provider_unusable",
      {{"provider", spec.name}, {"reason", source.error().message()}});
  return models.AddSource(std::make_shared<BrokenProvider>(spec, source.error()));
}

Result<> AddConfiguredModel(provider::RegistrySnapshot& models, const gateway::PoolSpec& spec,
                            const provider::Registry& registry, gateway::Resilience& resilience) {
  domain::ModelInfo facts;
  facts.can.chat = true;
  bool any = false;
  for (const auto& deployment : spec.deployments) {
    auto known = models.Describe(deployment.model);
    if (!known.has_value()) continue;
    // What fits one must fit every other that may be asked.
    const auto context = SmallerContext(facts.context_tokens, known->info.context_tokens);
    if (!any) facts = std::move(known->info);
    any = true;
    facts.context_tokens = context;
  }
  facts.id = spec.id;
  facts.provider = "models";
  facts.upstream_id = "";
  facts.price = {};  // each call has the price of the deployment that answered
  gateway::ModelFinder finder{
      .chat = [&registry](std::string_view id) { return registry.Chat(id); },
      .embed = [&registry](std::string_view id) { return registry.Embed(id); },
      .rerank = [&registry](std::string_view id) { return registry.Rerank(id); },
      .moderate = [&registry](std::string_view id) { return registry.Moderate(id); }};
  auto now = SystemClock().Wall();
  const auto can = facts.can;
  if (can.embed && !can.chat) {
    return models.AddEmbedder(resilience.MakeEmbedder(spec, std::move(finder), std::move(facts)),
                              now);
  }
  if (can.rerank && !can.chat) {
    return models.AddReranker(resilience.MakeReranker(spec, std::move(finder), std::move(facts)),
                              now);
  }
  // What moderates has no ability that ModelInfo names.
  if (!can.chat) {
    return models.AddModerator(resilience.MakeModerator(spec, std::move(finder), std::move(facts)),
                               now);
  }
  return models.AddChat(resilience.MakeChat(spec, std::move(finder), std::move(facts)), now);
}

Result<> SwapSystemPools(provider::RegistrySnapshot& models,
                         const std::vector<gateway::PoolSpec>& before,
                         const std::vector<gateway::PoolSpec>& after,
                         const provider::Registry& registry, gateway::Resilience& resilience) {
  for (const auto& pool : before) models.RemoveModel(pool.id);
  for (const auto& pool : after) {
    auto added = AddConfiguredModel(models, pool, registry, resilience);
    if (!added.has_value() && added.error().code() != Code::kConflict) return added;
  }
  return {};
}

}  // namespace strata::server
