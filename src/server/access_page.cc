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
| `kb.write` | creating, filling and deleting them; questions that name a document of a bucket |
| `metrics` | `/metrics` |
| `admin` | everything, and alone: keys, providers, traces, cost, backup |

Beside its role a key may be bound to models: then `kb/NAME` must be among them for every operation on that base, and listings leave the
others out. A base that `strata ask FOLDER` has made of a folder (`folder-` and twelve hexadecimal digits) is open only to keys with `kb.write`
and to those bound to that name itself, `kb/folder-…` or `kb/folder-*`: `*` and `kb/*` do not open it, nor does a key bound to nothing.

## Who may read a document

Which documents of a base are read is decided by the key's principals (`strata key create --principal user:7 --principal group:hr`), in
every way that text leaves a base. A document of which nothing is said is read by everybody in the workspace; one that names readers only
by a key that holds one of them. An administrator's key is no exception. They are named where the document comes from:

| where | form |
|---|---|
| a folder or bucket | beside `FILE`, `FILE.metadata.json`: `{"metadataAttributes": {"strata_principals": ["user:7", "group:hr"]}}` |
| `strata kb import` | in the line: `{"_id": "1", "text": "…", "strata_principals": ["user:7"]}` |
| IngestKnowledgeBaseDocuments | an inline attribute `strata_principals` (STRING_LIST), or `accessControlList`: `[{"name": "7", "type": "USER", "access": "ALLOW"}]` is `user:7`; `DENY` outweighs every `ALLOW` |
| files of a vector store | `attributes`: `{"strata_principals": ["user:7"]}`, one of them the key's own; a change of attributes that does not name readers leaves them as they are |

`strata_labels`, a list in the same places, says what a text is (`pii`, `eu-only`): answers inherit it, and it may not go where the
configuration does not clear it. Both are taken out of the attributes, so that no filter sees them. Every other name that begins with
`strata_`, one of these inside of another attribute, something else than a list, and an empty list are refused, and the document with
them: nobody may read it rather than everybody. Lists of a vector store's files name a document that was skipped, refused or cancelled to
its readers only, and to nobody new while what it says of them cannot be read. A base of a release that took them for plain attributes is brought up to this when it is
first opened: the readers and labels that its documents name hold from then on, and a document whose list is not of this form is FAILED,
with the reason, and in no search until it is imported again.

Retrieve, RetrieveAndGenerate and CheckIngestedDocumentAcl take an end user (`userContext.userId`), whose documents are read beside those
of the key. Only a key that was made for it may name one: `strata key create --acts-for user:7`, or `--acts-for 'user:*'` for all; else
the answer is 403. `admin` does not include it. The header `x-strata-subject` says whose request it is and opens nothing.

## Which operation needs which role

A key acts in its workspace (`--workspace NAME`, `default` when none is given): it sees the bases, routers, prompts, traces, cost and,
as an administrator, the keys of that one alone. What concerns the whole server is for administrators of the workspace `default`: keys of
other workspaces, backup, reload, replacing the server, the console, adding and removing providers, importing models. Others get 403, which
names this reason.

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
