#include "guard/outbound.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>

#include "base/format_message.h"
#include "guard/only_providers.h"

namespace strata::guard {
namespace {

// In this process nothing leaves and nothing is kept.
bool IsLocal(const domain::ModelInfo& deployment) { return deployment.region == "local"; }

Result<> CheckRegion(const domain::ModelInfo& deployment, const RequestContext& ctx) {
  const auto& allowed = ctx.regions_allowed;
  if (allowed.empty() || std::ranges::find(allowed, deployment.region) != allowed.end()) return {};
  return Fail(Code::kPermissionDenied,
              FormatMessage("this request may only use regions {}; {} runs in {}",
                            Own(fmt::format("{}", fmt::join(allowed, ", "))), Own(deployment.id),
                            Own(deployment.region.empty() ? "a region it does not declare"
                                                          : std::string_view(deployment.region))));
}

Result<> CheckRetention(const domain::ModelInfo& deployment, const RequestContext& ctx) {
  if (!ctx.retention_max || *ctx.retention_max == Retention::Unlimited()) return {};
  if (deployment.retention && *deployment.retention <= *ctx.retention_max) return {};
  return Fail(Code::kPermissionDenied,
              FormatMessage("this request allows a retention of {}; that of {} is {}",
                            Own(FormatRetention(*ctx.retention_max)), Own(deployment.id),
                            Own(deployment.retention ? FormatRetention(*deployment.retention)
                                                     : "not declared")));
}

// Pools and routers are no deployments: theirs are asked one by one.
Result<> CheckProvider(std::string_view names, const domain::ModelInfo& deployment) {
  if (!deployment.can.chat || deployment.upstream_id.empty()) return {};
  for (auto name : std::views::split(names, ' ')) {
    if (std::string_view(name.begin(), name.end()) == deployment.provider) return {};
  }
  return Fail(
      Code::kPermissionDenied,
      FormatMessage("this request can only go to {}, which keeps what it goes on from or alone "
                    "can serve it; {} is another provider's",
                    Own(names), Own(deployment.id)));
}

}  // namespace

Result<> CheckOutbound(const domain::ModelInfo& deployment, const RequestContext& ctx) {
  if (!IsLocal(deployment)) {
    STRATA_CHECK_OK(CheckRegion(deployment, ctx));
    STRATA_CHECK_OK(CheckRetention(deployment, ctx));
  }
  for (const auto& label : ctx.labels.names()) {
    if (label.starts_with(kOnlyProviders)) {
      STRATA_CHECK_OK(
          CheckProvider(std::string_view(label).substr(kOnlyProviders.size()), deployment));
      continue;
    }
    if (deployment.cleared_for_all_labels || deployment.clearance.Has(label)) continue;
    return Fail(
        Code::kPermissionDenied,
        FormatMessage("label '{}' forbids {}: that deployment is cleared for [{}]", Own(label),
                      Own(deployment.id),
                      Own(fmt::format("{}", fmt::join(deployment.clearance.names(), ", ")))));
  }
  return {};
}

}  // namespace strata::guard
