// The x-strata headers of a request with any values: refused, or a context that is at most as free
// as the key's.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/request_scope.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// One header a line, "name: value".
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  strata::net::Headers headers;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    auto colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    headers.Add(std::string(line.substr(0, colon)), std::string(line.substr(colon + 2)));
  }
  strata::ManualClock clock;
  strata::RequestContext ctx;
  ctx.clock = &clock;
  ctx.deadline = clock.Steady() + std::chrono::seconds(600);
  const auto deadline = ctx.deadline;
  ctx.labels.Add("eu-only");
  ctx.regions_allowed = {"eu-central-1", "eu-west-1"};
  ctx.retention_max = strata::Retention{std::chrono::hours(48)};
  const auto allowed = ctx.regions_allowed;
  const auto taken = strata::gateway::TakeHeaders(headers, ctx);
  Require(ctx.deadline <= deadline);
  Require(ctx.labels.Has("eu-only"));
  Require(*ctx.retention_max <= strata::Retention{std::chrono::hours(48)});
  Require(!ctx.regions_allowed.empty());
  if (!taken.has_value()) return 0;
  for (const auto& region : ctx.regions_allowed) {
    Require(std::ranges::find(allowed, region) != allowed.end());
  }
  return 0;
}
