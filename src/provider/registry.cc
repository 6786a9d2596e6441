#include "provider/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/format_message.h"
#include "base/options.h"

namespace strata::provider {
namespace {

constexpr std::string_view kBuiltin = "builtin";
constexpr int kAliasStepsMax = 8;
// Models that are made of others, one behind the other: a profile of a knowledge base with a model.
constexpr int kModelsBehindMax = 8;
constexpr std::size_t kIdBytesMax = 2048;  // Bedrock's own limit of a model identifier
constexpr std::size_t kIdShownBytes = 128;

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

// "all-minilm-l6-v2" of "builtin/all-minilm-l6-v2", for the models that this process has itself;
// empty for all others.
std::string_view BareIdHere(std::string_view id) {
  for (std::string_view prefix : {"builtin/", "local/"}) {
    if (id.starts_with(prefix)) return id.substr(prefix.size());
  }
  return {};
}

// The id in `known` that was most likely meant, whatever provider stands before it; "" when none
// is near.
std::string_view NearestId(std::string_view id, std::span<const std::string_view> known) {
  if (auto whole = NearestName(id, known); !whole.empty()) return whole;
  std::vector<std::string_view> bare;
  for (auto each : known) bare.push_back(each.substr(each.find('/') + 1));
  auto near = NearestName(id, bare);
  if (near.empty()) return {};
  return known[static_cast<std::size_t>(std::ranges::find(bare, near) - bare.begin())];
}

// How deep this thread is in looking up one model: a source may ask the registry for the model that
// stands behind its own, which may be the one that is looked up.
class Depth {
 public:
  Depth() { ++depth_; }
  ~Depth() { --depth_; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;
  bool TooDeep() const { return depth_ > kModelsBehindMax; }

 private:
  static inline thread_local int depth_ = 0;
};

// Ids are short in messages, whatever a caller sent.
std::string Shown(std::string_view id) {
  return id.size() <= kIdShownBytes ? std::string(id)
                                    : std::string(id.substr(0, kIdShownBytes)) + "…";
}

}  // namespace

Result<std::shared_ptr<Reranker>> ModelSource::Rerank(std::string_view rest) {
  return Fail(Code::kUnsupported,
              FormatMessage("{} cannot rerank with '{}'", Own(name()), Shown(rest)));
}

Result<std::shared_ptr<Moderator>> ModelSource::Moderate(std::string_view rest) {
  return Fail(Code::kUnsupported,
              FormatMessage("{} cannot moderate with '{}'", Own(name()), Shown(rest)));
}

std::vector<std::string> BedrockSpellings(std::string_view id) {
  std::vector<std::string> out;
  auto resource = BedrockResource(id);
  if (!resource.empty()) {
    auto slash = resource.find('/');
    auto type = resource.substr(0, slash);
    if (slash == std::string_view::npos) return out;
    id = resource.substr(slash + 1);
    // Stored prompts and inference profiles of this server are models of sources of these names.
    if (type == "prompt" || type == "application-inference-profile") {
      return {std::string(resource)};
    }
    if (type == "prompt-router") return {fmt::format("router/{}", id)};
    if (type != "foundation-model" && type != "inference-profile") return out;
    out.emplace_back(id);
  }
  for (auto geography : kGeographies) {
    if (id.starts_with(geography)) out.emplace_back(id.substr(geography.size()));
  }
  return out;
}

template <typename Model>
Result<> RegistrySnapshot::Add(std::shared_ptr<Model> Found::* part, std::shared_ptr<Model> model,
                               WallTime created) {
  const std::string& id = model->Info().id;
  const auto known = models_.find(id);
  const bool taken = known != models_.end() && known->second.model.*part != nullptr;
  if (taken || aliases_.contains(id)) {
    return Fail(Code::kConflict, FormatMessage("model id '{}' is taken", Own(id)));
  }
  auto& entry = models_[id];
  entry.model.*part = std::move(model);
  entry.created = created;
  return {};
}

Result<> RegistrySnapshot::AddChat(std::shared_ptr<ChatModel> model, WallTime created) {
  return Add(&Found::chat, std::move(model), created);
}

Result<> RegistrySnapshot::AddEmbedder(std::shared_ptr<Embedder> embedder, WallTime created) {
  return Add(&Found::embedder, std::move(embedder), created);
}

Result<> RegistrySnapshot::AddReranker(std::shared_ptr<Reranker> reranker, WallTime created) {
  return Add(&Found::reranker, std::move(reranker), created);
}

Result<> RegistrySnapshot::AddModerator(std::shared_ptr<Moderator> moderator, WallTime created) {
  return Add(&Found::moderator, std::move(moderator), created);
}

Result<> RegistrySnapshot::AddSource(std::shared_ptr<ModelSource> source) {
  if (sources_.contains(source->name())) {
    return Fail(Code::kConflict,
                FormatMessage("provider '{}' exists already", Own(source->name())));
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
                FormatMessage("'{}' is a model id, so it cannot be an alias", alias));
  }
  std::string_view at = target;
  for (int step = 0; step <= kAliasStepsMax; ++step) {
    auto next = aliases_.find(at);
    if (at == alias || (next != aliases_.end() && step == kAliasStepsMax)) {
      return Fail(InvalidArgument(
          "alias", FormatMessage("'{}' → '{}' closes a circle or a chain of more than {}", alias,
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

const domain::ModelInfo& RegistrySnapshot::Found::Info() const {
  if (chat != nullptr) return chat->Info();
  if (embedder != nullptr) return embedder->Info();
  return reranker != nullptr ? reranker->Info() : moderator->Info();
}

bool RegistrySnapshot::Found::empty() const {
  return chat == nullptr && embedder == nullptr && reranker == nullptr && moderator == nullptr;
}

Result<RegistrySnapshot::Found> RegistrySnapshot::FromSource(ModelSource& source,
                                                             std::string_view rest, Want want) {
  Found found;
  std::optional<Error> first;  // of the sort that is wanted most
  auto take = [&](Want sort, auto make, auto& into) {
    if (want != sort && (want != Want::kAny || !found.empty())) return;
    auto made = make();
    if (made.has_value()) {
      into = std::move(*made);
    } else if (!first) {
      first = std::move(made.error());
    }
  };
  take(Want::kChat, [&] { return source.Chat(rest); }, found.chat);
  take(Want::kEmbedder, [&] { return source.Embed(rest); }, found.embedder);
  take(Want::kReranker, [&] { return source.Rerank(rest); }, found.reranker);
  take(Want::kModerator, [&] { return source.Moderate(rest); }, found.moderator);
  if (found.empty()) return Fail(std::move(*first));
  return found;
}

Result<std::optional<RegistrySnapshot::Found>> RegistrySnapshot::ResolveExact(std::string_view id,
                                                                              Want want) const {
  if (auto at = models_.find(id); at != models_.end()) return at->second.model;
  if (auto slash = id.find('/'); slash != std::string_view::npos && slash + 1 < id.size()) {
    if (auto at = sources_.find(id.substr(0, slash)); at != sources_.end()) {
      const auto rest = id.substr(slash + 1);
      // As part of an address it would mean the folder above, whatever it is escaped to.
      if (rest == "." || rest == "..") return std::nullopt;
      STRATA_TRY(auto found, FromSource(*at->second, rest, want));
      return found;
    }
  }
  return ResolveBare(id, want);
}

Result<std::optional<RegistrySnapshot::Found>> RegistrySnapshot::ResolveBare(std::string_view id,
                                                                             Want want) const {
  // An ARN names what its spellings name: an alias of the plain id must win over a provider here.
  if (id.starts_with("arn:")) return std::nullopt;
  std::vector<std::string> candidates;
  const Found* here = nullptr;
  for (const auto& [name, entry] : models_) {
    if (id.empty() || BareIdHere(name) != id) continue;
    candidates.push_back(name);
    here = &entry.model;
  }
  ModelSource* having = nullptr;
  for (const auto& [name, source] : sources_) {
    if (!source->Has(id)) continue;
    candidates.push_back(fmt::format("{}/{}", name, id));
    having = source.get();
  }
  if (candidates.empty()) return std::nullopt;
  if (candidates.size() > 1) {
    return Fail(InvalidArgument(
        "model", FormatMessage("'{}' is served by several providers: say {}", Shown(id),
                               Own(fmt::format("{}", fmt::join(candidates, ", "))))));
  }
  if (here != nullptr) return *here;
  STRATA_TRY(auto found, FromSource(*having, id, want));
  return found;
}

Result<RegistrySnapshot::Found> RegistrySnapshot::Resolve(std::string_view id, Want want) const {
  if (id.empty()) return Fail(InvalidArgument("model", "is missing"));
  if (id.size() > kIdBytesMax) {
    return Fail(InvalidArgument("model", FormatMessage("is longer than {} bytes", kIdBytesMax)));
  }
  const Depth depth;
  if (depth.TooDeep()) {
    return Fail(InvalidArgument(
        "model", fmt::format("'{}' leads back to itself, or through more than {} other models",
                             Shown(id), kModelsBehindMax)));
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
  auto nearest = NearestId(id.substr(0, kIdShownBytes), known);
  auto message = FormatMessage("model '{}' does not exist", Shown(id));
  if (!nearest.empty()) {
    message = FormatMessage("{}; the nearest known id is '{}'", message, Own(nearest));
  } else if (id.find('/') == id.npos && id.size() <= kIdShownBytes) {
    message = FormatMessage(
        "{}; no provider here has it. To answer it with another model, add to the configuration: "
        "aliases: {{\"{}\": PROVIDER/MODEL}}",
        message, id);
  }
  return Error(Code::kNotFound, std::move(message)).AtField("model");
}

// `id` is a model, but of another sort.
Error RegistrySnapshot::WrongSort(std::string_view id, const Found& found, std::string_view what) {
  std::string_view sort = found.chat != nullptr       ? "a chat model"
                          : found.embedder != nullptr ? "an embedding model"
                          : found.reranker != nullptr ? "a rerank model"
                                                      : "a moderation model";
  return InvalidArgument(
      "model", FormatMessage("'{}' is {}, it cannot {}", Shown(id), Own(sort), Own(what)));
}

Result<std::shared_ptr<ChatModel>> RegistrySnapshot::Chat(std::string_view id) const {
  STRATA_TRY(auto found, Resolve(id, Want::kChat));
  if (found.chat != nullptr) return std::move(found.chat);
  return Fail(WrongSort(id, found, "chat"));
}

Result<std::shared_ptr<Embedder>> RegistrySnapshot::Embed(std::string_view id) const {
  STRATA_TRY(auto found, Resolve(id, Want::kEmbedder));
  if (found.embedder != nullptr) return std::move(found.embedder);
  return Fail(WrongSort(id, found, "embed"));
}

Result<std::shared_ptr<Reranker>> RegistrySnapshot::Rerank(std::string_view id) const {
  STRATA_TRY(auto found, Resolve(id, Want::kReranker));
  if (found.reranker != nullptr) return std::move(found.reranker);
  return Fail(WrongSort(id, found, "rerank"));
}

Result<std::shared_ptr<Moderator>> RegistrySnapshot::Moderate(std::string_view id) const {
  STRATA_TRY(auto found, Resolve(id, Want::kModerator));
  if (found.moderator != nullptr) return std::move(found.moderator);
  return Fail(WrongSort(id, found, "moderate"));
}

Result<ListedModel> RegistrySnapshot::Describe(std::string_view id) const {
  STRATA_TRY(auto found, Resolve(id, Want::kAny));
  ListedModel out;
  out.info = found.Info();
  if (auto at = models_.find(out.info.id); at != models_.end()) {
    out.created = at->second.created;
  } else if (auto of = sources_.find(out.info.id.substr(0, out.info.id.find('/')));
             of != sources_.end()) {
    const auto listed = of->second->Models();
    auto same = std::ranges::find_if(
        listed, [&](const ListedModel& model) { return model.info.id == out.info.id; });
    if (same != listed.end()) out.created = same->created;
  }
  if (auto at = aliases_.find(id); at != aliases_.end()) {
    out.alias_of = out.info.id;
    out.info.id = at->first;
  }
  return out;
}

std::vector<ListedModel> RegistrySnapshot::List() const {
  std::vector<ListedModel> out;
  for (const auto& [id, entry] : models_) {
    out.push_back({entry.model.Info(), entry.created, ""});
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
    builtin.name = kBuiltin;
    builtin.kind = kBuiltin;
    builtin.models = models_.size();
    out.push_back(std::move(builtin));
  }
  for (const auto& [name, source] : sources_) out.push_back(source->Status());
  return out;
}

bool RegistrySnapshot::IsPartOfStrata(std::string_view provider) const {
  if (provider == kBuiltin) return true;
  const auto source = sources_.find(provider);
  return source != sources_.end() && source->second->Status().derived;
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
