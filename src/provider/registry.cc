#include "provider/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/options.h"

namespace strata::provider {
namespace {

constexpr int kAliasStepsMax = 8;
constexpr std::size_t kIdBytesMax = 2048;  // Bedrock's own limit of a model identifier

// Geographies of cross-region inference profiles; "us.anthropic.claude-…" is a profile's id.
constexpr std::array<std::string_view, 9> kGeographies = {"us.", "eu.", "apac.",   "us-gov.", "jp.",
                                                          "au.", "ca.", "global.", "sa."};

// The resource part of arn:PARTITION:bedrock:REGION:ACCOUNT:RESOURCE; empty for anything else.
std::string_view BedrockResource(std::string_view arn) {
  if (!arn.starts_with("arn:")) return {};
  std::size_t at = 0;
  for (int colon = 0; colon < 5; ++colon) {
    at = arn.find(':', at);
    if (at == std::string_view::npos) return {};
    ++at;
    if (colon == 1 && !arn.substr(at).starts_with("bedrock:")) return {};
  }
  return arn.substr(at);
}

// Ids are short in messages, whatever a caller sent.
std::string Shown(std::string_view id) {
  return id.size() <= 128 ? std::string(id) : std::string(id.substr(0, 128)) + "…";
}

}  // namespace

std::vector<std::string> BedrockSpellings(std::string_view id) {
  std::vector<std::string> out;
  auto resource = BedrockResource(id);
  if (!resource.empty()) {
    auto slash = resource.find('/');
    auto type = resource.substr(0, slash);
    if (slash == std::string_view::npos ||
        (type != "foundation-model" && type != "inference-profile")) {
      return out;
    }
    id = resource.substr(slash + 1);
    out.emplace_back(id);
  }
  for (auto geography : kGeographies) {
    if (id.starts_with(geography)) out.emplace_back(id.substr(geography.size()));
  }
  return out;
}

Result<> RegistrySnapshot::AddChat(std::shared_ptr<ChatModel> model, WallTime created) {
  const std::string& id = model->Info().id;
  auto& entry = models_[id];
  if (entry.model.chat != nullptr || aliases_.contains(id)) {
    return Fail(Code::kConflict, fmt::format("model id '{}' is taken", id));
  }
  entry.model.chat = std::move(model);
  entry.created = created;
  return {};
}

Result<> RegistrySnapshot::AddEmbedder(std::shared_ptr<Embedder> embedder, WallTime created) {
  const std::string& id = embedder->Info().id;
  auto& entry = models_[id];
  if (entry.model.embedder != nullptr || aliases_.contains(id)) {
    return Fail(Code::kConflict, fmt::format("model id '{}' is taken", id));
  }
  entry.model.embedder = std::move(embedder);
  entry.created = created;
  return {};
}

Result<> RegistrySnapshot::AddSource(std::shared_ptr<ModelSource> source) {
  if (sources_.contains(source->name())) {
    return Fail(Code::kConflict, fmt::format("provider '{}' exists already", source->name()));
  }
  std::string name = source->name();
  sources_.emplace(std::move(name), std::move(source));
  return {};
}

Result<> RegistrySnapshot::AddAlias(std::string alias, std::string target) {
  if (alias.empty() || target.empty()) {
    return Fail(InvalidArgument("alias", "an alias and its model id must not be empty"));
  }
  if (models_.contains(alias)) {
    return Fail(Code::kConflict,
                fmt::format("'{}' is a model id, so it cannot be an alias", alias));
  }
  std::string_view at = target;
  for (int step = 0; step <= kAliasStepsMax; ++step) {
    auto next = aliases_.find(at);
    if (at == alias || (next != aliases_.end() && step == kAliasStepsMax)) {
      return Fail(InvalidArgument(
          "alias", fmt::format("'{}' → '{}' closes a circle or a chain of more than {}", alias,
                               target, kAliasStepsMax)));
    }
    if (next == aliases_.end()) break;
    at = next->second;
  }
  aliases_.insert_or_assign(std::move(alias), std::move(target));
  return {};
}

void RegistrySnapshot::RemoveModel(std::string_view id) {
  if (auto at = models_.find(id); at != models_.end()) models_.erase(at);
}
void RegistrySnapshot::RemoveAlias(std::string_view alias) {
  if (auto at = aliases_.find(alias); at != aliases_.end()) aliases_.erase(at);
}
void RegistrySnapshot::RemoveSource(std::string_view name) {
  if (auto at = sources_.find(name); at != sources_.end()) sources_.erase(at);
}

std::string RegistrySnapshot::FollowAliases(std::string_view id) const {
  std::string at(id);
  for (int step = 0; step <= kAliasStepsMax; ++step) {
    auto next = aliases_.find(at);
    if (next == aliases_.end()) break;
    at = next->second;
  }
  return at;
}

Result<RegistrySnapshot::Found> RegistrySnapshot::FromSource(ModelSource& source,
                                                             std::string_view rest,
                                                             Want want) const {
  Found found;
  Error first(Code::kNotFound, "");
  if (want != Want::kEmbedder) {
    auto chat = source.Chat(rest);
    if (chat.has_value()) found.chat = std::move(*chat);
    if (!chat.has_value()) first = chat.error();
  }
  if (want == Want::kEmbedder || (want == Want::kEither && found.chat == nullptr)) {
    auto embedder = source.Embed(rest);
    if (embedder.has_value()) found.embedder = std::move(*embedder);
    if (!embedder.has_value() && want == Want::kEmbedder) first = embedder.error();
  }
  if (found.chat == nullptr && found.embedder == nullptr) return Fail(std::move(first));
  return found;
}

Result<std::optional<RegistrySnapshot::Found>> RegistrySnapshot::ResolveExact(std::string_view id,
                                                                              Want want) const {
  if (auto at = models_.find(id); at != models_.end()) return at->second.model;
  if (auto slash = id.find('/'); slash != std::string_view::npos && slash + 1 < id.size()) {
    if (auto at = sources_.find(id.substr(0, slash)); at != sources_.end()) {
      STRATA_TRY(auto found, FromSource(*at->second, id.substr(slash + 1), want));
      return found;
    }
  }
  return ResolveBare(id, want);
}

Result<std::optional<RegistrySnapshot::Found>> RegistrySnapshot::ResolveBare(std::string_view id,
                                                                             Want want) const {
  // An ARN names what its spellings name: an alias of the plain id must win over a provider here.
  if (id.starts_with("arn:")) return std::nullopt;
  std::vector<ModelSource*> having;
  for (const auto& [name, source] : sources_) {
    if (source->Has(id)) having.push_back(source.get());
  }
  if (having.empty()) return std::nullopt;
  if (having.size() > 1) {
    std::string candidates;
    for (const auto* source : having) {
      candidates += fmt::format("{}{}/{}", candidates.empty() ? "" : ", ", source->name(), id);
    }
    return Fail(InvalidArgument("model", fmt::format("'{}' is served by several providers: say {}",
                                                     Shown(id), candidates)));
  }
  STRATA_TRY(auto found, FromSource(*having.front(), id, want));
  return found;
}

Result<RegistrySnapshot::Found> RegistrySnapshot::Resolve(std::string_view id, Want want) const {
  if (id.empty()) return Fail(InvalidArgument("model", "is missing"));
  if (id.size() > kIdBytesMax) {
    return Fail(InvalidArgument("model", fmt::format("is longer than {} bytes", kIdBytesMax)));
  }
  STRATA_TRY(auto exact, ResolveExact(FollowAliases(id), want));
  if (exact.has_value()) return std::move(*exact);
  for (const auto& spelling : BedrockSpellings(id)) {
    STRATA_TRY(auto found, ResolveExact(FollowAliases(spelling), want));
    if (found.has_value()) return std::move(*found);
  }
  return Fail(Unknown(id));
}

Error RegistrySnapshot::Unknown(std::string_view id) const {
  std::vector<std::string> owned;
  for (const auto& model : List()) owned.push_back(model.info.id);
  std::vector<std::string_view> known(owned.begin(), owned.end());
  auto nearest = NearestName(id.substr(0, 128), known);
  std::string message = fmt::format("model '{}' does not exist", Shown(id));
  if (!nearest.empty()) message += fmt::format("; the nearest known id is '{}'", nearest);
  return Error(Code::kNotFound, std::move(message)).AtField("model");
}

Result<std::shared_ptr<ChatModel>> RegistrySnapshot::Chat(std::string_view id) const {
  STRATA_TRY(auto found, Resolve(id, Want::kChat));
  if (found.chat != nullptr) return std::move(found.chat);
  return Fail(InvalidArgument(
      "model", fmt::format("'{}' is an embedding model, it cannot chat", Shown(id))));
}

Result<std::shared_ptr<Embedder>> RegistrySnapshot::Embed(std::string_view id) const {
  STRATA_TRY(auto found, Resolve(id, Want::kEmbedder));
  if (found.embedder != nullptr) return std::move(found.embedder);
  return Fail(
      InvalidArgument("model", fmt::format("'{}' is a chat model, it cannot embed", Shown(id))));
}

Result<ListedModel> RegistrySnapshot::Describe(std::string_view id) const {
  STRATA_TRY(auto found, Resolve(id, Want::kEither));
  ListedModel out;
  out.info = found.chat != nullptr ? found.chat->Info() : found.embedder->Info();
  if (auto at = models_.find(out.info.id); at != models_.end()) out.created = at->second.created;
  if (auto at = aliases_.find(id); at != aliases_.end()) {
    out.alias_of = out.info.id;
    out.info.id = at->first;
  }
  return out;
}

std::vector<ListedModel> RegistrySnapshot::List() const {
  std::vector<ListedModel> out;
  for (const auto& [id, entry] : models_) {
    const auto& info =
        entry.model.chat != nullptr ? entry.model.chat->Info() : entry.model.embedder->Info();
    out.push_back({info, entry.created, ""});
  }
  for (const auto& [name, source] : sources_) {
    auto models = source->Models();
    std::ranges::sort(models, {}, [](const ListedModel& model) { return model.info.id; });
    std::ranges::move(models, std::back_inserter(out));
  }
  std::vector<ListedModel> listed;
  for (const auto& [alias, target] : aliases_) {
    auto to = FollowAliases(target);
    auto at = std::ranges::find_if(out, [&](const ListedModel& m) { return m.info.id == to; });
    if (at == out.end()) continue;
    auto copy = *at;
    copy.info.id = alias;
    copy.alias_of = to;
    listed.push_back(std::move(copy));
  }
  std::ranges::move(listed, std::back_inserter(out));
  return out;
}

std::vector<ProviderStatus> RegistrySnapshot::Providers() const {
  std::vector<ProviderStatus> out;
  if (!models_.empty()) {
    ProviderStatus builtin;
    builtin.name = "builtin";
    builtin.kind = "builtin";
    builtin.models = models_.size();
    out.push_back(std::move(builtin));
  }
  for (const auto& [name, source] : sources_) out.push_back(source->Status());
  return out;
}

Registry::Registry() : snapshot_(std::make_shared<const RegistrySnapshot>()) {}

std::shared_ptr<const RegistrySnapshot> Registry::Snapshot() const {
  std::lock_guard lock(mutex_);
  return snapshot_;
}

Result<> Registry::Update(const std::function<Result<>(RegistrySnapshot&)>& change) {
  std::lock_guard updating(update_mutex_);
  auto copy = std::make_shared<RegistrySnapshot>(*Snapshot());
  STRATA_CHECK_OK(change(*copy));
  std::lock_guard lock(mutex_);
  snapshot_ = std::move(copy);
  return {};
}

}  // namespace strata::provider
