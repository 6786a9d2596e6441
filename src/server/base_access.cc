#include "server/base_access.h"

#include <fmt/format.h>

#include "guard/model_access.h"
#include "knowledge/answerer.h"

namespace strata::server {

Result<> CheckBaseNameAllowed(std::string_view name, const RequestContext& ctx) {
  return guard::CheckModelAllowed(fmt::format("{}/{}", knowledge::kKbProvider, name), ctx);
}

Result<> CheckBaseAllowed(const knowledge::KnowledgeBases& bases, std::string_view id,
                          const RequestContext& ctx) {
  if (id.empty()) return {};
  STRATA_TRY(auto base, bases.Get(id, ctx.workspace));
  return CheckBaseNameAllowed(base.name, ctx);
}

}  // namespace strata::server
