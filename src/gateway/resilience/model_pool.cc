#include "gateway/model_pool.h"
#include "base/format_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace strata::gateway {
namespace {

constexpr std::array<std::string_view, 4> kBalances = {"weight", "load", "latency", "quota"};
constexpr std::array<std::string_view, 4> kStickies = {"none", "session", "user", "conversation"};
constexpr std::size_t kDeploymentsMax = 64;
constexpr int kWeightMax = 1000;
constexpr int kRetriesMax = 10;

template <class E, std::size_t N>
Result<E> Find(std::string_view field, std::string_view text,
               const std::array<std::string_view, N>& names) {
  auto at = std::ranges::find(names, text);
  if (at != names.end()) return static_cast<E>(at - names.begin());
  std::string known;
  for (auto name : names) known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
  return Fail(
      InvalidArgument(std::string(field), FormatMessage("'{}' is none of {}", text, Own(known))));
}

bool IsKb(std::string_view model) { return model.starts_with("kb/"); }

Result<> CheckTargets(const PoolSpec& spec) {
  std::set<std::string_view> seen;
  auto check = [&](std::string_view field, const std::string& model) -> Result<> {
    auto bad = [&](std::string_view what) {
      return Fail(InvalidArgument(std::string(field), FormatMessage("'{}' {}", model, Own(what))));
    };
    if (model.empty()) return Fail(InvalidArgument(std::string(field), "a model id is missing"));
    if (model == spec.id) return bad("is the model itself");
    if (IsKb(model)) return bad("is a knowledge base: name it in the request instead");
    if (!seen.insert(model).second) return bad("stands there twice");
    return {};
  };
  for (const auto& deployment : spec.deployments) {
    STRATA_CHECK_OK(check("deployments", deployment.model));
    if (deployment.weight < 1 || deployment.weight > kWeightMax) {
      return Fail(InvalidArgument("weight", FormatMessage("expected 1 to {}", kWeightMax)));
    }
  }
  for (const auto& model : spec.fallback) STRATA_CHECK_OK(check("fallback", model));
  return {};
}

}  // namespace

Result<Balance> ParseBalance(std::string_view text) {
  return Find<Balance>("balance", text, kBalances);
}
std::string_view BalanceName(Balance balance) {
  return kBalances.at(static_cast<std::size_t>(balance));
}
Result<Sticky> ParseSticky(std::string_view text) {
  return Find<Sticky>("sticky", text, kStickies);
}

Result<> CheckPool(const PoolSpec& spec) {
  bool plain = std::ranges::all_of(spec.id, [](char c) { return c > 0x20 && c != 0x7f; });
  if (spec.id.empty() || spec.id.size() > 256 || !plain) {
    return Fail(InvalidArgument("id", "expected 1 to 256 characters without spaces"));
  }
  if (IsKb(spec.id)) return Fail(InvalidArgument("id", "kb/ is the prefix of knowledge bases"));
  if (spec.deployments.empty() || spec.deployments.size() > kDeploymentsMax) {
    return Fail(InvalidArgument("deployments", FormatMessage("expected 1 to {}", kDeploymentsMax)));
  }
  STRATA_CHECK_OK(CheckTargets(spec));
  if (spec.retries && (*spec.retries < 0 || *spec.retries > kRetriesMax)) {
    return Fail(InvalidArgument("retries", FormatMessage("expected 0 to {}", kRetriesMax)));
  }
  return {};
}

}  // namespace strata::gateway
