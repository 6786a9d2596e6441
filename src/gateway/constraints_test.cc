#include "gateway/constraints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace strata::gateway {
namespace {

using testing::ElementsAre;

Constraints Some() {
  return {.labels = {"pii"},
          .regions = {"eu-west-1", "eu-central-1"},
          .retention_max = ParseRetention("36h").value()};
}

TEST(Constraints, ComeBackFromTheirText) {
  for (const auto& constraints : {Some(), Constraints{}}) {
    auto read = ReadConstraints(boost::json::parse(serialize(ConstraintsJson(constraints))));
    ASSERT_TRUE(read.has_value()) << read.error().message();
    EXPECT_EQ(*read, constraints);
  }
}

TEST(Constraints, WhatNobodyWroteIsRefusedRatherThanReadAsNone) {
  for (auto text : {"null", "{}", R"({"labels":["pii"]})", R"({"labels":"pii","regions":[]})",
                    R"({"labels":[],"regions":[1]})", R"({"labels":[1],"regions":[]})",
                    R"({"labels":[],"regions":[],"retention":"a week"})"}) {
    EXPECT_FALSE(ReadConstraints(boost::json::parse(text)).has_value()) << text;
  }
}

TEST(Constraints, OnlyNarrowWhatTheKeyAllowsByNow) {
  RequestContext ctx;
  ctx.labels = {"secret"};
  ctx.regions_allowed = {"eu-central-1", "us-east-1"};
  ctx.retention_max = ParseRetention("none").value();
  ASSERT_TRUE(Narrow(Some(), ctx).has_value());
  EXPECT_THAT(ctx.labels.names(), ElementsAre("pii", "secret"));
  EXPECT_THAT(ctx.regions_allowed, ElementsAre("eu-central-1"));
  EXPECT_EQ(FormatRetention(*ctx.retention_max), "none");
  EXPECT_EQ(Constraints::Of(ctx).regions, ctx.regions_allowed);

  RequestContext elsewhere;
  elsewhere.regions_allowed = {"us-east-1"};
  EXPECT_EQ(Narrow(Some(), elsewhere).error().code(), Code::kPermissionDenied);
  EXPECT_FALSE(elsewhere.regions_allowed.empty()) << "an empty list would allow every region";
}

}  // namespace
}  // namespace strata::gateway
