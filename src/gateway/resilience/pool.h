#pragma once
// The deployments of one model as objects: found when first needed, kept from then on.

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
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

  bool Has(std::string_view id) const {
    return std::ranges::any_of(models, [id](const auto& model) { return model->Info().id == id; });
  }
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
  virtual std::vector<One> Own() = 0;  // without fallbacks, among which it may be itself
  virtual bool direct() const = 0;     // a model of a source, not of the configuration
};

// Thread-safe.
template <class Model>
class Pool {
 public:
  using Found = std::function<Result<std::shared_ptr<Model>>(std::string_view)>;
  using Set = Deployments<Model>;
  using One = typename HasDeployments<Model>::One;

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
    {
      const auto now = clock_.Steady();
      std::lock_guard lock(mutex_);
      if (set_ && (set_->missing.empty() || now < look_again_)) return set_;
      look_again_ = now + std::chrono::seconds(1);
    }
    // Without the lock, as finding models asks other pools.
    auto found = Find();
    std::lock_guard lock(mutex_);
    // Where another request has found all meanwhile, its lanes have taken turns.
    if (!set_ || !set_->missing.empty()) set_ = std::move(found);
    return set_;
  }

  // As HasDeployments has it: looks for the deployments alone, as pools may name each other as
  // fallbacks.
  std::vector<One> Own() {
    std::vector<Error> missing;
    return FindOwn(missing);
  }

  const PoolSpec& spec() const { return spec_; }
  bool direct() const { return fixed_ != nullptr; }

 private:
  // What cannot be found is left out and looked for again: its provider may be added later.
  std::shared_ptr<const Set> Find() {
    auto set = std::make_shared<Set>();
    for (auto& one : FindOwn(set->missing)) set->Add(std::move(one.model), board_, one.weight, 0);
    int tier = 0;
    for (const auto& model : spec_.fallback) AddFallback(*set, model, ++tier);
    return set;
  }

  std::vector<One> FindOwn(std::vector<Error>& missing) {
    std::vector<One> out;
    if (fixed_) out.push_back({fixed_->models.front()});
    for (const auto& deployment : spec_.deployments) {
      auto found = find_(deployment.model);
      if (!found.has_value()) {
        missing.push_back(std::move(found.error()));
        continue;
      }
      auto* pool = dynamic_cast<HasDeployments<Model>*>(found->get());
      if (pool == nullptr) {
        out.push_back({std::move(*found), deployment.weight});
      } else if (pool->direct()) {
        for (auto& one : pool->Own()) out.push_back({std::move(one.model), deployment.weight});
      }  // A configured model among the deployments would be a circle in the making.
    }
    return out;
  }

  // A configured model stands for its own deployments, and its fallbacks are left aside. What is
  // here already has been asked before.
  void AddFallback(Set& set, const std::string& id, int tier) {
    auto found = find_(id);
    if (!found.has_value()) {
      set.missing.push_back(std::move(found.error()));
      return;
    }
    auto* pool = dynamic_cast<HasDeployments<Model>*>(found->get());
    if (pool == nullptr) return set.Add(std::move(*found), board_, 1, tier);
    for (auto& one : pool->Own()) {
      if (set.Has(one.model->Info().id)) continue;
      set.Add(std::move(one.model), board_, one.weight, tier);
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
