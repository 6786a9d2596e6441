#include "route/citation_check.h"

#include <gtest/gtest.h>

namespace strata::route {
namespace {

domain::Citation Supporting(std::int64_t start, std::int64_t end) {
  domain::Citation citation;
  citation.answer_start = start;
  citation.answer_end = end;
  return citation;
}

TEST(CitationCheck, SentencesAreCountedByWhatCitationsSupport) {
  domain::ChatResponse answer;
  // Code points, not bytes: "Sörby" has five of them.
  answer.content.push_back(
      domain::TextBlock{.text = "Sörby has a lighthouse. It is blue. Alma kept it.",
                        .citations = {Supporting(0, 23), Supporting(36, 49), Supporting(36, 49)}});
  auto counted = CountCited(answer);
  EXPECT_EQ(counted.all, 3U);
  EXPECT_EQ(counted.cited, 2U);
}

TEST(CitationCheck, APartOfASentenceIsEnoughAndItsNeighbourIsNotTouched) {
  domain::ChatResponse answer;
  answer.content.push_back(domain::TextBlock{.text = "As it says, it is red. It is old.",
                                             .citations = {Supporting(12, 22)}});
  auto counted = CountCited(answer);
  EXPECT_EQ(counted.all, 2U);
  EXPECT_EQ(counted.cited, 1U);
  EXPECT_EQ(CountCited({}).all, 0U);
}

}  // namespace
}  // namespace strata::route
