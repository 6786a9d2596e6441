#pragma once
// Keeps requests alive while providers fail: retries with a budget, circuit breakers, balancing,
// stickiness, fallback chains and hedging, as wrappers of the metered models of single deployments.
// Every attempt is one metered call with its own ledger row; none is made after an event other than
// StreamStart was handed up. Decisions: docs/decisions/0007-resilience-above-the-meter.md.
//
//   Resilience resilience(ResilienceOptionsOf(options));
//   models.AddSource(resilience.Wrap(MeteredSource(source, journal)));   // "openai/gpt-4o"
//   models.AddChat(resilience.MakeChat(pool, finder, …), now);            // "chat-large"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/options.h"
#include "base/task.h"
#include "gateway/deployment_health.h"
#include "gateway/model_pool.h"
#include "provider/registry.h"

namespace strata::gateway {

struct ResilienceOptions {
  int retries = 2;
  std::chrono::milliseconds retry_base{200};
  std::chrono::milliseconds retry_max{5'000};
  std::chrono::milliseconds retry_after_max{2'000};
  double retry_share = 0.2;
  double retries_per_second = 10;
  BreakerOptions breaker;
};

// Options `resilience.*`.
OptionTable ResilienceOptionTable();
ResilienceOptions ResilienceOptionsOf(const Options& options);

// What tests replace.
struct ResilienceEnv {
  const Clock* clock = &SystemClock();
  std::function<double()> random;  // uniform in [0, 1); unset: the thread's own generator
  // Waits before a retry; unset: net::Sleep.
  std::function<Task<Result<>>(std::chrono::milliseconds, std::stop_token)> sleep;
};

// Finds the models that a pool's entries name: Registry::Chat and its siblings.
struct ModelFinder {
  std::function<Result<std::shared_ptr<provider::ChatModel>>(std::string_view id)> chat;
  std::function<Result<std::shared_ptr<provider::Embedder>>(std::string_view id)> embed;
  std::function<Result<std::shared_ptr<provider::Reranker>>(std::string_view id)> rerank;
  std::function<Result<std::shared_ptr<provider::Moderator>>(std::string_view id)> moderate;
};

// Thread-safe; outlives what it makes.
class Resilience {
 public:
  explicit Resilience(const ResilienceOptions& options, ResilienceEnv env = {});
  ~Resilience();

  // `source` with each of its models as a pool of one deployment: retries, breaker, health.
  // `source` holds metered models only.
  std::shared_ptr<provider::ModelSource> Wrap(std::shared_ptr<provider::ModelSource> source);
  std::shared_ptr<provider::ChatModel> Wrap(std::shared_ptr<provider::ChatModel> metered);
  std::shared_ptr<provider::Embedder> Wrap(std::shared_ptr<provider::Embedder> metered);
  std::shared_ptr<provider::Reranker> Wrap(std::shared_ptr<provider::Reranker> metered);
  std::shared_ptr<provider::Moderator> Wrap(std::shared_ptr<provider::Moderator> metered);

  // A configured model. `finder` is asked when requests come, as entries may name providers that
  // are added later, and must give metered models. `facts`: what listings show; its id is the
  // pool's.
  std::shared_ptr<provider::ChatModel> MakeChat(PoolSpec spec, ModelFinder finder,
                                                domain::ModelInfo facts);
  std::shared_ptr<provider::Embedder> MakeEmbedder(PoolSpec spec, ModelFinder finder,
                                                   domain::ModelInfo facts);
  std::shared_ptr<provider::Reranker> MakeReranker(PoolSpec spec, ModelFinder finder,
                                                   domain::ModelInfo facts);
  std::shared_ptr<provider::Moderator> MakeModerator(PoolSpec spec, ModelFinder finder,
                                                     domain::ModelInfo facts);

  // What is wrapped or made from here on has these; breakers take theirs at once.
  void SetOptions(const ResilienceOptions& options);

  HealthBoard& board() { return board_; }
  const HealthBoard& board() const { return board_; }

  struct Parts;  // what the wrappers share
  const Parts& parts() const { return *parts_; }

 private:
  HealthBoard board_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace strata::gateway
