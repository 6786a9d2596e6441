#include "gateway/guarded_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "base/encoding.h"
#include "base/run_task.h"
#include "base/utf8.h"
#include "dialect/event_stream.h"
#include "gateway/wire_texts.h"
#include "guard/word_policy.h"

namespace strata::gateway {
namespace {

using domain::StreamEvent;

// Gives prepared events; a chunk's bytes die with the next call, as a provider's do.
class Prepared final : public provider::ChatStream {
 public:
  explicit Prepared(std::vector<StreamEvent> events) : events_(std::move(events)) {}
  Task<Result<StreamEvent>> Next() override {
    auto event = events_.at(at_++);
    if (auto* chunk = std::get_if<domain::WireChunk>(&event)) {
      bytes_.assign(chunk->bytes);
      chunk->bytes = bytes_;
    }
    co_return event;
  }
  domain::Usage UsageSoFar() const override { return {}; }

 private:
  std::vector<StreamEvent> events_;
  std::string bytes_;
  std::size_t at_ = 0;
};

std::shared_ptr<const guard::Guardrails> Rails() {
  auto make = [](std::string name, std::string word, guard::Action action) {
    return guard::MakeWordPolicy({.name = std::move(name),
                                  .words = {std::move(word)},
                                  .action = action,
                                  .mask = "[x]"})
        .value();
  };
  return std::make_shared<const guard::Guardrails>(
      std::vector{make("block", "kestrel", guard::Action::kBlock),
                  make("mask", "blue falcon", guard::Action::kMask)});
}

struct Seen {
  std::string bytes;               // forwarded
  std::string decoded;             // text behind a WireStop, or of an answer that is not forwarded
  std::string end;                 // StreamEnd.wire
  std::vector<std::string> steps;  // of the text, as it left
  std::vector<domain::Citation> citations;
  std::optional<Error> error;
};

Seen Guard(std::vector<StreamEvent> events) {
  RequestContext ctx;
  auto stream = Guarded(std::make_unique<Prepared>(std::move(events)), Rails(), ctx);
  Seen seen;
  bool forwarded = false;
  while (true) {
    auto event = RunTask(stream->Next());
    if (!event.has_value()) {
      seen.error = std::move(event.error());
      return seen;
    }
    if (auto* start = std::get_if<domain::StreamStart>(&*event)) forwarded = start->wire;
    if (std::holds_alternative<domain::WireStop>(*event)) forwarded = false;
    if (auto* chunk = std::get_if<domain::WireChunk>(&*event)) seen.bytes += chunk->bytes;
    auto* text = std::get_if<domain::TextDelta>(&*event);
    if (text != nullptr && !forwarded) {
      seen.decoded += text->text;
      seen.steps.push_back(text->text);
    }
    auto* cited = std::get_if<domain::CitationDelta>(&*event);
    if (cited != nullptr && !forwarded) seen.citations.push_back(cited->citation);
    if (auto* end = std::get_if<domain::StreamEnd>(&*event)) {
      seen.end = end->wire;
      return seen;
    }
  }
}

// A text block of these deltas; with `wire` each has bytes "<delta>" behind it, in a chunk of its
// own.
std::vector<StreamEvent> Answer(const std::vector<std::string>& deltas, bool wire,
                                std::deque<std::string>& bytes) {
  std::vector<StreamEvent> events = {
      domain::StreamStart{.id = "", .model = "", .usage = {}, .wire = wire},
      domain::BlockStart{
          .index = 0, .kind = domain::BlockKind::kText, .tool_use_id = "", .tool_name = ""}};
  for (const auto& delta : deltas) {
    events.emplace_back(domain::TextDelta{.index = 0, .text = delta});
    if (wire) events.emplace_back(domain::WireChunk{bytes.emplace_back("<" + delta + ">")});
  }
  events.emplace_back(domain::BlockStop{.index = 0});
  domain::StreamEnd end;
  if (wire) end.wire = "<end>";
  events.emplace_back(std::move(end));
  return events;
}

TEST(GuardedStream, HarmlessBytesAndTextsPassUnchanged) {
  std::deque<std::string> bytes;
  std::vector<std::string> deltas;
  std::string all, text;
  for (int i = 0; i < 100; ++i) {
    deltas.push_back("blue sky " + std::to_string(i) + ", Ä ");
    text += deltas.back();
    all += "<" + deltas.back() + ">";
  }
  auto forwarded = Guard(Answer(deltas, true, bytes));
  EXPECT_EQ(forwarded.bytes, all);
  EXPECT_EQ(forwarded.end, "<end>");
  auto decoded = Guard(Answer(deltas, false, bytes));
  EXPECT_EQ(decoded.decoded, text);
  EXPECT_EQ(decoded.steps, deltas);
}

TEST(GuardedStream, WhatIsBlockedDoesNotLeaveInAnyCut) {
  const std::string text =
      "There it is, high over the hill by the sea: a Kestrel, I think, said she.";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    for (bool wire : {false, true}) {
      std::deque<std::string> bytes;
      std::vector<std::string> deltas;
      for (std::size_t at = 0; at < text.size(); at += cut) deltas.push_back(text.substr(at, cut));
      auto seen = Guard(Answer(deltas, wire, bytes));
      ASSERT_TRUE(seen.error.has_value());
      EXPECT_EQ(seen.error->code(), Code::kBlocked);
      EXPECT_EQ((seen.bytes + seen.decoded).find('K'), std::string::npos) << cut;
      EXPECT_TRUE(seen.end.empty());
    }
  }
}

// "kestrel" is listed, "kestrelish" is another word.
TEST(GuardedStream, BeginningOfAnotherWordIsNoFindingInAnyCut) {
  const std::string text = std::string(150, '.') + " how kestrelish, and blue falconry " +
                           std::string(100, '.') + " kestrels.";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    std::deque<std::string> bytes;
    std::vector<std::string> deltas;
    for (std::size_t at = 0; at < text.size(); at += cut) deltas.push_back(text.substr(at, cut));
    auto seen = Guard(Answer(deltas, false, bytes));
    ASSERT_FALSE(seen.error.has_value()) << cut;
    ASSERT_EQ(seen.decoded, text) << cut;
  }
}

