#include "guard/outbound.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace strata::guard {
namespace {

// In this process nothing leaves and nothing is kept.
bool IsLocal(const domain::ModelInfo& deployment) { return deployment.region == "local"; }

Result<> CheckRegion(const domain::ModelInfo& deployment, const RequestContext& ctx) {
  const auto& allowed = ctx.regions_allowed;
  if (allowed.empty() || std::ranges::find(allowed, deployment.region) != allowed.end()) return {};
  return Fail(
      Code::kPermissionDenied,
      fmt::format("this request may only use regions {}; {} runs in {}", fmt::join(allowed, ", "),
                  deployment.id,
                  deployment.region.empty() ? "a region it does not declare" : deployment.region));
}

Result<> CheckRetention(const domain::ModelInfo& deployment, const RequestContext& ctx) {
  if (!ctx.retention_max || *ctx.retention_max == Retention::Unlimited()) return {};
  if (deployment.retention && *deployment.retention <= *ctx.retention_max) return {};
  return Fail(
      Code::kPermissionDenied,
      fmt::format("this request allows a retention of {}; that of {} is {}",
                  FormatRetention(*ctx.retention_max), deployment.id,
                  deployment.retention ? FormatRetention(*deployment.retention) : "not declared"));
}

}  // namespace

Result<> CheckOutbound(const domain::ModelInfo& deployment, const RequestContext& ctx) {
  if (!IsLocal(deployment)) {
    STRATA_CHECK_OK(CheckRegion(deployment, ctx));
    STRATA_CHECK_OK(CheckRetention(deployment, ctx));
  }
  if (deployment.cleared_for_all_labels) return {};
  for (const auto& label : ctx.labels.names()) {
    if (deployment.clearance.Has(label)) continue;
    return Fail(Code::kPermissionDenied,
                fmt::format("label '{}' forbids {}: that deployment is cleared for [{}]", label,
                            deployment.id, fmt::join(deployment.clearance.names(), ", ")));
  }
  return {};
}

}  // namespace strata::guard
