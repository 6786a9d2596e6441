#pragma once
// What the scarce capacity of a model costs: a price on its tokens that rises as its quota runs
// out, so that the requests that gain most from it get it.
//
// An online primal-dual method. A request takes the candidate of the largest value − price · tokens
// (the dual's best response); the price of a deployment follows what was spent less what was
// refilled. A provider's bucket holds just that sum, so that the price is a function of its level:
// dual mirror descent (Balseiro, Lu, Mirrokni 2023, "The Best of Many Worlds: Dual Mirror Descent
// for Online Allocation Problems") whose exponential form is that of Buchbinder, Naor 2009, "The
// Design of Competitive Online Algorithms via a Primal-Dual Approach"; with what requests gain
// learned on the way, as in bandits with knapsacks (Badanidiyuru, Kleinberg, Slivkins 2018).
// bench/router measures it against the offline optimum.

#include <atomic>
#include <cstdint>
#include <vector>

namespace strata::route {

// What is left of what a model can take.
struct Headroom {
  double quota_left = -1;  // share of the provider's rate limit; -1: it does not say
  double queue = 0;        // 0: nobody waits; 1: full

  bool known() const { return quota_left >= 0 || queue > 0; }
  // The share of the scarcer of both that is taken, 0..1.
  double Used() const;
};

// Of one version of a router, a price a candidate, in units of its objective (dollars, or quality)
// for a token. Thread-safe; simultaneous lessons may be lost, which averages do not mind.
class ShadowPrices {
 public:
  explicit ShadowPrices(std::size_t candidates) : stakes_(candidates) {}

  // 0 while nothing is taken, or nothing is known of what is at stake; what is usually at stake at
  // one half, and seven times that when all is taken.
  double PerToken(std::size_t candidate, double used) const;

  // What a request gains a token from this candidate over its best other choice, prices included.
  // Gains of nothing or less say that it is not wanted, and are left out.
  void Learn(std::size_t candidate, double gain_per_token);

 private:
  struct Stake {
    std::atomic<double> mean{0};
    std::atomic<std::uint32_t> seen{0};
  };
  std::vector<Stake> stakes_;
};

}  // namespace strata::route
