#include "server/routers/router_tests.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"

namespace strata::server {
namespace {

constexpr std::array<std::string_view, 3> kUnits = {"session", "user", "key"};
constexpr std::int64_t kTestsShown = 20;

std::string_view UnitOf(TestUnit unit, const RequestContext& ctx) {
  if (unit == TestUnit::kSession && !ctx.session.empty()) return ctx.session;
  if (unit != TestUnit::kKey && !ctx.subject.empty()) return ctx.subject;
  // Where nobody is known, every request is on its own.
  return ctx.key.value.empty() ? ctx.request_id.value : ctx.key.value;
}

}  // namespace

Result<TestUnit> ParseTestUnit(std::string_view text) {
  auto at = std::ranges::find(kUnits, text);
  if (at != kUnits.end()) return static_cast<TestUnit>(at - kUnits.begin());
  return Fail(
      InvalidArgument("by", fmt::format("'{}' is none of session, user, key", text.substr(0, 64))));
}

std::string_view TestUnitName(TestUnit unit) { return kUnits.at(static_cast<std::size_t>(unit)); }

RouterTest::Arm RouterTest::Of(const RequestContext& ctx) const {
  // The test's id is the seed, so that the units of one test are not those of the next.
  auto hash = Hash64(UnitOf(unit, ctx), Hash64(id));
  // The upper 53 bits as a number in [0, 1).
  bool on_trial = static_cast<double>(hash >> 11) * 0x1p-53 < share;
  return {.version = on_trial ? b : a,
          .name = on_trial ? "b" : "a",
          .unit = fmt::format("{:016x}", hash)};
}

Result<std::vector<RouterTest>> RouterTestRows::OfRouter(store::Database& database,
                                                         const std::string& router) {
  STRATA_TRY(auto row, database.Prepare("SELECT id, a, b, share, unit, started, ended FROM "
                                        "router_tests WHERE router = ? ORDER BY started DESC, "
                                        "rowid DESC LIMIT ?"));
  row.Bind(1, router).Bind(2, kTestsShown);
  std::vector<RouterTest> out;
  while (true) {
    STRATA_TRY(bool more, row.Step());
    if (!more) return out;
    RouterTest test;
    test.id = row.Text(0);
    test.a = static_cast<int>(row.Integer(1));
    test.b = static_cast<int>(row.Integer(2));
    test.share = row.Real(3);
    STRATA_TRY(test.unit, ParseTestUnit(row.Text(4)));
    test.started = FromUnixMicros(row.Integer(5));
    if (row.Integer(6) != 0) test.ended = FromUnixMicros(row.Integer(6));
    out.push_back(std::move(test));
  }
}

Result<> RouterTestRows::Insert(store::Database& database, const std::string& router,
                                const RouterTest& test) {
  return database.Run(
      "INSERT INTO router_tests(id, router, a, b, share, unit, started) VALUES(?,?,?,?,?,?,?)",
      test.id, router, test.a, test.b, test.share, std::string(TestUnitName(test.unit)),
      ToUnixMicros(test.started));
}

Result<> RouterTestRows::End(store::Database& database, const std::string& id, WallTime now) {
  return database.Run("UPDATE router_tests SET ended = ? WHERE id = ?", ToUnixMicros(now), id);
}

Result<> RouterTestRows::DropOf(store::Database& database, const std::string& router) {
  return database.Run("DELETE FROM router_tests WHERE router = ?", router);
}

}  // namespace strata::server
