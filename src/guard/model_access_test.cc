#include "guard/model_access.h"

#include <gtest/gtest.h>

namespace strata::guard {
namespace {

TEST(CheckModelAllowed, AllowsAnythingWithoutAList) {
  EXPECT_TRUE(CheckModelAllowed("openai/gpt-4o", RequestContext{}).has_value());
}

TEST(CheckModelAllowed, MatchesWholeIdsAndPrefixes) {
  RequestContext ctx;
  ctx.models_allowed = {"kb/handbook", "builtin/*"};
  EXPECT_TRUE(CheckModelAllowed("kb/handbook", ctx).has_value());
  EXPECT_TRUE(CheckModelAllowed("builtin/extract", ctx).has_value());
  EXPECT_FALSE(CheckModelAllowed("kb/handbook@openai/gpt-4o", ctx).has_value());
  auto refused = CheckModelAllowed("openai/gpt-4o", ctx);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kPermissionDenied);
  EXPECT_NE(refused.error().message().find("openai/gpt-4o"), std::string::npos);
}

TEST(CheckModelAllowed, EachOfSeveralBasesIsRefusedAsIfItWereNamedAlone) {
  RequestContext ctx;
  ctx.models_allowed = {"kb/open*", "kb/more", "kb/more@m", "arn:aws:x:foundation-model/kb/open*",
                        "kb/open,secret"};
  EXPECT_TRUE(CheckModelAllowed("kb/open,more,open-2", ctx).has_value());
  EXPECT_TRUE(CheckModelAllowed("kb/open,more@m", ctx).has_value());
  for (const char* model :
       {"kb/open,secret", "kb/secret,open", "kb/open,more,secret", "kb/more,kb/secret"}) {
    EXPECT_FALSE(CheckModelAllowed(model, ctx).has_value()) << model;
  }
  EXPECT_EQ(CheckModelAllowed("kb/open,secret", ctx).error().message(),
            CheckModelAllowed("kb/secret", ctx).error().message());
  EXPECT_EQ(CheckModelAllowed("kb/more,secret@m", ctx).error().message(),
            CheckModelAllowed("kb/secret@m", ctx).error().message());
  EXPECT_TRUE(CheckModelAllowed("arn:aws:x:foundation-model/kb/open,open-2", ctx).has_value());
  EXPECT_FALSE(CheckModelAllowed("arn:aws:x:foundation-model/kb/open,secret", ctx).has_value());
  ctx.models_allowed = {"up/*"};
  EXPECT_TRUE(CheckModelAllowed("up/model,with-comma", ctx).has_value());
}

}  // namespace
}  // namespace strata::guard