TEST(GuardedStream, MaskedTextIsTheSameInEveryCut) {
  const std::string before(200, '.');
  const std::string text =
      before + " a Blue  Falcon, a blue-falcon; blue falconry. Then no more of it.";
  const std::string masked = before + " a [x], a [x]; blue falconry. Then no more of it.";
  for (std::size_t cut = 1; cut < 80; ++cut) {
    std::deque<std::string> bytes;
    std::vector<std::string> deltas;
    for (std::size_t at = 0; at < text.size(); at += cut) deltas.push_back(text.substr(at, cut));
    EXPECT_EQ(Guard(Answer(deltas, false, bytes)).decoded, masked) << cut;
    auto seen = Guard(Answer(deltas, true, bytes));
    ASSERT_FALSE(seen.error.has_value());
    EXPECT_TRUE(seen.end.empty());
    // Bytes to some delta, decoded text from the next one on.
    std::string passed;
    for (char c : seen.bytes) {
      if (c != '<' && c != '>') passed += c;
    }
    EXPECT_EQ(passed + seen.decoded, masked) << cut;
    if (cut < 20) EXPECT_FALSE(passed.empty());
  }
}

TEST(GuardedStream, ToolInputsAndReasoningLeaveWholeOrNotAtAll) {
  auto tool = [](std::vector<std::string> parts, domain::BlockKind kind) {
    std::vector<StreamEvent> events = {
        domain::StreamStart{.id = "", .model = "", .usage = {}},
        domain::BlockStart{.index = 0, .kind = kind, .tool_use_id = "c", .tool_name = "t"}};
    for (auto& part : parts) {
      if (kind == domain::BlockKind::kToolUse) {
        events.emplace_back(domain::ToolInputDelta{.index = 0, .json = part});
      } else {
        events.emplace_back(
            domain::ReasoningDelta{.index = 0, .text = part, .signature = "", .redacted = ""});
      }
    }
    events.emplace_back(domain::BlockStop{.index = 0});
    events.emplace_back(domain::StreamEnd{});
    return Guard(std::move(events));
  };
  const auto kTool = domain::BlockKind::kToolUse;
  EXPECT_FALSE(tool({"{\"q\":\"blue", " sky\"}"}, kTool).error.has_value());
  EXPECT_TRUE(tool({"{\"q\":\"k\\u0065s", "trel\"}"}, kTool).error.has_value());
  EXPECT_TRUE(tool({"{\"q\":[\"blue f", "alcon\"]}"}, kTool).error.has_value());
  EXPECT_TRUE(tool({"a kes", "trel"}, domain::BlockKind::kReasoning).error.has_value());
  EXPECT_TRUE(tool({"a blue", " falcon"}, domain::BlockKind::kReasoning).error.has_value());
  EXPECT_FALSE(tool({"a blue", " sky"}, domain::BlockKind::kReasoning).error.has_value());
}

