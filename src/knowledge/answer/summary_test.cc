#include "knowledge/answer/summary.h"

#include <gtest/gtest.h>

#include <string>

#include "base/run_task.h"
#include "domain/refusal.h"

namespace strata::knowledge {
namespace {

constexpr std::string_view kText =
    "# Harbour report\n\nThe quay was rebuilt in spring. Nine ships were moored. Who paid is not "
    "known.\n\n## Cranes\n\nTwo cranes were sold. A third one rusts.\n";

std::string Ask(std::string question, std::string_view text = kText) {
  SourcePassage passage;
  passage.text = text;
  RequestContext ctx;
  const auto out = RunTask(Extractor(nullptr).Answer(std::move(question), {passage}, ctx));
  EXPECT_TRUE(out.has_value());
  return out.has_value() ? out->text : "";
}

TEST(Summary, IsAskedForInManyWords) {
  EXPECT_TRUE(AsksForSummary("Summarize the report"));
  EXPECT_TRUE(AsksForSummary("Can you give me a short overview of it?"));
  EXPECT_TRUE(AsksForSummary("Sum up the report."));
  EXPECT_FALSE(AsksForSummary("What is the sum of both?"));
  EXPECT_FALSE(AsksForSummary("What does the summary say about cranes?"));
  EXPECT_FALSE(AsksForSummary("When was the report written?"));
}

TEST(Summary, BeginsWithWhatTheSectionsBeginWith) {
  EXPECT_TRUE(Ask("Summarize the harbour report.").starts_with("The quay was rebuilt in spring."));
  EXPECT_TRUE(Ask("Summarize the document.").find("Two cranes were sold.") != std::string::npos);
}

TEST(Summary, OfASectionKeepsToIt) {
  EXPECT_EQ(Ask("Give me a summary of the cranes."), "Two cranes were sold. A third one rusts.");
}

TEST(Summary, OfWhatTheSourcesDoNotSpeakOfIsRefused) {
  EXPECT_EQ(Ask("Summarize the rules of bridge."), domain::RefusalIn("en"));
}

}  // namespace
}  // namespace strata::knowledge
