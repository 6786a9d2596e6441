#include "route/policy_router.h"

#include <fmt/format.h>

#include <algorithm>

#include "route/chooser.h"

namespace strata::route {
namespace {

// The number in the learned router of the model that a candidate is; -1: none.
int NumberOf(const CandidateSpec& spec, const RouterState& state) {
  auto find = [&](std::string_view name) {
    auto at = std::ranges::find(state.candidates, name, &Candidate::name);
    return at == state.candidates.end() ? -1 : static_cast<int>(at - state.candidates.begin());
  };
  if (!spec.learned_as.empty()) return find(spec.learned_as);
  if (auto whole = find(spec.model); whole >= 0) return whole;
  auto slash = spec.model.rfind('/');
  return slash == std::string::npos ? -1 : find(std::string_view(spec.model).substr(slash + 1));
}

}  // namespace

Result<std::shared_ptr<const PolicyRouter>> PolicyRouter::Make(Parts parts) {
  std::vector<int> numbers(parts.definition.candidates.size(), -1);
  if (parts.learned) {
    const auto& state = parts.learned->state();
    std::size_t known = 0;
    bool fallback = false;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto& spec = parts.definition.candidates[i];
      numbers[i] = NumberOf(spec, state);
      if (numbers[i] < 0) continue;
      ++known;
      fallback = fallback || spec.model == parts.definition.fallback;
    }
    if (!fallback || known < 2) {
      std::string names;
      for (const auto& c : state.candidates) names += (names.empty() ? "" : ", ") + c.name;
      return Fail(InvalidArgument(
          "learned", fmt::format("must know the fallback '{}' and another candidate; it knows {}: "
                                 "say learned_as where names differ",
                                 parts.definition.fallback, names)));
    }
  }
  return std::shared_ptr<const PolicyRouter>(
      new PolicyRouter(std::move(parts), std::move(numbers)));
}

Result<Plan> PolicyRouter::Choose(const provider::RegistrySnapshot& models, const Signals& signals,
                                  const SessionMemory* session, const Capacity* capacity) const {
  return Chooser(*this, models, signals, session, capacity).Run();
}

}  // namespace strata::route
