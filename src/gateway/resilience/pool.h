#pragma once
// The deployments of one model as objects: found when first needed, kept from then on.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/resilience.h"
#include "gateway/resilience/attempts.h"
#include "gateway/resilience/lane.h"

namespace strata::gateway {

// Thread-safe.
struct Resilience::Parts {
  Parts(const ResilienceOptions& options, ResilienceEnv all_set, HealthBoard& shared)
      : env(std::move(all_set)), board(shared), options_(options) {}

  // Those in force now; a wrapper keeps the ones that it was made with.
  ResilienceOptions Options() const {
    std::lock_guard lock(mutex_);
    return options_;
  }
  RetryBudgetOptions Budget() const {
    const auto now = Options();
    return {now.retry_share, now.retries_per_second};
  }
  void SetOptions(const ResilienceOptions& options) {
    std::lock_guard lock(mutex_);
    options_ = options;
  }

  const ResilienceEnv env;
  HealthBoard& board;

 private:
  mutable std::mutex mutex_;
  ResilienceOptions options_;
};

AttemptRules RulesOf(const PoolSpec& spec, const ResilienceOptions& options);

// What a pool of which no deployment is there answers. `missing`: why each is not.
Error NoDeployment(std::string_view pool, const std::vector<Error>& missing);

// Lanes and, at the same places, their models. Immutable but for the lanes' turns.
template <class Model>
struct Deployments {
  std::vector<std::shared_ptr<Model>> models;
  Lanes lanes;                 // refer to the models' infos
  std::vector<Error> missing;  // why deployments that the pool names are not among them

  void Add(std::shared_ptr<Model> model, HealthBoard& board, int weight, int tier) {
    const auto& info = model->Info();
    lanes.push_back(std::make_unique<Lane>(info, board.Of(info.id, info.provider), weight, tier));
    models.push_back(std::move(model));
  }
};

// A model that is a pool, seen from another pool that names it.
template <class Model>
class HasDeployments {
 public:
  virtual ~HasDeployments() = default;
  struct One {
    std::shared_ptr<Model> model;  // metered
    int weight = 1;
  };
  virtual std::vector<One> Own() = 0;  // without fallbacks
  virtual bool direct() const = 0;     // a model of a source, not of the configuration
};

// Thread-safe.
template <class Model>
class Pool {
 public:
  using Found = std::function<Result<std::shared_ptr<Model>>(std::string_view)>;
  using Set = Deployments<Model>;

  Pool(PoolSpec spec, Found find, HealthBoard& board, const Clock& clock)
      : spec_(std::move(spec)), find_(std::move(find)), board_(board), clock_(clock) {}

  // A pool of one, found already.
  Pool(PoolSpec spec, std::shared_ptr<Model> only, HealthBoard& board, const Clock& clock)
      : spec_(std::move(spec)), board_(board), clock_(clock) {
    auto set = std::make_shared<Set>();
    set->Add(std::move(only), board, 1, 0);
    set_ = fixed_ = std::move(set);
  }

  std::shared_ptr<const Set> Get() {
    if (fixed_) return fixed_;
    std::lock_guard lock(mutex_);
    auto now = clock_.Steady();
    if (!set_ || (!set_->missing.empty() && now >= look_again_)) {
      set_ = Find();
      look_again_ = now + std::chrono::seconds(1);
    }
    return set_;
  }

  std::vector<typename HasDeployments<Model>::One> Own() {
    std::vector<typename HasDeployments<Model>::One> out;
    auto set = Get();
    for (std::size_t i = 0; i < set->models.size(); ++i) {
      const auto& lane = *set->lanes[i];
      if (lane.tier == 0) out.push_back({set->models[i], lane.weight});
    }
    return out;
  }

  const PoolSpec& spec() const { return spec_; }
  bool direct() const { return fixed_ != nullptr; }

 private:
  std::shared_ptr<const Set> Find() {
    auto set = std::make_shared<Set>();
    for (const auto& deployment : spec_.deployments) {
      AddFound(*set, deployment.model, deployment.weight, 0);
    }
    int tier = 0;
    for (const auto& model : spec_.fallback) AddFound(*set, model, 1, ++tier);
    return set;
  }

  // What cannot be found is left out and looked for again: its provider may be added later.
  void AddFound(Set& set, const std::string& id, int weight, int tier) {
    auto found = find_(id);
    if (!found.has_value()) {
      set.missing.push_back(std::move(found.error()));
      return;
    }
    auto* pool = dynamic_cast<HasDeployments<Model>*>(found->get());
    if (pool == nullptr) return set.Add(std::move(*found), board_, weight, tier);
    // A configured model among the deployments would be a circle in the making; as a fallback it
    // stands for its own deployments, and its fallbacks are left aside.
    if (tier == 0 && !pool->direct()) return;
    for (auto& one : pool->Own()) {
      set.Add(std::move(one.model), board_, pool->direct() ? weight : one.weight, tier);
    }
  }

  const PoolSpec spec_;
  const Found find_;
  HealthBoard& board_;
  const Clock& clock_;
  std::shared_ptr<const Set> fixed_;  // of a pool of one
  std::mutex mutex_;
  std::shared_ptr<const Set> set_;
  SteadyTime look_again_{};
};

}  // namespace strata::gateway
