#pragma once
// The registry: which model ids this server answers to, and the objects behind them.
//
//   auto model = registry.Chat("openai/gpt-4o-mini");       // or "gpt-4o-mini" when unambiguous
//   if (!model) return Fail(model.error());                  // kNotFound names the nearest known
//   id STRATA_CO_TRY(auto stream, co_await (*model)->Start(std::move(request), ctx));
//
// Ids resolve in this order, first match wins: a registered id · an alias · `SOURCE/REST` of a
// model source (configured providers, `kb/NAME@MODEL`) · a bare id that exactly one source has ·
// Bedrock's spellings (foundation-model and inference-profile ARNs, `us.`/`eu.`/… prefixes) of any
// of these.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "provider/chat_model.h"
#include "provider/embedder.h"
#include "provider/moderator.h"
#include "provider/reranker.h"

namespace strata::provider {

struct ListedModel {
  domain::ModelInfo info;  // `id` is what callers name
  WallTime created;
  std::string alias_of;  // set on aliases: the id it stands for
};

// One line of `strata provider list`.
struct ProviderStatus {
  std::string name;
  std::string kind;  // "builtin", "openai", "azure", "anthropic", "bedrock", "kb"
  std::string base_url;
  std::string detected_by;  // empty: configured by hand
  std::string problem;      // empty: usable as far as is known; else what is wrong
  std::size_t models = 0;   // known ids; providers may have more
  // No provider: strata makes these models of others, as those of knowledge bases and routers.
  bool derived = false;
};

// Makes models on demand below one prefix: a configured provider, or the knowledge bases.
// Thread-safe.
class ModelSource {
 public:
  virtual ~ModelSource() = default;
  virtual const std::string& name() const = 0;  // the prefix, without '/'
  // `rest`: the id after the prefix. kNotFound when this source has no such model;
  // kUnsupported when it cannot chat or embed at all.
  virtual Result<std::shared_ptr<ChatModel>> Chat(std::string_view rest) = 0;
  virtual Result<std::shared_ptr<Embedder>> Embed(std::string_view rest) = 0;
  // Most sources have neither: these say so.
  virtual Result<std::shared_ptr<Reranker>> Rerank(std::string_view rest);
  virtual Result<std::shared_ptr<Moderator>> Moderate(std::string_view rest);
  // Models known by name, for listings. Their ids start with the prefix.
  virtual std::vector<ListedModel> Models() const = 0;
  // Whether `bare` (an id without the prefix) is one of this source's own.
  virtual bool Has(std::string_view bare) const = 0;
  virtual ProviderStatus Status() const = 0;
};

// One state of the registry. Filled by its maker, then shared as const: a request that holds it
// sees one consistent state, whatever is swapped in behind it.
class RegistrySnapshot {
 public:
  // kConflict when the id is taken. `created` is what listings show.
  Result<> AddChat(std::shared_ptr<ChatModel> model, WallTime created);
  Result<> AddEmbedder(std::shared_ptr<Embedder> embedder, WallTime created);
  Result<> AddReranker(std::shared_ptr<Reranker> reranker, WallTime created);
  Result<> AddModerator(std::shared_ptr<Moderator> moderator, WallTime created);
  Result<> AddSource(std::shared_ptr<ModelSource> source);
  // `target` may be an alias itself (chains up to 8) or unknown until later; kConflict when `alias`
  // is a registered id, kInvalidArgument when it would close a circle.
  Result<> AddAlias(std::string alias, std::string target);
  void RemoveModel(std::string_view id);  // of any sort
  void RemoveAlias(std::string_view alias);
  void RemoveSource(std::string_view name);

  // Errors: kNotFound (names the nearest known id), kInvalidArgument (the id is that of the other
  // sort, leads back to itself, or is ambiguous: then all candidates are named).
  Result<std::shared_ptr<ChatModel>> Chat(std::string_view id) const;
  Result<std::shared_ptr<Embedder>> Embed(std::string_view id) const;
  Result<std::shared_ptr<Reranker>> Rerank(std::string_view id) const;
  Result<std::shared_ptr<Moderator>> Moderate(std::string_view id) const;
  // Any sort, for GET /v1/models/ID and GetFoundationModel.
  Result<ListedModel> Describe(std::string_view id) const;

  // Registered models, then what the sources know by name, then aliases whose model is among them;
  // each part sorted by id.
  std::vector<ListedModel> List() const;
  const std::map<std::string, std::string, std::less<>>& aliases() const { return aliases_; }
  // Built-in models first as "builtin", then every source in the order of its name.
  std::vector<ProviderStatus> Providers() const;
  // Whether these models are made within strata, so that no account stands behind them: "builtin"
  // and what is derived.
  bool IsPartOfStrata(std::string_view provider) const;

 private:
  struct Found {
    std::shared_ptr<ChatModel> chat;
    std::shared_ptr<Embedder> embedder;
    std::shared_ptr<Reranker> reranker;
    std::shared_ptr<Moderator> moderator;
    const domain::ModelInfo& Info() const;  // of whichever is there
    bool empty() const;
  };
  struct Entry {
    Found model;
    WallTime created;
  };
  enum class Want : std::uint8_t { kChat, kEmbedder, kReranker, kModerator, kAny };

  template <typename Model>
  Result<> Add(std::shared_ptr<Model> Found::* part, std::shared_ptr<Model> model,
               WallTime created);
  Result<Found> Resolve(std::string_view id, Want want) const;
  Result<std::optional<Found>> ResolveExact(std::string_view id, Want want) const;
  Result<std::optional<Found>> ResolveBare(std::string_view id, Want want) const;
  static Result<Found> FromSource(ModelSource& source, std::string_view rest, Want want);
  std::string FollowAliases(std::string_view id) const;
  Error Unknown(std::string_view id) const;
  static Error WrongSort(std::string_view id, const Found& found, std::string_view what);

  std::map<std::string, Entry, std::less<>> models_;
  std::map<std::string, std::string, std::less<>> aliases_;
  std::map<std::string, std::shared_ptr<ModelSource>, std::less<>> sources_;
};

// Thread-safe holder of the current snapshot.
class Registry {
 public:
  Registry();
  std::shared_ptr<const RegistrySnapshot> Snapshot() const;
  // Copies the current state, lets `change` edit the copy and swaps it in when `change` succeeds.
  // Updates are serialised; readers never wait for them.
  Result<> Update(const std::function<Result<>(RegistrySnapshot&)>& change);

  Result<std::shared_ptr<ChatModel>> Chat(std::string_view id) const {
    return Snapshot()->Chat(id);
  }
  Result<std::shared_ptr<Embedder>> Embed(std::string_view id) const {
    return Snapshot()->Embed(id);
  }
  Result<std::shared_ptr<Reranker>> Rerank(std::string_view id) const {
    return Snapshot()->Rerank(id);
  }
  Result<std::shared_ptr<Moderator>> Moderate(std::string_view id) const {
    return Snapshot()->Moderate(id);
  }

 private:
  std::mutex update_mutex_;
  mutable std::mutex mutex_;  // held only to copy or swap the pointer
  std::shared_ptr<const RegistrySnapshot> snapshot_;
};

// What a Bedrock model identifier names, without ARN and geography: "amazon.titan-text-lite-v1"
// for "arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-text-lite-v1" and
// "…inference-profile/us.anthropic.claude-…". In order of preference (as given after the ARN, then
// without the geography); empty when `id` has neither form.
std::vector<std::string> BedrockSpellings(std::string_view id);

}  // namespace strata::provider
