// bench_quota: what prices of quotas keep of what could be had, when the models that requests would
// take are asked for one and a half times as much as their providers allow.
//
// Made-up requests (seeded) of different length and difficulty ask three models; two have a quota
// of tokens a minute, as a bucket that refills, and say two seconds later how much of it is left,
// as providers do in their headers. A request is worth its quality; one that finds no quota is
// refused there and takes its next choice.
//
//   greedy     the most valuable model that has quota left
//   priced     route::ShadowPrices, the class that the gateway uses
//   optimum    of the linear program that knows all requests and may move quota freely within the
//              hour: its dual value, an upper bound of what any policy can have
//
// "of what routing adds" leaves out what the model without a quota would have given everybody.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <numbers>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "route/shadow_price.h"

namespace {

using strata::Rng;
using strata::route::Headroom;
using strata::route::ShadowPrices;

constexpr std::size_t kModels = 3;
constexpr std::size_t kLimited = 2;  // the first two
constexpr double kMinutes = 60;
constexpr double kPerSecond = 5;
constexpr double kOverload = 1.5;
constexpr double kHeaderDelay = 2;  // seconds
constexpr double kRequired = 0.95;

struct Request {
  double at = 0;  // seconds
  double tokens = 0;
  std::array<double, kModels> value{};
};

enum class Traffic : std::uint8_t { kSteady, kWaves };

std::vector<Request> MakeRequests(std::uint64_t seed, Traffic traffic) {
  Rng rng(seed);
  std::vector<Request> out;
  double at = 0;
  while (true) {
    double rate = kPerSecond;
    if (traffic == Traffic::kWaves) rate *= 1 + 0.6 * std::sin(2 * std::numbers::pi * at / 1800);
    at += -std::log(1 - rng.Unit()) / rate;
    if (at >= 60 * kMinutes) return out;
    double hard = std::pow(rng.Unit(), 1.3);
    Request request{.at = at,
                    .tokens = std::clamp(std::exp(6.2 + 0.8 * rng.Gaussian()), 50.0, 6e3)};
    constexpr std::array<double, kModels> kEasy = {0.95, 0.92, 0.88};
    constexpr std::array<double, kModels> kLoss = {0.08, 0.35, 0.65};
    for (std::size_t m = 0; m < kModels; ++m) {
      request.value[m] = std::clamp(kEasy[m] - kLoss[m] * hard + 0.04 * rng.Gaussian(), 0.0, 1.0);
    }
    out.push_back(request);
  }
}

using Quotas = std::array<double, kLimited>;  // tokens a minute

std::size_t Best(const std::array<double, kModels>& value) {
  return static_cast<std::size_t>(std::ranges::max_element(value) - value.begin());
}

// So that the first model is asked for kOverload times its quota; the second is scarce as well.
Quotas MakeQuotas(const std::vector<Request>& requests) {
  double first = 0, all = 0;
  for (const auto& r : requests) {
    all += r.tokens;
    if (Best(r.value) == 0) first += r.tokens;
  }
  return {first / kMinutes / kOverload, 0.15 * all / kMinutes};
}

// The dual value of: choose shares of each request's models, within the quotas of the whole hour.
double Optimum(const std::vector<Request>& requests, const Quotas& quotas) {
  Quotas capacity{};
  for (std::size_t j = 0; j < kLimited; ++j) capacity[j] = quotas[j] * (kMinutes + 1);
  Quotas price{};
  double least = 1e300;
  for (int step = 0; step < 600; ++step) {
    double dual = 0;
    Quotas used{};
    for (std::size_t j = 0; j < kLimited; ++j) dual += price[j] * capacity[j];
    for (const auto& r : requests) {
      auto net = r.value;
      for (std::size_t j = 0; j < kLimited; ++j) net[j] -= price[j] * r.tokens;
      auto m = Best(net);
      dual += std::max(net[m], 0.0);
      if (m < kLimited) used[m] += r.tokens;
    }
    least = std::min(least, dual);
    for (std::size_t j = 0; j < kLimited; ++j) {
      price[j] = std::max(0.0, price[j] + 0.002 / (1 + step) * (used[j] / capacity[j] - 1));
    }
  }
  return least;
}

enum class Policy : std::uint8_t { kGreedy, kPriced };

// The buckets of the providers, and what is known of them.
class Providers {
 public:
  explicit Providers(const Quotas& quotas) : quotas_(quotas), level_(quotas) { known_.fill(1); }