// An answer "a sky" that is forwarded in one frame, {"text":"a sky",MORE}, and its end.
Seen Forwarded(const std::string& more, const std::string& end = "") {
  const auto frame = "data: {\"text\":\"a sky\"" + more + "}\n\n";
  domain::StreamEnd last;
  last.wire = "data: {\"end\":\"" + end + "\"}\n\n";
  return Guard(
      {domain::StreamStart{.id = "", .model = "", .usage = {}, .wire = true},
       domain::BlockStart{
           .index = 0, .kind = domain::BlockKind::kText, .tool_use_id = "", .tool_name = ""},
       domain::TextDelta{.index = 0, .text = "a sky"}, domain::WireChunk{frame},
       domain::BlockStop{.index = 0}, std::move(last)});
}

TEST(GuardedStream, BytesThatNoDecoderKnowsAreJudged) {
  EXPECT_FALSE(Forwarded(R"(,"more":{"a":["sparrow"]})").error.has_value());
  EXPECT_TRUE(Forwarded(R"(,"more":{"a":["sparrow"]})").decoded.empty()) << "bytes left";
  for (const char* more : {R"(,"more":{"a":["kestrel"]})", R"(,"more":"a k\u0065strel")",
                           R"(,"kestrel":1)", "}\nevent: kestrel\n{", "}\n: a kestrel\n{"}) {
    auto seen = Forwarded(more);
    ASSERT_TRUE(seen.error.has_value()) << more;
    EXPECT_EQ(seen.error->code(), Code::kBlocked);
    EXPECT_TRUE(seen.bytes.empty()) << more;
  }
  EXPECT_TRUE(Forwarded("", "a kestrel").error.has_value());
  // What would be masked stays behind with the bytes.
  auto masked = Forwarded(R"(,"more":"blue falcon")");
  EXPECT_FALSE(masked.error.has_value());
  EXPECT_EQ(masked.bytes + masked.end, "");
  EXPECT_EQ(masked.decoded, "a sky");
  EXPECT_EQ(Forwarded("", "blue falcon").end, "");
}

TEST(GuardedStream, PartsOfDecodedTextAreNoWordsInBytes) {
  std::deque<std::string> bytes;
  auto events =
      Answer({"", "blue falcon", "ry is a sport, said she to her friends."}, false, bytes);
  std::get<domain::StreamStart>(events[0]).wire = true;
  events.insert(events.begin() + 4, domain::WireChunk{R"({"d":"blue falcon"})"});
  auto seen = Guard(std::move(events));
  EXPECT_FALSE(seen.error.has_value());
  EXPECT_EQ(seen.bytes, R"({"d":"blue falcon"})");
}

// The part of a text that a citation is about.
std::string Cited(const std::string& text, const domain::Citation& citation) {
  const auto begin = ByteOffset(text, static_cast<std::size_t>(citation.answer_start));
  const auto end = ByteOffset(text, static_cast<std::size_t>(citation.answer_end));
  return text.substr(begin, end - begin);
}

// Sentences in deltas of `cut` bytes, each followed by its citation, or all of these before the
// text, or behind it.
enum class CitationsCome : std::uint8_t { kBefore, kWithin, kBehind };
std::vector<StreamEvent> CitedAnswer(const std::vector<std::string>& sentences, std::size_t cut,
                                     CitationsCome come) {
  std::vector<StreamEvent> events = {
      domain::StreamStart{.id = "", .model = "", .usage = {}},
      domain::BlockStart{
          .index = 0, .kind = domain::BlockKind::kText, .tool_use_id = "", .tool_name = ""}};
  std::vector<StreamEvent> texts, citations;
  std::int64_t at = 0;
  for (const auto& sentence : sentences) {
    for (std::size_t i = 0; i < sentence.size(); i += cut) {
      texts.emplace_back(domain::TextDelta{.index = 0, .text = sentence.substr(i, cut)});
    }
    domain::Citation citation;
    citation.quoted = sentence;
    citation.answer_start = at;
    at += static_cast<std::int64_t>(CodePointCount(sentence));
    citation.answer_end = at;
    auto& into = come == CitationsCome::kWithin ? texts : citations;
    into.emplace_back(domain::CitationDelta{.index = 0, .citation = std::move(citation)});
  }
  auto add = [&](const std::vector<StreamEvent>& more) {
    events.insert(events.end(), more.begin(), more.end());
  };
  add(come == CitationsCome::kBefore ? citations : texts);
  add(come == CitationsCome::kBefore ? texts : citations);
  events.emplace_back(domain::BlockStop{.index = 0});
  events.emplace_back(domain::StreamEnd{});
  return events;
}

