#pragma once
// A configured model: one id for several deployments, with the way of choosing among them. From
// the `models:` list of the configuration file.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::gateway {

enum class Balance : std::uint8_t {
  kWeight,   // by weight, smoothly in turn
  kLoad,     // fewest attempts under way for its weight
  kLatency,  // the better of two, by peak EWMA of latency × attempts under way
  kQuota,    // by weight × what is left of the provider's rate limit
};
Result<Balance> ParseBalance(std::string_view text);  // "weight", "load", "latency", "quota"
std::string_view BalanceName(Balance balance);

// What keeps a caller at one deployment, so that its prompt cache stays warm.
enum class Sticky : std::uint8_t {
  kNone,
  kSession,       // header x-strata-session
  kUser,          // that header, else the end user of the request
  kConversation,  // that header, else how the conversation begins
};
Result<Sticky> ParseSticky(std::string_view text);

struct PoolDeployment {
  std::string model;  // "openai/gpt-4o", or a model of this process
  int weight = 1;     // 1..1000
  friend bool operator==(const PoolDeployment&, const PoolDeployment&) = default;
};

struct PoolSpec {
  std::string id = {};
  std::vector<PoolDeployment> deployments = {};
  Balance balance = Balance::kWeight;
  Sticky sticky = Sticky::kNone;
  std::vector<std::string> fallback = {};  // models asked in this order when no deployment answers
  std::optional<int> retries = {};         // unset: resilience.retries
  std::chrono::milliseconds hedge_after{0};      // 0: never
  std::chrono::milliseconds first_token_max{0};  // of one attempt; 0: a share of what is left
  friend bool operator==(const PoolSpec&, const PoolSpec&) = default;
};

// Everything that is wrong with `spec` alone, naming the member.
Result<> CheckPool(const PoolSpec& spec);

}  // namespace strata::gateway
