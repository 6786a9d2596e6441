#include "server/server_admin.h"

#include <fmt/format.h>

namespace strata::server {
namespace {

constexpr std::string_view kServerWorkspace = "default";

}  // namespace

bool IsServerAdmin(const WorkspaceId& workspace) { return workspace.value == kServerWorkspace; }

Result<> RequireServerAdmin(const RequestContext& ctx, std::string_view what) {
  if (IsServerAdmin(ctx.workspace)) return {};
  return Fail(Code::kPermissionDenied,
              fmt::format("{} by administrators of the workspace '{}' only, as it concerns the "
                          "whole server; this key is of the workspace '{}'",
                          what, kServerWorkspace, ctx.workspace.value));
}

}  // namespace strata::server
