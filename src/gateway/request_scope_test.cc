#include "gateway/request_scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hops.h"

namespace strata::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

net::Headers With(std::string_view name, std::string_view value) {
  net::Headers headers;
  headers.Add(std::string(name), std::string(value));
  return headers;
}

TEST(TakeHeaders, LabelsOnlyAdd) {
  RequestContext ctx;
  ctx.labels.Add("eu-only");
  ASSERT_TRUE(TakeHeaders(With("X-Strata-Labels", "pii, secret"), ctx).has_value());
  EXPECT_THAT(ctx.labels.names(), ElementsAre("eu-only", "pii", "secret"));
}

// A proxy adds its line behind the client's: both count, or the client could shut the proxy's out.
TEST(TakeHeaders, SeveralLinesOfAConstraintAreOneList) {
  for (bool turned : {false, true}) {
    auto lines = [&](const char* name, const char* one, const char* other) {
      net::Headers headers;
      headers.Add(name, turned ? other : one);
      headers.Add(name, turned ? one : other);
      return headers;
    };
    RequestContext ctx;
    ctx.regions_allowed = {"eu-west-1", "eu-central-1", "us-east-1"};
    ASSERT_TRUE(TakeHeaders(lines("x-strata-labels", "pii", "internal"), ctx).has_value());
    EXPECT_THAT(ctx.labels.names(), ElementsAre("internal", "pii"));
    ASSERT_TRUE(TakeHeaders(lines("X-Strata-Regions", "eu-west-1", "us-east-1"), ctx).has_value());
    EXPECT_THAT(ctx.regions_allowed, ElementsAre("eu-west-1", "us-east-1"));
    ASSERT_TRUE(TakeHeaders(lines("x-strata-retention", "30d", "36h"), ctx).has_value());
    EXPECT_EQ(FormatRetention(*ctx.retention_max), "36h");
    EXPECT_FALSE(TakeHeaders(lines("x-strata-labels", "pii", ""), ctx).has_value());
  }
}

TEST(TakeHeaders, TagsAreText) {
  RequestContext ctx;
  EXPECT_TRUE(TakeHeaders(With("X-Strata-Tag-Team", "caf\u00e9"), ctx).has_value());
  EXPECT_EQ(ctx.tags.at("team"), "caf\u00e9");
  auto latin1 = TakeHeaders(With("x-strata-tag-team", "caf\xe9"), ctx);
  ASSERT_FALSE(latin1.has_value());
  EXPECT_EQ(latin1.error().field(), "x-strata-tag-team");
}

TEST(TakeHeaders, ARequestThatGoesRoundIsRefused) {
  RequestContext ctx;
  EXPECT_TRUE(TakeHeaders(With("x-strata-hops", "3"), ctx).has_value());
  for (auto hops : {"4", "5", "2000000000"}) {
    auto taken = TakeHeaders(With("X-Strata-Hops", hops), ctx);
    ASSERT_FALSE(taken.has_value()) << hops;
    EXPECT_TRUE(IsCalledInCircle(taken.error())) << taken.error().message();
  }
  for (auto hops : {"-1", "many", "1 ", "99999999999999"}) {
    auto taken = TakeHeaders(With("x-strata-hops", hops), ctx);
    ASSERT_FALSE(taken.has_value()) << hops;
    EXPECT_THAT(taken.error().message(), HasSubstr("expected a number"));
  }
}

TEST(TakeHeaders, RegionsOnlyNarrowWhatTheKeyAllows) {
  RequestContext free;
  ASSERT_TRUE(TakeHeaders(With("x-strata-regions", "eu-west-1,eu-central-1"), free).has_value());
  EXPECT_THAT(free.regions_allowed, ElementsAre("eu-west-1", "eu-central-1"));

  RequestContext bound;
  bound.regions_allowed = {"eu-central-1", "us-east-1"};
  ASSERT_TRUE(TakeHeaders(With("x-strata-regions", "eu-west-1,eu-central-1"), bound).has_value());
  EXPECT_THAT(bound.regions_allowed, ElementsAre("eu-central-1"));

  auto none = TakeHeaders(With("x-strata-regions", "us-east-1"), bound);
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code(), Code::kPermissionDenied);
  EXPECT_FALSE(bound.regions_allowed.empty()) << "an empty list would allow every region";
}

TEST(TakeHeaders, RetentionOnlyGetsShorter) {
  RequestContext ctx;
  ctx.retention_max = ParseRetention("30d").value();
  ASSERT_TRUE(TakeHeaders(With("x-strata-retention", "unlimited"), ctx).has_value());
  EXPECT_EQ(FormatRetention(*ctx.retention_max), "30d");
  ASSERT_TRUE(TakeHeaders(With("x-strata-retention", "none"), ctx).has_value());
  EXPECT_EQ(FormatRetention(*ctx.retention_max), "none");
}

TEST(TakeHeaders, ConstraintsThatCannotBeReadAreRefusedByName) {
  for (auto [name, value] : {std::pair("x-strata-labels", ""),
                             {"x-strata-labels", "a,,b"},
                             {"x-strata-regions", " "},
                             {"x-strata-retention", "a week"},
                             {"x-strata-timeout-ms", "soon"},
                             {"x-strata-timeout-ms", "0"},
                             {"x-strata-timeout-ms", "-5"},
                             {"x-strata-timeout-ms", "nan"}}) {
    RequestContext ctx;
    auto taken = TakeHeaders(With(name, value), ctx);
    ASSERT_FALSE(taken.has_value()) << name << ": " << value;
    EXPECT_EQ(taken.error().code(), Code::kInvalidArgument);
    EXPECT_THAT(taken.error().field() + taken.error().message(), HasSubstr(name));
  }
}

TEST(TakeHeaders, TheCallersTimeoutShortensTheDeadlineAndNeverMovesItBack) {
  ManualClock clock;
  RequestContext ctx;
  ctx.clock = &clock;
  ctx.deadline = clock.Steady() + std::chrono::seconds(10);
  ASSERT_TRUE(TakeHeaders(With("x-strata-timeout-ms", "86400000"), ctx).has_value());
  EXPECT_EQ(ctx.deadline, clock.Steady() + std::chrono::seconds(10));
  ASSERT_TRUE(TakeHeaders(With("x-strata-timeout-ms", "1500"), ctx).has_value());
  EXPECT_EQ(ctx.deadline, clock.Steady() + std::chrono::milliseconds(1500));
}

TEST(TakeHeaders, AnSdksTimeoutIsForTheFirstByteAndNonsenseInItIsIgnored) {
  ManualClock clock;
  RequestContext ctx;
  ctx.clock = &clock;
  ASSERT_TRUE(TakeHeaders(With("x-stainless-timeout", "NOT_GIVEN"), ctx).has_value());
  EXPECT_EQ(ctx.first_byte_deadline, SteadyTime::max());
  ASSERT_TRUE(TakeHeaders(With("x-stainless-timeout", "2.5"), ctx).has_value());
  EXPECT_EQ(ctx.first_byte_deadline, clock.Steady() + std::chrono::milliseconds(2500));
  EXPECT_EQ(ctx.deadline, SteadyTime::max());
}

}  // namespace
}  // namespace strata::gateway
