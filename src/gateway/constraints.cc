#include "gateway/constraints.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/format_message.h"

namespace strata::gateway {
namespace {

namespace json = boost::json;

Result<> NarrowRegions(const std::vector<std::string>& asked, RequestContext& ctx) {
  auto& allowed = ctx.regions_allowed;
  if (asked.empty()) return {};
  if (allowed.empty()) {
    allowed = asked;
    return {};
  }
  auto before = fmt::format("{}", fmt::join(allowed, ", "));
  std::erase_if(
      allowed, [&](const auto& region) { return std::ranges::find(asked, region) == asked.end(); });
  if (!allowed.empty()) return {};
  allowed = {""};  // matches nothing that declares a region: stays closed if somebody goes on
  return Fail(Code::kPermissionDenied,
              FormatMessage("this key may only use regions {}", Own(before)));
}

}  // namespace

Constraints Constraints::Of(const RequestFacts& facts) {
  return {.labels = facts.labels,
          .regions = facts.regions_allowed,
          .retention_max = facts.retention_max};
}

Result<> Narrow(const Constraints& constraints, RequestContext& ctx) {
  ctx.labels.AddAll(constraints.labels);
  const auto& longest = constraints.retention_max;
  if (longest) ctx.retention_max = std::min(ctx.retention_max.value_or(*longest), *longest);
  return NarrowRegions(constraints.regions, ctx);
}

json::object ConstraintsJson(const Constraints& constraints) {
  json::object out{{"labels", json::value_from(constraints.labels.names())},
                   {"regions", json::value_from(constraints.regions)}};
  if (constraints.retention_max) out["retention"] = FormatRetention(*constraints.retention_max);
  return out;
}

Result<Constraints> ReadConstraints(const json::value& json) {
  Constraints out;
  try {
    const auto& tree = json.as_object();
    for (const auto& label : tree.at("labels").as_array()) out.labels.Add(label.as_string());
    out.regions = json::value_to<std::vector<std::string>>(tree.at("regions"));
    if (const auto* term = tree.if_contains("retention")) {
      STRATA_TRY(out.retention_max, ParseRetention(term->as_string()));
    }
  } catch (const std::exception& e) {
    return Fail(Code::kCorruption, fmt::format("constraints of kept work: {}", e.what()));
  }
  return out;
}

}  // namespace strata::gateway
