#include "gateway/resilience.h"
#include "base/format_message.h"

#include <map>
#include <mutex>

#include "base/rng.h"
#include "gateway/resilience/pool.h"
#include "gateway/resilience/resilient_chat.h"
#include "gateway/resilience/resilient_embedder.h"
#include "gateway/resilience/resilient_judges.h"
#include "net/runtime.h"

namespace strata::gateway {
namespace {

using std::chrono::milliseconds;

constexpr Option kOptions[] = {
    {"resilience.retries", OptionKind::kInteger, "", "2", "0..10",
     "Attempts beyond the first for one request, at the same model; a configured model may have "
     "its "
     "own number. None is made once a token has left."},
    {"resilience.retry_base", OptionKind::kInteger, "ms", "200", "1..60000",
     "Longest wait before the first repetition at the same deployment; it doubles with each one, "
     "and the wait is a random part of it."},
    {"resilience.retry_max", OptionKind::kInteger, "ms", "5000", "1..600000",
     "Longest wait before a repetition."},
    {"resilience.retry_after_max", OptionKind::kInteger, "ms", "2000", "0..600000",
     "Longest Retry-After of a provider that is waited for here; with a longer one the answer goes "
     "to the caller, with that Retry-After."},
    {"resilience.retry_percent", OptionKind::kReal, "%", "20", "0..100",
     "Share of a model's requests that may be repeated; beyond it failures go to the caller."},
    {"resilience.retries_per_second", OptionKind::kReal, "1/s", "10", "0..100000",
     "Repetitions that a model may make beside that share, so that a quiet one may repeat at all."},
    {"resilience.breaker_faults", OptionKind::kInteger, "", "5", "1..1000000",
     "Requests in a row that failed by the provider's fault, after which a deployment is not asked "
     "for a while."},
    {"resilience.breaker_percent", OptionKind::kReal, "%", "50", "1..100",
     "Share of faults within ten seconds after which a deployment is not asked for a while, from "
     "20 "
     "attempts on; repetitions of one request count once."},
    {"resilience.breaker_open", OptionKind::kInteger, "ms", "5000", "10..3600000",
     "How long it is not asked; doubles each time that the next attempt fails too. Twice as long "
     "when the provider refuses our key."},
    {"resilience.breaker_open_max", OptionKind::kInteger, "ms", "120000", "10..86400000",
     "Longest time that it is not asked."},
    {"resilience.probe_every", OptionKind::kInteger, "s", "0", "0..86400",
     "How often each provider that was asked is probed: its list of models, or one token where it "
     "has none; 0: never."},
};

double OwnRandom() {
  thread_local Rng rng([] {
    std::uint8_t seed[8];
    SecureRandom(seed);
    std::uint64_t value = 0;
    for (auto byte : seed) value = value << 8 | byte;
    return value;
  }());
  return rng.Unit();
}

// A source whose models are pools of one deployment. The wrappers are kept, as they hold the retry
// budget.
class ResilientSource final : public provider::ModelSource {
 public:
  ResilientSource(std::shared_ptr<provider::ModelSource> inner, const Resilience::Parts& parts)
      : inner_(std::move(inner)), parts_(parts) {}

  const std::string& name() const override { return inner_->name(); }

  Result<std::shared_ptr<provider::ChatModel>> Chat(std::string_view rest) override {
    return Cached<ResilientChat, provider::ChatModel>(chats_, rest,
                                                      [&] { return inner_->Chat(rest); });
  }
  Result<std::shared_ptr<provider::Embedder>> Embed(std::string_view rest) override {
    return Cached<ResilientEmbedder, provider::Embedder>(embedders_, rest,
                                                         [&] { return inner_->Embed(rest); });
  }
  Result<std::shared_ptr<provider::Reranker>> Rerank(std::string_view rest) override {
    return Cached<ResilientReranker, provider::Reranker>(rerankers_, rest,
                                                         [&] { return inner_->Rerank(rest); });
  }
  Result<std::shared_ptr<provider::Moderator>> Moderate(std::string_view rest) override {
    return Cached<ResilientModerator, provider::Moderator>(moderators_, rest,
                                                           [&] { return inner_->Moderate(rest); });
  }
  std::vector<provider::ListedModel> Models() const override { return inner_->Models(); }
  bool Has(std::string_view bare) const override { return inner_->Has(bare); }
  provider::ProviderStatus Status() const override { return inner_->Status(); }

 private:
  template <class Model>
  using Cache = std::map<std::string, std::shared_ptr<Model>, std::less<>>;

  template <class Wrapper, class Model, class Make>
  Result<std::shared_ptr<Model>> Cached(Cache<Model>& cache, std::string_view rest, Make make) {
    constexpr std::size_t kModelsMax = 1024;  // callers may name any; beyond it they are made anew
    std::lock_guard lock(mutex_);
    if (auto at = cache.find(rest); at != cache.end()) return at->second;
    STRATA_TRY(auto metered, make());
    std::shared_ptr<Model> model = std::make_shared<Wrapper>(std::move(metered), parts_);
    if (cache.size() < kModelsMax) cache.emplace(rest, model);
    return model;
  }

