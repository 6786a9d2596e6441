#include "gateway/resilience/lane.h"

#include <algorithm>
#include <cmath>

#include "base/encoding.h"

namespace strata::gateway {
namespace {

// Weights in turns, so that a share of a quota is an integer too.
constexpr std::int64_t kTurnsPerWeight = 1000;

std::int64_t TurnWeight(const Lane& lane, Balance balance) {
  auto turns = lane.weight * kTurnsPerWeight;
  if (balance != Balance::kQuota) return turns;
  // A provider that does not say has all of it; one that has nothing left still gets a trickle, as
  // what it said may be old.
  double share = lane.health->QuotaShare();
  return share < 0 ? turns
                   : std::max<std::int64_t>(
                         static_cast<std::int64_t>(share * static_cast<double>(turns)), 1);
}

std::size_t ByTurns(const Lanes& lanes, std::span<const std::size_t> candidates, Balance balance) {
  std::int64_t total = 0;
  std::int64_t highest = 0;
  std::size_t best = candidates.front();
  for (auto at : candidates) {
    const auto& lane = *lanes[at];
    auto weight = TurnWeight(lane, balance);
    total += weight;
    auto turn = lane.turn.fetch_add(weight, std::memory_order_relaxed) + weight;
    if (at == candidates.front() || turn > highest) {
      highest = turn;
      best = at;
    }
  }
  lanes[best]->turn.fetch_sub(total, std::memory_order_relaxed);
  return best;
}

std::size_t ByLoad(const Lanes& lanes, std::span<const std::size_t> candidates,
                   const Random& random) {
  auto load = [&](std::size_t at) {
    return static_cast<double>(lanes[at]->health->in_flight() + 1) / lanes[at]->weight;
  };
  // From a random place on, so that ties do not all go to the first.
  auto start = static_cast<std::size_t>(random() * static_cast<double>(candidates.size()));
  std::size_t best = candidates[start % candidates.size()];
  for (auto at : candidates) {
    if (load(at) < load(best)) best = at;
  }
  return best;
}

// Mitzenmacher 2001: the better of two random ones is nearly as good as the best, and does not send
// everybody to the same one.
std::size_t ByLatency(const Lanes& lanes, std::span<const std::size_t> candidates, bool streamed,
                      const Random& random) {
  if (candidates.size() == 1) return candidates.front();
  auto pick = [&](std::size_t of) {
    return std::min(static_cast<std::size_t>(random() * static_cast<double>(of)), of - 1);
  };
  auto first = pick(candidates.size());
  auto second = pick(candidates.size() - 1);
  if (second >= first) ++second;
  auto a = candidates[first];
  auto b = candidates[second];
  auto cost = [&](std::size_t at) { return lanes[at]->health->Cost(streamed) / lanes[at]->weight; };
  return cost(b) < cost(a) ? b : a;
}

}  // namespace

std::size_t ChooseLane(const Lanes& lanes, std::span<const std::size_t> candidates, Balance balance,
                       bool streamed, const Random& random) {
  if (candidates.size() == 1) return candidates.front();
  switch (balance) {
    case Balance::kLoad:
      return ByLoad(lanes, candidates, random);
    case Balance::kLatency:
      return ByLatency(lanes, candidates, streamed, random);
    case Balance::kWeight:
    case Balance::kQuota:
      break;
  }
  return ByTurns(lanes, candidates, balance);
}

std::size_t StickyLane(const Lanes& lanes, std::span<const std::size_t> candidates,
                       std::uint64_t key) {
  auto score = [&](std::size_t at) {
    const auto& lane = *lanes[at];
    auto hash = Hash64(lane.health->id(), key);
    // In (0, 1), so that the logarithm is finite and not 0.
    double unit = (static_cast<double>(hash >> 11) + 0.5) * 0x1.0p-53;
    return -static_cast<double>(lane.weight) / std::log(unit);
  };
  std::size_t best = candidates.front();
  for (auto at : candidates) {
    if (score(at) > score(best)) best = at;
  }
  return best;
}

}  // namespace strata::gateway
