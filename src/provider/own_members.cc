#include "provider/own_members.h"

#include <fmt/ranges.h>

#include "dialect/extra.h"

namespace strata::provider {

Result<> RefuseExtra(const domain::ChatRequest& request, RequestContext& ctx) {
  dialect::DropNotes notes;
  STRATA_CHECK_OK(dialect::RefuseExtra(request, notes));
  if (!notes.dropped().empty()) {
    ctx.span.Set("dropped", fmt::format("{}", fmt::join(notes.dropped(), "; ")));
  }
  return {};
}

}  // namespace strata::provider
