#include "knowledge/retrieve/join.h"

#include <gmock/gmock.h>

#include "base/rng.h"
#include "base/utf8.h"

namespace strata::knowledge {
namespace {

using ::testing::ElementsAre;

// The passages [start, end) of a text, in code points.
std::vector<RetrievedChunk> Cut(std::string_view text,
                                const std::vector<std::pair<std::size_t, std::size_t>>& spans) {
  std::vector<RetrievedChunk> out;
  for (const auto& [start, end] : spans) {
    RetrievedChunk chunk;
    chunk.chunk_id = "c" + std::to_string(out.size());
    chunk.headings = {"Section"};
    const auto begin = ByteOffset(text, start);
    chunk.text = text.substr(begin, ByteOffset(text, end) - begin);
    chunk.start = static_cast<std::int64_t>(start);
    chunk.end = static_cast<std::int64_t>(end);
    out.push_back(std::move(chunk));
  }
  return out;
}

TEST(JoinTest, TheRunHasTheSpanOfAllAndTheRestOfTheCenter) {
  const std::string text = "Äpfel sind 🍎. Birnen auch.\n\nPflaumen nicht.";
  auto passages = Cut(text, {{0, 13}, {14, 26}, {28, 43}});
  passages[1].score = 0.7;
  const auto run = JoinAround(passages, 1);
  EXPECT_EQ(run.text, text);
  EXPECT_EQ(run.start, 0);
  EXPECT_EQ(run.end, static_cast<std::int64_t>(CodePointCount(text)));
  EXPECT_EQ(run.chunk_id, "c1");
  EXPECT_EQ(run.score, 0.7);
}

TEST(JoinTest, WhatOverlapsIsTakenOnce) {
  const std::string text = "eins zwei drei 🙂 vier fünf sechs";
  const auto run = JoinAround(Cut(text, {{0, 21}, {10, 26}, {17, 32}}), 0);
  EXPECT_EQ(run.text, text);
  EXPECT_EQ(run.end, static_cast<std::int64_t>(CodePointCount(text)));
}

TEST(JoinTest, OtherSectionsAndDistantPassagesStayApart) {
  const std::string text(300, 'x');
  auto passages = Cut(text, {{0, 10}, {11, 20}, {21, 30}, {200, 210}});
  passages[0].headings = {"Another"};
  const auto run = JoinAround(passages, 1);
  EXPECT_EQ(run.start, 11);
  EXPECT_EQ(run.end, 30);
  EXPECT_EQ(run.chunk_id, "c1");
}

TEST(JoinTest, LinesAndPagesGoWithTheText) {
  auto passages = Cut("first line\nsecond line", {{0, 10}, {11, 22}});
  passages[0].lines = {
      {.start = 0, .end = 10, .page = 1, .box = {.x1 = 1, .y1 = 1, .x2 = 2, .y2 = 2}}};
  passages[1].lines = {
      {.start = 0, .end = 11, .page = 2, .box = {.x1 = 3, .y1 = 3, .x2 = 4, .y2 = 4}}};
  const auto run = JoinAround(passages, 0);
  ASSERT_EQ(run.lines.size(), 2U);
  EXPECT_EQ(run.text.substr(run.lines[1].start, run.lines[1].end - run.lines[1].start),
            "second line");
  ASSERT_EQ(run.pages.size(), 2U);
  EXPECT_EQ(run.pages[1].page, 2);
}

// Random texts cut at random with random overlap: every offset names the same character as before.
TEST(JoinTest, EveryOffsetStaysRight) {
  Rng rng(11);
  const std::vector<std::string> characters = {"a", "ß", "漢", "🙂", "e\u0301", "z"};
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += characters[rng.Below(characters.size())];
    const auto size = CodePointCount(text);
    std::vector<std::pair<std::size_t, std::size_t>> spans;
    std::size_t start = 0;
    std::size_t end = 0;
    while (end < size) {
      const auto next_end = std::min(size, std::max(end, start) + 1 + rng.Below(15));
      spans.emplace_back(start, next_end);
      end = next_end;
      start = std::max(start + 1, end - std::min<std::size_t>(end, rng.Below(4)));
    }
    const auto run = JoinAround(Cut(text, spans), rng.Below(spans.size()));
    EXPECT_EQ(run.text, text);
    EXPECT_EQ(run.end - run.start, static_cast<std::int64_t>(CodePointCount(run.text)));
  }
}

}  // namespace
}  // namespace strata::knowledge
