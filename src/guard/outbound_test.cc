#include "guard/outbound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guard/only_providers.h"

namespace strata::guard {
namespace {

using testing::HasSubstr;

domain::ModelInfo RemoteModel() {
  domain::ModelInfo info;
  info.id = "openai/gpt-4o";
  info.region = "us-east-1";
  return info;
}

TEST(CheckOutbound, LetsUnlabelledRequestsThrough) {
  RequestContext ctx;
  EXPECT_TRUE(CheckOutbound(RemoteModel(), ctx).has_value());
}

TEST(CheckOutbound, NamesTheLabelAndTheDeploymentItForbids) {
  RequestContext ctx;
  ctx.labels.Add("secret");
  auto checked = CheckOutbound(RemoteModel(), ctx);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code(), Code::kPermissionDenied);
  EXPECT_THAT(checked.error().message(), HasSubstr("'secret'"));
  EXPECT_THAT(checked.error().message(), HasSubstr("openai/gpt-4o"));
}

TEST(CheckOutbound, FailsClosedWhenOneOfTwoLabelsIsNotCleared) {
  RequestContext ctx;
  ctx.labels.Add("pii");
  ctx.labels.Add("secret");
  auto model = RemoteModel();
  model.clearance.Add("pii");
  EXPECT_FALSE(CheckOutbound(model, ctx).has_value());
  model.clearance.Add("secret");
  EXPECT_TRUE(CheckOutbound(model, ctx).has_value());
}

TEST(CheckOutbound, RefusesADeploymentOutsideTheAllowedRegions) {
  RequestContext ctx;
  ctx.regions_allowed = {"eu-central-1"};
  auto model = RemoteModel();
  EXPECT_FALSE(CheckOutbound(model, ctx).has_value());
  model.region = "";
  EXPECT_FALSE(CheckOutbound(model, ctx).has_value());
  model.region = "eu-central-1";
  EXPECT_TRUE(CheckOutbound(model, ctx).has_value());
}

TEST(CheckOutbound, LetsLocalModelsSeeWhatTheyAreClearedForInAnyRegion) {
  RequestContext ctx;
  ctx.regions_allowed = {"eu-central-1"};
  ctx.labels.Add("secret");
  domain::ModelInfo local;
  local.region = "local";
  local.cleared_for_all_labels = true;
  EXPECT_TRUE(CheckOutbound(local, ctx).has_value());
}

TEST(CheckOutbound, RefusesADeploymentThatKeepsDataLongerThanAllowedOrDoesNotSay) {
  RequestContext ctx;
  ctx.retention_max = ParseRetention("30d").value();
  auto model = RemoteModel();
  auto silent = CheckOutbound(model, ctx);
  ASSERT_FALSE(silent.has_value());
  EXPECT_THAT(silent.error().message(), HasSubstr("openai/gpt-4o is not declared"));
  model.retention = Retention::Unlimited();
  EXPECT_FALSE(CheckOutbound(model, ctx).has_value());
  model.retention = ParseRetention("720h").value();
  EXPECT_TRUE(CheckOutbound(model, ctx).has_value());
  ctx.retention_max = Retention{};
  EXPECT_FALSE(CheckOutbound(model, ctx).has_value());
  model.retention = Retention{};
  EXPECT_TRUE(CheckOutbound(model, ctx).has_value());
}

TEST(CheckOutbound, ALabelMayNameTheProvidersThatSeeIt) {
  RequestContext ctx;
  ctx.labels.Add(OnlyProviders({"lab", "azure-eu"}));
  auto model = RemoteModel();
  model.provider = "openai";
  model.upstream_id = "gpt-4o";
  model.can.chat = true;
  model.cleared_for_all_labels = true;
  auto checked = CheckOutbound(model, ctx);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code(), Code::kPermissionDenied);
  EXPECT_THAT(checked.error().message(), HasSubstr("can only go to lab azure-eu"));
  for (const char* name : {"lab", "azure-eu"}) {
    model.provider = name;
    EXPECT_TRUE(CheckOutbound(model, ctx).has_value()) << name;
  }
  // Each such label holds.
  ctx.labels.Add(OnlyProviders({"lab"}));
  EXPECT_FALSE(CheckOutbound(model, ctx).has_value());
  // A pool is no deployment: those in it are checked when they are asked.
  model.provider = "models";
  model.upstream_id = "";
  EXPECT_TRUE(CheckOutbound(model, ctx).has_value());
}

TEST(Retention, IsReadWrittenAndOrdered) {
  for (const char* text : {"none", "36h", "30d", "unlimited"}) {
    EXPECT_EQ(FormatRetention(ParseRetention(text).value()), text);
  }
  for (const char* text : {"", "d", "-1d", "30", "30 d", "9999999d", "30m", "None"}) {
    EXPECT_FALSE(ParseRetention(text).has_value()) << text;
  }
  EXPECT_LT(ParseRetention("36h").value(), ParseRetention("2d").value());
  EXPECT_LT(ParseRetention("3660d").value(), Retention::Unlimited());
}

}  // namespace
}  // namespace strata::guard
