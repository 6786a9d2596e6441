// What is remembered of routers: the last decisions, bounded.

#include "gateway/router_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/json_value.h"

namespace strata::gateway {
namespace {

std::shared_ptr<const route::PolicyRouter> Make(const std::string& name, int version) {
  auto tree = dialect::ParseJson(R"({"candidates": ["a", "b"]})");
  return *route::PolicyRouter::Make({.name = name,
                                     .version = "router/" + name + ":" + std::to_string(version),
                                     .definition = *route::DecodeDefinition(*tree),
                                     .learned = nullptr});
}

route::Decision Decided(std::size_t chosen, std::string by) {
  route::Decision out;
  out.chosen = chosen;
  out.decided_by = std::move(by);
  return out;
}

const WorkspaceId kHere{"default"};

TEST(RouterMemory, KeepsTheLastThousandDecisionsNewestFirst) {
  RouterMemory memory;
  auto record = memory.Of(kHere, *Make("mix", 1));
  for (int i = 0; i < 1500; ++i) record->Note(Decided(i < 1499 ? 0 : 1, "learned"));
  auto decisions = record->Decisions();
  ASSERT_EQ(decisions.size(), RouterRecord::kKept);
  EXPECT_EQ(decisions[0].model, "b");
  EXPECT_EQ(decisions[1].model, "a");
  EXPECT_EQ(decisions[0].decided_by, "learned");
  EXPECT_FALSE(decisions[0].unfamiliar);
  EXPECT_EQ(record->Counts().at("a"), 1499U);
  record->NoteStart(false);
  record->NoteStart(true);
  EXPECT_THAT(record->FellBack(), testing::ElementsAre(true, false));
}

TEST(RouterMemory, TheLatestVersionIsTheOneThatWasUsedLast) {
  RouterMemory memory;
  memory.Of(kHere, *Make("mix", 1));
  memory.Of(kHere, *Make("mix", 2));
  memory.Of(kHere, *Make("mix", 1));
  memory.Of(WorkspaceId{"other"}, *Make("mix", 2));
  auto latest = memory.Latest();
  ASSERT_EQ(latest.size(), 2U);
  EXPECT_EQ(latest[0]->version(), "router/mix:1");
  EXPECT_NE(memory.Find(kHere, "router/mix:2"), nullptr);
  EXPECT_EQ(memory.Find(kHere, "router/mix:3"), nullptr);
}

TEST(RouterMemory, ForgetsWhatWasNotUsedLongest) {
  RouterMemory memory;
  auto first = Make("mix", 1);
  memory.Of(kHere, *first);
  for (int i = 2; i <= static_cast<int>(RouterMemory::kVersionsMax); ++i) {
    memory.Of(kHere, *Make("mix", i));
  }
  memory.Of(kHere, *first);
  memory.Of(kHere, *Make("more", 1));
  EXPECT_NE(memory.Find(kHere, "router/mix:1"), nullptr);
  EXPECT_EQ(memory.Find(kHere, "router/mix:2"), nullptr);
}

}  // namespace
}  // namespace strata::gateway
