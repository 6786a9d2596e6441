#pragma once
// Which roles may call what: the page docs/access.md, made from the routes themselves.

#include <string>

#include "server/router.h"

namespace strata::server {

// Markdown: what each role is for, and a row an operation. Operations that are only refused by name
// are left out.
std::string AccessPage(const Router& router);

// GET /strata/v1/roles for every key: {"operations": [{"operation", "method", "path", "api",
// "role"}]}, role "" for what needs no key and "*" for any; ?form=markdown is the page. `router`
// outlives the handler; all other routes are added by then.
void AddAccessRoutes(Router& router);

}  // namespace strata::server
