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

}  // namespace
}  // namespace strata::guard
