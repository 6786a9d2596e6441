#include "knowledge/answer/sessions.h"

#include <gtest/gtest.h>

namespace strata::knowledge {
namespace {

RequestContext Asking(const std::string& subject, const std::string& workspace = "default") {
  RequestContext ctx;
  ctx.workspace = {workspace};
  ctx.subject = subject;
  return ctx;
}

TEST(SessionsOf, APersonAreErasedInTheWorkspaceAndTheirsAlone) {
  Sessions sessions({});
  auto ada = Asking("ada");
  auto bob = Asking("bob");
  auto elsewhere = Asking("ada", "other");
  const auto hers = sessions.Begin(ada);
  sessions.Begin(ada);
  const auto his = sessions.Begin(bob);
  const auto there = sessions.Begin(elsewhere);
  sessions.Add(hers, {.turn = {.question = "q", .answer = "a"}, .sources = {}}, ada);
  EXPECT_EQ(sessions.EraseSubject("ada", {"default"}), 2);
  EXPECT_FALSE(sessions.Turns(hers, ada).has_value());
  EXPECT_TRUE(sessions.Turns(his, bob).has_value());
  EXPECT_TRUE(sessions.Turns(there, elsewhere).has_value());
  sessions.Add(hers, {.turn = {.question = "q", .answer = "late"}, .sources = {}}, ada);
  EXPECT_FALSE(sessions.Turns(hers, ada).has_value()) << "an answer under way brings none back";
  EXPECT_EQ(sessions.EraseSubject("ada", {"default"}), 0);
}

}  // namespace
}  // namespace strata::knowledge
