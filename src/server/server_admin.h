#pragma once
// Who may act on the whole server and not only on a workspace: administrators of the workspace
// "default".

#include <string_view>

#include "base/context.h"
#include "base/result.h"

namespace strata::server {

// Of a caller with the role "admin".
bool IsServerAdmin(const WorkspaceId& workspace);

// kPermissionDenied, saying why; `what`: "the data folder is backed up".
Result<> RequireServerAdmin(const RequestContext& ctx, std::string_view what);

}  // namespace strata::server
