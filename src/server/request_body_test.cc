// What is done to a request's body before its handler reads it.

#include "server/request_body.h"

#include <gtest/gtest.h>

namespace strata::server {
namespace {

TEST(WithModel, TakesTheModelsPlace) {
  EXPECT_EQ(WithModel(R"({"messages":[],"model" : "a" ,"n":1.50})", "up/b"),
            R"({"messages":[],"model" : "up/b" ,"n":1.50})");
  EXPECT_EQ(WithModel(R"( {"n":{"model":1}})", "b\"c"), R"( {"model":"b\"c","n":{"model":1}})");
  EXPECT_EQ(WithModel("{ }", "b"), R"({"model":"b" })");
  EXPECT_EQ(WithModel(R"({"model":null,"n":1})", "b").find(R"("model":"b")"), 1U);
}

TEST(WithModel, LeavesNoSecondModel) {
  EXPECT_EQ(WithModel(R"({"model":"a","model":"c","n":1})", "b"), R"({"n":1,"model":"b"})");
  EXPECT_EQ(WithModel(R"({"mod\u0065l":"a","n":1})", "b"), R"({"n":1,"model":"b"})");
}

TEST(WithModel, LeavesWhatIsNoObjectToItsReader) {
  for (const char* body : {"", "[1]", "{\"a\":", "nonsense", "\"text\""}) {
    EXPECT_EQ(WithModel(body, "b"), body);
  }
}

}  // namespace
}  // namespace strata::server
