#include "guard/outbound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace strata::guard