  void Advance(double now) {
    for (std::size_t j = 0; j < kLimited; ++j) {
      level_[j] = std::min(quotas_[j], level_[j] + quotas_[j] * (now - now_) / 60);
      // As the gateway reckons: a minute refills all.
      known_[j] = std::min(1.0, known_[j] + (now - now_) / 60);
    }
    now_ = now;
    for (; !headers_.empty() && headers_.front().at <= now; headers_.pop_front()) {
      known_[headers_.front().model] = headers_.front().left;
    }
  }
  bool Take(std::size_t model, double tokens) {
    if (model >= kLimited) return true;
    if (level_[model] < tokens) return false;
    level_[model] -= tokens;
    headers_.push_back({now_ + kHeaderDelay, model, level_[model] / quotas_[model]});
    return true;
  }
  Headroom Left(std::size_t model) const { return {.quota_left = known_[model]}; }

 private:
  struct Header {
    double at = 0;
    std::size_t model = 0;
    double left = 0;
  };
  const Quotas quotas_;
  Quotas level_, known_{};
  double now_ = 0;
  std::deque<Header> headers_;
};

double Run(const std::vector<Request>& requests, const Quotas& quotas, Policy policy) {
  Providers providers(quotas);
  ShadowPrices prices(kModels);
  double kept = 0;
  for (const auto& r : requests) {
    providers.Advance(r.at);
    auto net = r.value;
    if (policy == Policy::kPriced) {
      for (std::size_t j = 0; j < kLimited; ++j) {
        net[j] -= prices.PerToken(j, providers.Left(j).Used()) * r.tokens;
      }
      for (std::size_t j = 0; j < kLimited; ++j) {
        double other = -1e300;
        for (std::size_t m = 0; m < kModels; ++m) other = m == j ? other : std::max(other, net[m]);
        prices.Learn(j, (r.value[j] - other) / r.tokens);
      }
    }
    for (auto m = Best(net); !providers.Take(m, r.tokens); m = Best(net)) net[m] = -1e300;
    // Best(net) is the model that took it.
    kept += r.value[Best(net)];
  }
  return kept;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t first = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  fmt::print("{:<8} {:>5} {:>9} {:>9} {:>9}   {:>7} {:>7}  of what routing adds\n", "traffic",
             "seed", "requests", "greedy", "priced", "greedy", "priced");
  double least = 1;
  for (auto [traffic, name] :
       {std::pair(Traffic::kSteady, "steady"), std::pair(Traffic::kWaves, "waves")}) {
    for (std::uint64_t seed = first; seed < first + 5; ++seed) {
      auto requests = MakeRequests(seed, traffic);
      auto quotas = MakeQuotas(requests);
      double optimum = Optimum(requests, quotas);
      double base = 0;
      for (const auto& r : requests) base += r.value[kModels - 1];
      double greedy = Run(requests, quotas, Policy::kGreedy);
      double priced = Run(requests, quotas, Policy::kPriced);
      least = std::min(least, priced / optimum);
      fmt::print("{:<8} {:>5} {:>9} {:>9.4f} {:>9.4f}   {:>7.3f} {:>7.3f}\n", name, seed,
                 requests.size(), greedy / optimum, priced / optimum,
                 (greedy - base) / (optimum - base), (priced - base) / (optimum - base));
    }
  }
  fmt::print("least share of the offline optimum that is kept: {:.4f}; required {:.2f}\n", least,
             kRequired);
  return least >= kRequired ? 0 : 2;
}
