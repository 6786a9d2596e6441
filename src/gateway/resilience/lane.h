#pragma once
// The deployments that one model may be answered by, and the choice among them.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "domain/model_info.h"
#include "gateway/deployment_health.h"
#include "gateway/model_pool.h"

namespace strata::gateway {

// Uniform in [0, 1).
using Random = std::function<double()>;

// One deployment in the list of one model. Shared by threads; only `turn` changes.
struct Lane {
  Lane(const domain::ModelInfo& model_info, std::shared_ptr<DeploymentHealth> lane_health,
       int lane_weight, int lane_tier)
      : info(model_info), health(std::move(lane_health)), weight(lane_weight), tier(lane_tier) {}

  const domain::ModelInfo& info;  // of a model that whoever holds the lane keeps alive
  std::shared_ptr<DeploymentHealth> health;
  int weight;
  int tier;                                   // 0: the model's own; 1, 2, …: its fallbacks
  mutable std::atomic<std::int64_t> turn{0};  // of the smooth weighted round robin
};
using Lanes = std::vector<std::unique_ptr<Lane>>;

// One of `candidates` (indices into `lanes`, at least one). Weighted turns are nginx's smooth
// weighted round robin; two threads at once may take the same turn, the shares stay right.
std::size_t ChooseLane(const Lanes& lanes, std::span<const std::size_t> candidates, Balance balance,
                       bool streamed, const Random& random);

// The candidate that `key` belongs to: weighted rendezvous hashing (Thaler, Ravishankar 1998;
// weights by Mosko, Schindelhauer: −w / ln h). A lane that goes moves only its own keys, and one
// that comes back gets them back.
std::size_t StickyLane(const Lanes& lanes, std::span<const std::size_t> candidates,
                       std::uint64_t key);

}  // namespace strata::gateway
