#include "server/builtins.h"

#include <fmt/format.h>

#include "base/log.h"
#include "gateway/meter.h"
#include "gateway/metered_source.h"
#include "provider/remote.h"

namespace strata::server {
namespace {

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
  std::vector<provider::ListedModel> Models() const override { return {}; }
  bool Has(std::string_view) const override { return false; }
  provider::ProviderStatus Status() const override { return status_; }

 private:
  Error Problem() const { return Error(error_).Because(fmt::format("provider {}", name_)); }

  std::string name_;
  Error error_;
  provider::ProviderStatus status_;
};

Result<> AddOneLocal(provider::RegistrySnapshot& models, const BuiltinParts& parts,
                     const domain::ModelInfo& info, WallTime now) {
  if (info.can.chat) {
    STRATA_TRY(auto model, parts.local_models.Chat(info.id));
    return models.AddChat(gateway::Metered(std::move(model), parts.journal), now);
  }
  STRATA_TRY(auto embedder, parts.local_models.AnyEmbedder(info.id));
  return models.AddEmbedder(gateway::Metered(std::move(embedder), parts.journal), now);
}

}  // namespace

Result<> AddLocalModels(provider::RegistrySnapshot& models, const BuiltinParts& parts) {
  auto now = SystemClock().Wall();
  std::shared_ptr<provider::ChatModel> extract =
      knowledge::MakeExtractModel(parts.extractor, &parts.parser);
  STRATA_CHECK_OK(models.AddChat(gateway::Metered(std::move(extract), parts.journal), now));
  for (const auto& info : parts.local_models.List()) {
    auto added = AddOneLocal(models, parts, info, now);
    if (added.has_value()) continue;
    // One damaged model file must not keep the server from starting.
    Log(Level::kWarning, "server.model_left_out",
        {{"model", info.id}, {"reason", added.error().message()}});
  }
  return {};
}

Result<> AddProviders(provider::RegistrySnapshot& models, const Config& config,
                      const std::vector<provider::ProviderSpec>& detected,
                      std::shared_ptr<net::Client> client, store::Journal& journal) {
  std::vector<provider::ProviderSpec> specs = config.providers;
  for (const auto& spec : detected) {
    bool configured =
        std::any_of(specs.begin(), specs.end(), [&](const auto& s) { return s.name == spec.name; });
    if (!configured) specs.push_back(spec);
  }
  for (const auto& spec : specs) {
    provider::RemoteDeps deps{.client = client};
    auto source = provider::MakeRemoteProvider(spec, std::move(deps));
    if (source.has_value()) {
      STRATA_CHECK_OK(models.AddSource(gateway::MeteredSource(std::move(*source), journal)));
    } else {
      Log(Level::kWarning, "server.provider_unusable",
          {{"provider", spec.name}, {"reason", source.error().message()}});
      STRATA_CHECK_OK(models.AddSource(std::make_shared<BrokenProvider>(spec, source.error())));
    }
  }
  for (const auto& [alias, target] : config.aliases)
    STRATA_CHECK_OK(models.AddAlias(alias, target));
  return {};
}

}  // namespace strata::server
