#include "guard/model_access.h"

#include <fmt/format.h>

namespace strata::guard {

Result<> CheckModelAllowed(std::string_view model, const RequestContext& ctx) {
  if (ctx.models_allowed.empty()) return {};
  for (std::string_view entry : ctx.models_allowed) {
    bool prefix = entry.ends_with('*');
    if (prefix ? model.starts_with(entry.substr(0, entry.size() - 1)) : model == entry) return {};
  }
  return Fail(Code::kPermissionDenied, fmt::format("this key may not use model '{}'", model));
}

}  // namespace strata::guard
