// Tests of two versions of a router over /strata/v1/routers/{name}/ab: start, show, stop.

#include <fmt/format.h>

#include <boost/json.hpp>

#include "dialect/json_value.h"
#include "job/evaluation.h"
#include "learn/arm_comparison.h"
#include "server/admin_json.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

constexpr std::int64_t kVersionMax = 1'000'000;

Result<RouterTest> DecodeTest(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"a", "b", "share", "by"}));
  RouterTest test;
  auto on_trial = top.Get("b");
  STRATA_TRY(auto b, on_trial.Integer(1, kVersionMax));
  test.b = static_cast<int>(b);
  if (auto other = top.Get("a"); other.present()) {
    STRATA_TRY(auto a, other.Integer(1, kVersionMax));
    test.a = static_cast<int>(a);
  }
  if (auto share = top.Get("share"); share.present()) {
    STRATA_TRY(test.share, share.Double(0, 1));
    if (test.share <= 0 || test.share >= 1) {
      return Fail(share.Wrong("expected more than 0 and less than 1: both versions are asked"));
    }
  }
  if (auto by = top.Get("by"); by.present()) {
    STRATA_TRY(auto name, by.OneOf({"session", "user", "key"}));
    STRATA_TRY(test.unit, ParseTestUnit(name));
  }
  return test;
}

json::object Encode(const RouterTest& test) {
  json::object out{{"id", test.id},
                   {"a", test.a},
                   {"b", test.b},
                   {"share", test.share},
                   {"by", TestUnitName(test.unit)},
                   {"started", FormatIso8601(test.started)}};
  if (test.ended) out["ended"] = FormatIso8601(*test.ended);
  return out;
}

double Usd(domain::Money money) { return static_cast<double>(money.picousd) * 1e-12; }

// Of the ledger: model calls of the version while the test ran, also those that named it outright.
json::object CostOf(const std::vector<observe::CostLine>& lines, const std::string& version) {
  json::object out{{"calls", 0}, {"usd", 0.0}, {"unpriced_calls", 0}};
  for (const auto& line : lines) {
    if (line.group != version) continue;
    out["calls"] = line.calls;
    out["usd"] = Usd(line.cost);
    out["unpriced_calls"] = line.unpriced_calls;
    if (!line.compared) continue;
    out["requests_compared"] = line.compared->requests;
    out["always_strong_usd"] = Usd(line.compared->strong);
    out["spent_usd"] = Usd(line.compared->spent);
  }
  return out;
}

Task<Result<json::object>> Report(Services& s, const StoredRouter& router, const RouterTest& test) {
  std::string id = test.id;
  STRATA_CO_TRY(auto said,
                co_await s.evaluation.feedback().OfTest(std::move(id), router.workspace));
  observe::CostQuery query;
  query.by = observe::CostQuery::By::kRouter;
  query.workspace = router.workspace;
  query.from = test.started;
  query.until = test.ended;
  STRATA_CO_TRY(auto lines, co_await s.ledger.Cost(std::move(query)));
  auto compared = learn::CompareArms(said.a, said.b);
  auto arm = [&](int version, const std::vector<double>& units, std::size_t feedback, double mean) {
    auto name = fmt::format("router/{}:{}", router.name, version);
    auto out = CostOf(lines, name);
    out["version"] = name;
    out["units"] = units.size();
    out["feedback"] = feedback;
    out["praise"] = mean;
    return out;
  };
  json::object difference{{"estimate", compared.difference}, {"low", compared.low},
                          {"high", compared.high},           {"p", compared.p},
                          {"decided", compared.decided},     {"units_min", learn::kArmUnitsMin}};
  json::object out{{"router", "router/" + router.name}, {"test", Encode(test)}};
  out["a"] = arm(test.a, said.a, said.feedback_a, compared.mean_a);
  out["b"] = arm(test.b, said.b, said.feedback_b, compared.mean_b);
  out["difference"] = std::move(difference);
  co_return out;
}

Task<Result<>> Start(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto test, DecodeTest(e.http.body));
  std::string name = e.params.at(0);
  STRATA_CO_TRY(auto router,
                co_await s.routers.StartTest(std::move(name), std::move(test), e.ctx.workspace));
  json::object out{{"router", "router/" + router.name}, {"test", Encode(router.tests.front())}};
  co_return co_await SendAdminJson(e, json::serialize(out));
}

// The test that runs, else the last one.
Task<Result<>> Show(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto router, s.routers.Get(e.params.at(0), e.ctx.workspace));
  if (router.tests.empty()) co_return Fail(NotFound("test of router", router.name));
  STRATA_CO_TRY(auto report, co_await Report(s, router, router.tests.front()));
  co_return co_await SendAdminJson(e, json::serialize(report));
}

Task<Result<>> Stop(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  JsonField top(parsed);
  STRATA_CO_CHECK_OK(top.ExpectObject());
  STRATA_CO_CHECK_OK(top.OnlyMembers({"keep"}));
  int keep = 0;
  if (auto field = top.Get("keep"); field.present()) {
    STRATA_CO_TRY(auto version, field.Integer(1, kVersionMax));
    keep = static_cast<int>(version);
  }
  std::string name = e.params.at(0);
  STRATA_CO_TRY(auto router, co_await s.routers.StopTest(std::move(name), keep, e.ctx.workspace));
  STRATA_CO_TRY(auto report, co_await Report(s, router, router.tests.front()));
  report["current"] = router.current;
  co_return co_await SendAdminJson(e, json::serialize(report));
}

}  // namespace

void AddAdminRouterTestRoutes(Router& router, Services& services) {
  const AdminOperations add(router, services);
  add("POST", "/strata/v1/routers/{name}/ab", "start_router_test", Start);
  add("GET", "/strata/v1/routers/{name}/ab", "get_router_test", Show);
  add("POST", "/strata/v1/routers/{name}/ab/stop", "stop_router_test", Stop);
}

}  // namespace strata::server
