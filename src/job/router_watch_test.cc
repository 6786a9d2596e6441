// What is said of a router whose traffic changes, and that nothing is said of one whose does not.

#include "job/router_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"

namespace strata::job {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

auto Says(const std::string& part) { return testing::Field(&RouterAlarm::text, HasSubstr(part)); }

observe::FinishedTrace Decided(const std::string& model, const std::string& by, double unfamiliar,
                               const std::string& version = "router/mix:2") {
  observe::FinishedTrace trace;
  SpanRecord span;
  span.name = "route.decide";
  span.fields = {{"router", version},
                 {"model", model},
                 {"decided_by", by},
                 {"decision", JsonText{"{\"unfamiliar\":" + std::to_string(unfamiliar) + "}"}}};
  trace.spans.push_back(std::move(span));
  return trace;
}

// Newest first: `now` later requests, as many earlier ones, each by a function of chance.
template <class Now, class Before>
RouterWatch Watch(std::size_t each, Now now, Before before) {
  Rng rng(11);
  std::vector<observe::FinishedTrace> traces;
  for (std::size_t i = 0; i < each; ++i) traces.push_back(now(rng));
  for (std::size_t i = 0; i < each; ++i) traces.push_back(before(rng));
  return WatchRouter(traces);
}

observe::FinishedTrace AsEver(Rng& rng) {
  bool cheap = rng.Unit() < 0.6;
  return Decided(cheap ? "m/cheap" : "m/strong", cheap ? "learned" : "fallback", rng.Unit());
}

TEST(RouterWatch, OfTheSameTrafficIsSilent) {
  auto watch = Watch(200, AsEver, AsEver);
  EXPECT_THAT(watch.alarms, IsEmpty());
  EXPECT_EQ(watch.version, "router/mix:2");
  EXPECT_EQ(watch.now.requests, 200);
  EXPECT_EQ(watch.before.requests, 200);
}

TEST(RouterWatch, SaysThatEverythingGoesToOneModel) {
  auto watch = Watch(
      100, [](Rng& rng) { return Decided("m/strong", "fallback", 0.97 + 0.03 * rng.Unit()); },
      AsEver);
  EXPECT_THAT(watch.alarms, Contains(Says("everything goes to m/strong")));
  EXPECT_THAT(watch.alarms, Contains(Says("the shares of the models shift")));
  EXPECT_THAT(watch.alarms, Contains(Says("the fallback decides 100 %")));
  EXPECT_THAT(watch.alarms, Contains(Says("100 % of the requests are unfamiliar")));
}

TEST(RouterWatch, OfFewRequestsRaisesNoAlarm) {
  auto watch =
      Watch(kWatchedMin - 1, [](Rng&) { return Decided("m/strong", "fallback", 1); }, AsEver);
  EXPECT_THAT(watch.alarms, IsEmpty());
}

TEST(RouterWatch, LooksAtTheNewestVersionAlone) {
  auto watch = Watch(50, AsEver,
                     [](Rng& rng) { return Decided("m/old", "rule", rng.Unit(), "router/mix:1"); });
  EXPECT_EQ(watch.now.requests + watch.before.requests, 50);
  EXPECT_FALSE(watch.before.models.contains("m/old"));
  EXPECT_EQ(WatchRouter({}).version, "");
}

}  // namespace
}  // namespace strata::job
