#pragma once
// Tests of two versions of a router on the same traffic (A/B), in meta.db beside the routers.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "base/result.h"
#include "store/sql_file.h"

namespace strata::server {

// Who stays with one version.
enum class TestUnit : std::uint8_t {
  kSession,  // x-strata-session, else the end user, else the key
  kUser,     // the end user, else the key
  kKey,
};
Result<TestUnit> ParseTestUnit(std::string_view text);  // "session", "user", "key"
std::string_view TestUnitName(TestUnit unit);

struct RouterTest {
  std::string id;
  int a = 0, b = 0;    // versions; b is on trial
  double share = 0.5;  // of the units that get b
  TestUnit unit = TestUnit::kSession;
  WallTime started;
  std::optional<WallTime> ended;  // unset: it runs

  struct Arm {
    int version = 0;
    std::string name;  // "a" or "b"
    std::string unit;  // 16 hex digits
  };
  // The same for all requests of a unit. With a larger share those of b stay there.
  Arm Of(const RequestContext& ctx) const;
};

// Statements over meta.db; the caller has the transaction. Tests are kept until their router goes.
struct RouterTestRows {
  static constexpr std::string_view kSchema = R"sql(
CREATE TABLE router_tests(
  id TEXT PRIMARY KEY, router TEXT NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL,
  share REAL NOT NULL, unit TEXT NOT NULL, started INTEGER NOT NULL,
  ended INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX router_tests_by_router ON router_tests(router, started);
)sql";
  // Newest first.
  static Result<std::vector<RouterTest>> OfRouter(store::Database& database,
                                                  const std::string& router);
  static Result<> Insert(store::Database& database, const std::string& router,
                         const RouterTest& test);
  static Result<> End(store::Database& database, const std::string& id, WallTime now);
  static Result<> DropOf(store::Database& database, const std::string& router);
};

}  // namespace strata::server
