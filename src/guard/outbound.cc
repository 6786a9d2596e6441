#include "guard/outbound.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace strata::guard {

Result<> CheckOutbound(const domain::ModelInfo& deployment, const RequestContext& ctx) {
  const auto& allowed = ctx.regions_allowed;
  // "local" never leaves this process, so no region rule can forbid it.
  bool restricted = !allowed.empty() && deployment.region != "local";
  if (restricted && std::find(allowed.begin(), allowed.end(), deployment.region) == allowed.end()) {
    return Fail(Code::kPermissionDenied,
                fmt::format("this key may only use regions {}; {} runs in {}",
                            fmt::join(allowed, ", "), deployment.id,
                            deployment.region.empty() ? "a region it does not declare"
                                                      : deployment.region));
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
