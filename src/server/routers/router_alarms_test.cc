// Alarms of routers: logged when one begins and when it is over, shown in the metrics.

#include "server/routers/router_alarms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "dialect/json_value.h"

namespace strata::server {
namespace {

using testing::HasSubstr;

class Alarms : public testing::Test {
 protected:
  void SetUp() override {
    auto tree = dialect::ParseJson(R"({"candidates": ["strong", "cheap"]})");
    router_ = *route::PolicyRouter::Make({.name = "mix",
                                          .version = "router/mix:3",
                                          .definition = *route::DecodeDefinition(*tree),
                                          .learned = nullptr});
    record_ = memory_.Of(here_, *router_);
  }
  void Decide(int times, int strong_of_ten) {
    for (int i = 0; i < times; ++i) {
      route::Decision decision;
      decision.chosen = i % 10 < strong_of_ten ? 0 : 1;
      decision.decided_by = decision.chosen == 0 ? "fallback" : "rule";
      record_->Note(decision);
    }
  }
  std::string Metrics() {
    observe::PrometheusText out;
    alarms_.Write(out);
    return out.Take();
  }

  const WorkspaceId here_{"default"};
  std::shared_ptr<const route::PolicyRouter> router_;
  gateway::RouterMemory memory_;
  std::shared_ptr<gateway::RouterRecord> record_;
  net::Runtime runtime_;
  RouterAlarms alarms_{memory_, runtime_};
};

TEST_F(Alarms, StandWhileTrafficIsNotWhatItWas) {
  Decide(400, 3);
  EXPECT_TRUE(alarms_.Of(here_, "router/mix:3").empty());
  EXPECT_THAT(Metrics(), HasSubstr("strata_router_alarm{workspace=\"default\","
                                   "router=\"router/mix:3\",alarm=\"one_model\"} 0"));
  Decide(500, 10);
  std::vector<std::string_view> names;
  for (const auto& alarm : alarms_.Of(here_, "router/mix:3")) names.push_back(alarm.name);
  EXPECT_THAT(names, testing::IsSupersetOf({"models", "one_model", "fallback"}));
  EXPECT_THAT(Metrics(), HasSubstr("alarm=\"one_model\"} 1"));
  EXPECT_THAT(Metrics(), HasSubstr("strata_router_decisions_total{workspace=\"default\","
                                   "router=\"router/mix:3\",model=\"strong\"} 620"));
  EXPECT_TRUE(alarms_.Of(WorkspaceId{"other"}, "router/mix:3").empty());
  EXPECT_TRUE(alarms_.Of(here_, "router/mix:2").empty());
  Decide(1000, 10);  // that is how it is now
  EXPECT_TRUE(alarms_.Of(here_, "router/mix:3").empty());
}

TEST_F(Alarms, AreLoggedOncePerChange) {
  Decide(400, 3);
  Decide(500, 10);
  std::vector<std::string> begun, over;
  SetLogSink([&](Level level, std::string_view event, std::string_view line) {
    if (event == "route.alarm") {
      EXPECT_EQ(level, Level::kWarning);
      begun.emplace_back(line);
    }
    if (event == "route.alarm_over") over.emplace_back(line);
  });
  Metrics();
  auto first = begun.size();
  EXPECT_GE(first, 3U);
  EXPECT_THAT(begun, testing::Contains(HasSubstr("everything goes to strong")));
  Metrics();
  EXPECT_EQ(begun.size(), first) << "it stands, nothing changed";
  EXPECT_TRUE(over.empty());
  Decide(1000, 10);
  Metrics();
  Metrics();
  SetLogSink(nullptr);
  EXPECT_EQ(over.size(), first);
}

TEST_F(Alarms, FailoverRisesWhenModelsCannotBeReached) {
  for (int i = 0; i < 100; ++i) record_->NoteStart(false);
  for (int i = 0; i < 100; ++i) record_->NoteStart(i % 2 == 0);
  auto standing = alarms_.Of(here_, "router/mix:3");
  ASSERT_EQ(standing.size(), 1U);
  EXPECT_EQ(standing[0].name, "failover");
  EXPECT_THAT(standing[0].text, HasSubstr("50 %"));
}

}  // namespace
}  // namespace strata::server