TEST(GuardedStream, CitationsPointAtTheirTextBehindMasks) {
  const std::vector<std::string> sentences = {
      "Größe is not all.", "A blue falcon, a blue-falcon and a Blue\n\nFalcon flew over it.",
      "Blue falcon.", "Ünder the blue", " falcon it lay."};
  // The last two share a masked place: each takes in all of it.
  const std::vector<std::string> expected = {"Größe is not all.",
                                             "A [x], a [x] and a [x] flew over it.", "[x].",
                                             "Ünder the [x]", "[x] it lay."};
  for (auto come : {CitationsCome::kBefore, CitationsCome::kWithin, CitationsCome::kBehind}) {
    for (std::size_t cut = 1; cut < 60; ++cut) {
      auto seen = Guard(CitedAnswer(sentences, cut, come));
      ASSERT_FALSE(seen.error.has_value());
      ASSERT_EQ(seen.citations.size(), sentences.size()) << cut;
      for (std::size_t i = 0; i < sentences.size(); ++i) {
        EXPECT_EQ(Cited(seen.decoded, seen.citations[i]), expected[i]) << cut;
        // What a quote says is judged by itself.
        if (i < 3) EXPECT_EQ(seen.citations[i].quoted, expected[i]);
      }
    }
  }
}

TEST(WireTexts, FindsTheStringsOfEveryFraming) {
  using testing::Contains;
  using testing::ElementsAre;
  EXPECT_THAT(WireTexts("event: a\ndata: {\"b\":\"c\\n\\\"d\"}\r\n\r\n"),
              ElementsAre("event: a", "b", "c\n\"d"));
  EXPECT_THAT(WireTexts("\"open\n{\"a\":1}"), ElementsAre("open", "a"));
  EXPECT_THAT(WireTexts("[DONE]"), ElementsAre("[DONE]"));
  EXPECT_TRUE(WireTexts("").empty());
  const auto inner = Base64Encode(R"({"deep":"kestrel"})");
  auto texts = WireTexts(dialect::EncodeEvent("delta", R"({"t":"one"})") +
                         dialect::EncodeEvent("chunk", R"({"bytes":")" + inner + "\"}"));
  for (const char* text : {"delta", "t", "one", "chunk", "deep", "kestrel"}) {
    EXPECT_THAT(texts, Contains(text));
  }
  EXPECT_THAT(WireTexts(std::string(1, '\0') + "\"kestrel\""), Contains("kestrel"));
}

// Text blocks of these texts, and of a tool call between them.
Seen Blocks(const std::vector<std::string>& texts, const std::string& tool = "t") {
  std::vector<StreamEvent> events = {domain::StreamStart{.id = "", .model = "", .usage = {}}};
  int index = 0;
  for (const auto& text : texts) {
    events.emplace_back(domain::BlockStart{
        .index = index, .kind = domain::BlockKind::kText, .tool_use_id = "", .tool_name = ""});
    events.emplace_back(domain::TextDelta{.index = index, .text = text});
    events.emplace_back(domain::BlockStop{.index = index++});
    events.emplace_back(domain::BlockStart{.index = index,
                                           .kind = domain::BlockKind::kToolUse,
                                           .tool_use_id = "c",
                                           .tool_name = tool});
    events.emplace_back(domain::ToolInputDelta{.index = index, .json = "{}"});
    events.emplace_back(domain::BlockStop{.index = index++});
  }
  events.emplace_back(domain::StreamEnd{});
  return Guard(std::move(events));
}

TEST(GuardedStream, WordsSplitOverBlocksAreBlocked) {
  const std::string filler = "the sky over the hill ";
  std::string far;
  while (far.size() < 1000) far += filler;
  for (const auto& before : {std::string(), far}) {
    EXPECT_TRUE(Blocks({before + "a kes", "trel."}).error.has_value());
    EXPECT_TRUE(Blocks({before + "a k", "estre", "l. " + before}).error.has_value());
    EXPECT_TRUE(Blocks({before + "a blue", "falcon"}).error.has_value());
    EXPECT_FALSE(Blocks({before + "a blue", "sky"}).error.has_value());
  }
  EXPECT_EQ(Blocks({"a blue falcon", "it is", "blue falcon"}).decoded, "a [x]it is[x]");
  EXPECT_TRUE(Blocks({"a"}, "ask_kestrel").error.has_value());
  EXPECT_TRUE(Blocks({"a"}, "blue_falcon").error.has_value());
}

}  // namespace
}  // namespace strata::gateway
