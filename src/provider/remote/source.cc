#include "provider/remote/source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/format_message.h"
#include "provider/catalog.h"
#include "provider/remote/chat.h"
#include "provider/remote/embedder.h"
#include "provider/remote/judges.h"

namespace strata::provider {
namespace {

constexpr Option kOptions[] = {
    {"provider.answer_bytes_max", OptionKind::kInteger, "bytes", "67108864", "1024..1073741824",
     "Longest answer body that is read from a provider; a longer one fails the call."},
    {"provider.stream_idle_ms", OptionKind::kInteger, "ms", "120000", "10..3600000",
     "Longest silence in the middle of a provider's stream, from its first bytes on; after it the "
     "answer counts as cut off. Raise it for models that think longer without a word."},
    {"provider.models_cached_max", OptionKind::kInteger, "models", "1024", "1..1000000",
     "Model objects kept for each provider; beyond it they are made anew for each request."},
    {"provider.probe_ms", OptionKind::kInteger, "ms", "300", "10..10000",
     "How long start-up waits for a local Ollama or vLLM to say that it is there."},
};

}  // namespace

OptionTable ProviderOptions() { return kOptions; }

namespace remote {
namespace {

constexpr std::size_t kIdBytesMax = 512;

std::string Lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return out;
}

// Names that providers give their families, longest first where one holds another.
constexpr std::array<std::string_view, 18> kFamilies = {
    "claude",  "gpt",   "gemini", "gemma", "llama", "mixtral", "mistral", "qwen",    "deepseek",
    "command", "titan", "nova",   "phi",   "grok",  "smollm",  "kimi",    "minimax", "glm"};

std::string FamilyOf(std::string_view upstream_id) {
  std::string id = Lower(upstream_id);
  for (auto family : kFamilies) {
    if (id.find(family) != std::string::npos) return std::string(family);
  }
  return "";
}

Result<> CheckUpstreamId(std::string_view id) {
  bool fits = !id.empty() && id.size() <= kIdBytesMax;
  for (unsigned char c : id) fits = fits && c > 0x20 && c != 0x7f;
  if (fits) return {};
  return Fail(InvalidArgument(
      "model", FormatMessage("expected 1 to {} bytes without spaces or controls after the provider",
                             kIdBytesMax)));
}

// An id that may be asked for. Where models have terms of their own, only listed ids are served: a
// provider may know one model by several spellings ("models/ID", an ARN), and the outbound check
// must not be passed by one of them.
Result<> CheckServed(const ProviderSpec& spec, std::string_view id) {
  STRATA_CHECK_OK(CheckUpstreamId(id));
  const bool limited = std::ranges::any_of(spec.model_terms, &ModelTerms::LimitsData);
  if (!limited || std::ranges::find(spec.models, id) != spec.models.end()) return {};
  return Fail(
      Code::kNotFound,
      FormatMessage("provider {} has terms for each model, and '{}' is not among its models; "
                    "expected one of {}",
                    Own(spec.name), id, Own(fmt::format("{}", fmt::join(spec.models, ", ")))));
}

}  // namespace

Result<std::shared_ptr<const Account>> MakeAccount(ProviderSpec spec, RemoteDeps deps) {
  Account account;
  STRATA_TRY(account.api, MakeApi(spec, deps.secrets, deps.env));
  account.client = std::move(deps.client);
  account.answer_bytes_max = deps.answer_bytes_max;
  account.stream_idle = deps.stream_idle;
  if (spec.kind == ProviderKind::kBedrock) {
    account.catalog_provider = "aws";
  } else if (spec.kind == ProviderKind::kAzure) {
    account.catalog_provider = "azure";
  } else if (spec.kind == ProviderKind::kVertex || spec.kind == ProviderKind::kGemini) {
    account.catalog_provider = "google";
  } else {
    account.catalog_provider = CatalogProviderOf(spec.base_url);
  }
  account.spec = std::move(spec);
  return std::make_shared<const Account>(std::move(account));
}

bool IsEmbeddingId(std::string_view upstream_id) {
  std::string id = Lower(upstream_id);
  constexpr std::array<std::string_view, 6> kMarks = {"embed", "bge-",   "gte-",
                                                      "e5-",   "minilm", "voyage-"};
  return std::ranges::any_of(
      kMarks, [&](std::string_view mark) { return id.find(mark) != std::string::npos; });
}

bool IsRerankId(std::string_view upstream_id) {
  return Lower(upstream_id).find("rerank") != std::string::npos;
}

bool IsModerationId(std::string_view upstream_id) {
  return Lower(upstream_id).find("moderation") != std::string::npos;
}

// What the outbound check reads, and a price of one's own: the model's terms over those of the
// account.
void FillTerms(const ProviderSpec& spec, std::string_view upstream_id, domain::ModelInfo& info) {
  info.region = spec.data_region.empty() ? spec.region : spec.data_region;
  info.cleared_for_all_labels = spec.cleared_for_all_labels;
  info.clearance = spec.clearance;
  info.retention = spec.retention;
  auto own = std::ranges::find(spec.model_terms, upstream_id, &ModelTerms::model);
  if (own == spec.model_terms.end()) return;
  if (own->price) info.price = ConfiguredPrice(*own->price);
  if (own->data_region) info.region = *own->data_region;
  if (own->clearance) {
    info.clearance = *own->clearance;
    info.cleared_for_all_labels = false;
  }
  if (own->cleared_for_all_labels) info.cleared_for_all_labels = *own->cleared_for_all_labels;
  if (own->retention) info.retention = own->retention;
}

domain::ModelInfo InfoOf(const Account& account, std::string_view upstream_id) {
  domain::ModelInfo info;
  info.id = fmt::format("{}/{}", account.spec.name, upstream_id);
  info.provider = account.spec.name;
  info.upstream_id = upstream_id;
  info.family = FamilyOf(upstream_id);
  if (IsRerankId(upstream_id) || IsModerationId(upstream_id)) {
    info.can.rerank = IsRerankId(upstream_id);
    info.can.streaming = false;
  } else if (IsEmbeddingId(upstream_id)) {
    info.can.embed = true;
    info.can.streaming = false;
  } else {
    info.can.chat = true;
    info.can.tools = true;
    info.can.images = true;
    info.can.documents = true;
    info.can.json_schema = true;
    info.can.reasoning = true;
  }
  FillTerms(account.spec, upstream_id, info);
  if (!account.catalog_provider.empty()) FillFromCatalog(account.catalog_provider, info);
  return info;
}

RemoteSource::RemoteSource(std::shared_ptr<const Account> account, std::size_t models_cached_max)
    : account_(std::move(account)), cached_max_(models_cached_max) {}

Result<std::shared_ptr<ChatModel>> RemoteSource::Chat(std::string_view rest) {
  STRATA_CHECK_OK(CheckServed(account_->spec, rest));
  if (IsEmbeddingId(rest)) {
    return Fail(InvalidArgument("model",
                                FormatMessage("'{}' is an embedding model, it cannot chat", rest)));
  }
  std::lock_guard lock(mutex_);
  if (auto at = chats_.find(rest); at != chats_.end()) return at->second;
  std::shared_ptr<ChatModel> model =
      std::make_shared<RemoteChatModel>(account_, InfoOf(*account_, rest));
  if (chats_.size() < cached_max_) chats_.emplace(rest, model);
  return model;
}

Result<std::shared_ptr<Embedder>> RemoteSource::Embed(std::string_view rest) {
  STRATA_CHECK_OK(CheckServed(account_->spec, rest));
  if (account_->api->EmbedBatchMax(std::string(rest)) == 0) {
    return Fail(Code::kUnsupported,
                FormatMessage("provider {} has no embeddings of '{}'", Own(name()), rest));
  }
  std::lock_guard lock(mutex_);
  if (auto at = embedders_.find(rest); at != embedders_.end()) return at->second;
  auto info = InfoOf(*account_, rest);
  info.can.embed = true;
  std::shared_ptr<Embedder> model = std::make_shared<RemoteEmbedder>(account_, std::move(info));
  if (embedders_.size() < cached_max_) embedders_.emplace(rest, model);
  return model;
}

Result<std::shared_ptr<Reranker>> RemoteSource::Rerank(std::string_view rest) {
  STRATA_CHECK_OK(CheckServed(account_->spec, rest));
  if (!account_->api->CanRerank(rest)) return ModelSource::Rerank(rest);
  auto info = InfoOf(*account_, rest);
  info.can.rerank = true;
  return std::make_shared<RemoteReranker>(account_, std::move(info));
}

Result<std::shared_ptr<Moderator>> RemoteSource::Moderate(std::string_view rest) {
  STRATA_CHECK_OK(CheckServed(account_->spec, rest));
  if (!account_->api->CanModerate(rest)) return ModelSource::Moderate(rest);
  return std::make_shared<RemoteModerator>(account_, InfoOf(*account_, rest));
}

std::vector<ListedModel> RemoteSource::Models() const {
  std::vector<ListedModel> out;
  for (const auto& id : account_->spec.models) out.push_back({InfoOf(*account_, id), {}, ""});
  return out;
}

bool RemoteSource::Has(std::string_view bare) const {
  const auto& models = account_->spec.models;
  if (!models.empty()) return std::ranges::find(models, bare) != models.end();
  // The catalog has no prices of these, so it does not know them.
  if (IsModerationId(bare)) return account_->spec.base_url.starts_with("https://api.openai.com");
  if (IsRerankId(bare) && account_->spec.kind == ProviderKind::kCohere) return true;
  if (account_->catalog_provider.empty()) return false;
  auto match = FindInCatalog(account_->catalog_provider, bare);
  return match.found && match.entry.provider == account_->catalog_provider;
}

ProviderStatus RemoteSource::Status() const {
  ProviderStatus status;
  status.name = name();
  status.kind = KindName(account_->spec.kind);
  status.base_url = account_->spec.base_url;
  status.detected_by = account_->spec.detected_by;
  status.models = account_->spec.models.size();
  return status;
}

}  // namespace remote

Result<std::shared_ptr<ModelSource>> MakeRemoteProvider(ProviderSpec spec, RemoteDeps deps) {
  const std::size_t cached_max = deps.models_cached_max;
  STRATA_TRY(auto account, remote::MakeAccount(std::move(spec), std::move(deps)));
  return std::make_shared<remote::RemoteSource>(std::move(account), cached_max);
}

Task<Result<std::vector<std::string>>> ListUpstreamModels(ProviderSpec spec, RemoteDeps deps,
                                                          RequestContext& ctx) {
  STRATA_CO_TRY(auto account, remote::MakeAccount(std::move(spec), std::move(deps)));
  STRATA_CO_TRY(auto body, co_await remote::Fetch(*account, account->api->ListModels(), ctx));
  auto ids = account->api->DecodeModels(body);
  if (!ids.has_value()) co_return Fail(remote::OfProvider(*account, std::move(ids.error())));
  co_return std::move(*ids);
}

}  // namespace strata::provider
