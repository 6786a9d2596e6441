#include "server/access_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>

#include "server/admin_json.h"

namespace strata::server {
namespace {

namespace json = boost::json;

constexpr std::string_view kIntroduction = R"(# Who may call what

A key has roles (`strata key create --role ROLE`, several times for several; `invoke` when none is given). `admin` holds all the others.

| role | what for |
|---|---|
| `invoke` | asking: models, embeddings, retrieval, answers, and the requests that belong to them |
| `kb.read` | looking at knowledge bases, data sources, jobs and documents, not at what passages say |
| `kb.write` | creating, filling and deleting them |
| `metrics` | `/metrics` |
| `admin` | everything, and alone: keys, providers, traces, cost, backup |

Beside its role a key may be bound to models: then `kb/NAME` must be among them for every operation on that base, and listings leave the
others out. Which documents of a base are read is decided by the key's principals.

The prefixes `/openai`, `/anthropic`, `/bedrock` and `/gemini` lead to the same operations. "any" is any valid key, "none" needs no key:
pages open by the token in their address, `/metrics` by `server.metrics_access`.

This page is what the routes say; `strata key roles > docs/access.md` renews it.

)";

// In the order in which they were added; what is only refused by name is nobody's.
std::vector<const Route*> Served(const Router& router) {
  auto routes = router.All();
  std::erase_if(routes, [](const Route* route) { return route->refused; });
  return routes;
}

std::string Allowed(const Route& route) {
  if (route.role.empty()) return "none";
  if (route.role == kAnyRole) return "any";
  return route.role == "admin" ? "`admin`" : fmt::format("`{}`, `admin`", route.role);
}

Task<Result<>> List(const Router& router, Exchange& e) {
  if (net::QueryParameter(e.http.query(), "form") == "markdown") {
    net::Headers headers;
    headers.Set("content-type", "text/markdown; charset=utf-8");
    co_return co_await e.writer.Send(200, std::move(headers), AccessPage(router));
  }
  json::array items;
  for (const auto* route : Served(router)) {
    items.push_back({{"operation", route->operation},
                     {"method", route->method},
                     {"path", route->pattern},
                     {"api", FaceName(route->face)},
                     {"role", route->role}});
  }
  co_return co_await SendAdminJson(e,
                                   json::serialize(json::object{{"operations", std::move(items)}}));
}

}  // namespace

std::string AccessPage(const Router& router) {
  std::string out(kIntroduction);
  out += "| API | operation | request | roles |\n|---|---|---|---|\n";
  for (const auto* route : Served(router)) {
    fmt::format_to(std::back_inserter(out), "| {} | {} | `{} {}` | {} |\n", FaceName(route->face),
                   route->operation, route->method, route->pattern, Allowed(*route));
  }
  return out;
}

void AddAccessRoutes(Router& router) {
  router.Add({.method = "GET",
              .pattern = "/strata/v1/roles",
              .face = Face::kStrata,
              .operation = "list_roles",
              .role = std::string(kAnyRole),
              .handler = [r = &router](Exchange& e) { return List(*r, e); }});
}

}  // namespace strata::server
