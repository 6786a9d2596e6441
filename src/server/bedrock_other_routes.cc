// The operations of Bedrock that this server does not have: refused by name, as SDKs understand it.
// Also tells the router which operations carry an idempotency token.

#include "base/format_message.h"
#include "server/bedrock_operations.h"
#include "server/routes.h"

namespace strata::server {
namespace {

Error NotSupported(std::string_view operation) {
  return Error(Code::kUnsupported,
               FormatMessage("Operation {} is not supported by this server", Own(operation)));
}

RouteHandler Refuse(std::string_view operation) {
  return [operation](Exchange& e) -> Task<Result<>> {
    // The only two operations that a slash at the end tells apart.
    if (operation == "InvokeInlineAgent" && e.http.path().ends_with('/')) {
      co_return Fail(NotSupported("PrepareAgent"));
    }
    co_return Fail(NotSupported(operation));
  };
}

}  // namespace

void AddOtherBedrockRoutes(Router& router, Services&) {
  for (const auto& operation : BedrockOperations()) {
    if (auto* route = router.At(operation.method, operation.path)) {
      // Of several operations on one path, the route is that of its own name.
      if (route->operation == operation.name) route->token_member = operation.token;
      continue;
    }
    // One route stands for this pair; see Refuse.
    if (operation.name == "PrepareAgent") continue;
    router.Add({.method = std::string(operation.method),
                .pattern = std::string(operation.path),
                .face = operation.face,
                .operation = std::string(operation.name),
                .role = std::string(kAnyRole),
                .handler = Refuse(operation.name),
                .refused = true});
  }
}

}  // namespace strata::server