  std::shared_ptr<provider::ModelSource> inner_;
  const Resilience::Parts& parts_;
  std::mutex mutex_;
  Cache<provider::ChatModel> chats_;
  Cache<provider::Embedder> embedders_;
  Cache<provider::Reranker> rerankers_;
  Cache<provider::Moderator> moderators_;
};

}  // namespace

OptionTable ResilienceOptionTable() { return kOptions; }

ResilienceOptions ResilienceOptionsOf(const Options& options) {
  auto ms = [&](std::string_view name) { return milliseconds(options.Integer(name)); };
  ResilienceOptions out;
  out.retries = static_cast<int>(options.Integer("resilience.retries"));
  out.retry_base = ms("resilience.retry_base");
  out.retry_max = ms("resilience.retry_max");
  out.retry_after_max = ms("resilience.retry_after_max");
  out.retry_share = options.Real("resilience.retry_percent") / 100;
  out.retries_per_second = options.Real("resilience.retries_per_second");
  out.breaker.faults_in_row = static_cast<int>(options.Integer("resilience.breaker_faults"));
  out.breaker.fault_share = options.Real("resilience.breaker_percent") / 100;
  out.breaker.open = ms("resilience.breaker_open");
  out.breaker.open_max = ms("resilience.breaker_open_max");
  return out;
}

AttemptRules RulesOf(const PoolSpec& spec, const ResilienceOptions& options) {
  return {.id = spec.id,
          .balance = spec.balance,
          .retries = spec.retries.value_or(options.retries),
          .retry_base = options.retry_base,
          .retry_max = options.retry_max,
          .retry_after_max = options.retry_after_max,
          .first_token_max = spec.first_token_max};
}

Error NoDeployment(std::string_view pool, const std::vector<Error>& missing) {
  Message reasons;
  for (const auto& error : missing) {
    reasons = FormatMessage("{}{}{}", reasons, Own(reasons.empty() ? "" : "; "), error.words());
  }
  if (reasons.empty()) reasons = "none exists";
  // A set-up that lacks a model or a secret is not mended by asking again.
  const auto code = missing.empty() ? Code::kUnavailable : missing.front().code();
  return Error(code, FormatMessage("no deployment of '{}' can be asked: {}", Own(pool), reasons))
      .AtField("model");
}

Resilience::Resilience(const ResilienceOptions& options, ResilienceEnv env)
    : board_(options.breaker, *env.clock) {
  if (!env.random) env.random = OwnRandom;
  if (!env.sleep) {
    env.sleep = [](milliseconds wait, std::stop_token cancel) {
      return net::Sleep(wait, std::move(cancel));
    };
  }
  parts_ = std::make_unique<Parts>(options, std::move(env), board_);
}

Resilience::~Resilience() = default;

void Resilience::SetOptions(const ResilienceOptions& options) {
  parts_->SetOptions(options);
  board_.SetBreaker(options.breaker);
}

std::shared_ptr<provider::ModelSource> Resilience::Wrap(
    std::shared_ptr<provider::ModelSource> source) {
  return std::make_shared<ResilientSource>(std::move(source), *parts_);
}

std::shared_ptr<provider::ChatModel> Resilience::Wrap(
    std::shared_ptr<provider::ChatModel> metered) {
  return std::make_shared<ResilientChat>(std::move(metered), *parts_);
}

std::shared_ptr<provider::Embedder> Resilience::Wrap(std::shared_ptr<provider::Embedder> metered) {
  return std::make_shared<ResilientEmbedder>(std::move(metered), *parts_);
}

std::shared_ptr<provider::Reranker> Resilience::Wrap(std::shared_ptr<provider::Reranker> metered) {
  return std::make_shared<ResilientReranker>(std::move(metered), *parts_);
}

std::shared_ptr<provider::Moderator> Resilience::Wrap(
    std::shared_ptr<provider::Moderator> metered) {
  return std::make_shared<ResilientModerator>(std::move(metered), *parts_);
}

std::shared_ptr<provider::ChatModel> Resilience::MakeChat(PoolSpec spec, ModelFinder finder,
                                                          domain::ModelInfo facts) {
  return std::make_shared<ResilientChat>(std::move(spec), std::move(finder.chat), std::move(facts),
                                         *parts_);
}

std::shared_ptr<provider::Embedder> Resilience::MakeEmbedder(PoolSpec spec, ModelFinder finder,
                                                             domain::ModelInfo facts) {
  return std::make_shared<ResilientEmbedder>(std::move(spec), std::move(finder.embed),
                                             std::move(facts), *parts_);
}

std::shared_ptr<provider::Reranker> Resilience::MakeReranker(PoolSpec spec, ModelFinder finder,
                                                             domain::ModelInfo facts) {
  return std::make_shared<ResilientReranker>(std::move(spec), std::move(finder.rerank),
                                             std::move(facts), *parts_);
}

std::shared_ptr<provider::Moderator> Resilience::MakeModerator(PoolSpec spec, ModelFinder finder,
                                                               domain::ModelInfo facts) {
  return std::make_shared<ResilientModerator>(std::move(spec), std::move(finder.moderate),
                                              std::move(facts), *parts_);
}

}  // namespace strata::gateway
