// The running server itself over /strata/v1: reload, hand-over to a successor.

#include <unistd.h>

#include <boost/json.hpp>

#include "base/log.h"
#include "base/pool.h"
#include "server/admin_json.h"
#include "server/server_admin.h"

namespace strata::server {
namespace {

namespace json = boost::json;

Task<Result<>> Reload(Services& s, Exchange& e) {
  STRATA_CO_CHECK_OK(RequireServerAdmin(e.ctx, "the configuration is read again"));
  auto work = [&s]() { return s.reloader.Reload(); };
  STRATA_CO_TRY(auto report, co_await RunBlocking(s.ops_pool, std::move(work)));
  json::object out{{"changed", json::value_from(report.changed)},
                   {"need_restart", json::value_from(report.restart)}};
  co_return co_await SendAdminJson(e, json::serialize(out));
}

// Asked by a successor that listens on the same addresses already. The folder's lock is free once
// the requests that run here have ended.
Task<Result<>> HandOver(Services& s, Exchange& e) {
  STRATA_CO_CHECK_OK(RequireServerAdmin(e.ctx, "a server is replaced"));
  if (!s.hand_over) co_return Fail(Code::kUnsupported, "this process serves nobody");
  json::object out{{"pid", ::getpid()},
                   {"drain_timeout_s", s.live.Now()->settings.drain_timeout.count()}};
  STRATA_CO_CHECK_OK(co_await SendAdminJson(e, json::serialize(out)));
  Log(Level::kInfo, "server.hand_over", {{"asked_by", e.ctx.key.value}});
  s.hand_over();
  co_return Result<>{};
}

}  // namespace

void AddAdminServerRoutes(Router& router, Services& services) {
  auto add = [&](std::string pattern, std::string operation, RouteHandler handler) {
    router.Add({.method = "POST",
                .pattern = std::move(pattern),
                .face = Face::kStrata,
                .operation = std::move(operation),
                .role = "admin",
                .handler = std::move(handler)});
  };
  add("/strata/v1/reload", "reload", [s = &services](Exchange& e) { return Reload(*s, e); });
  add("/strata/v1/hand-over", "hand_over",
      [s = &services](Exchange& e) { return HandOver(*s, e); });
}

}  // namespace strata::server
