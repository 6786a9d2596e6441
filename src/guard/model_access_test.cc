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

TEST(CheckModelAllowed, ABaseOfAFolderNeedsAnEntryThatSaysSo) {
  const std::vector<std::string> asked = {
      "kb/folder-0123456789ab", "kb/folder-0123456789ab@m", "kb/open,folder-0123456789ab",
      "kb/folder-0123456789ab,open", "arn:aws:x:foundation-model/kb/folder-0123456789ab"};
  RequestContext ctx;
  const std::vector<std::vector<std::string>> closed = {
      {}, {"*"}, {"kb/*"}, {"kb/fold*", "arn:*"}, {"kb/folder-ffffffffffff", "kb/open"}};
  for (const auto& list : closed) {
    ctx.models_allowed = list;
    for (const auto& model : asked)
      EXPECT_FALSE(CheckModelAllowed(model, ctx).has_value()) << model;
  }
  for (std::vector<std::string> list : {std::vector<std::string>{}, {"*"}, {"kb/*"}}) {
    AllowFolderBases(list);
    ctx.models_allowed = list;
    for (const auto& model : asked) EXPECT_TRUE(CheckModelAllowed(model, ctx).has_value()) << model;
    EXPECT_TRUE(CheckModelAllowed("kb/handbook", ctx).has_value());
  }
  ctx.models_allowed = {"kb/folder-0123456789ab"};
  EXPECT_TRUE(CheckModelAllowed("kb/folder-0123456789ab", ctx).has_value());
  EXPECT_FALSE(CheckModelAllowed("kb/folder-0123456789ab@m", ctx).has_value());
  // Nobody's folder: names that somebody chose.
  ctx.models_allowed = {};
  EXPECT_TRUE(CheckModelAllowed("kb/folder-plans", ctx).has_value());
  EXPECT_TRUE(CheckModelAllowed("kb/folder-0123456789abc", ctx).has_value());
}

TEST(AllowFolderBases, WidensNoListThatLeavesBasesOut) {
  std::vector<std::string> list = {"kb/handbook", "openai/*", "kb/folder-0123456789ab"};
  const auto before = list;
  AllowFolderBases(list);
  EXPECT_EQ(list, before);
}

}  // namespace
}  // namespace strata::guard
