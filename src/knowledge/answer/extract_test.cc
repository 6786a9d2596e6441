#include "knowledge/extract.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/run_task.h"
#include "base/utf8.h"
#include "domain/stream.h"

namespace strata::knowledge {
namespace {

constexpr std::string_view kText =
    "The Aletsch glacier lies in the Swiss canton of Valais. It is 23 kilometres long. "
    "Its area was 81.7 square kilometres in 2011. Three side glaciers feed it at Konkordiaplatz. "
    "The ice there is about one kilometre thick.";

SourcePassage Passage(std::string_view text, std::string title = "Aletsch") {
  SourcePassage passage;
  passage.text = text;
  passage.title = "Aletsch";
  passage.origin.title = std::move(title);
  passage.origin.source_uri = "file:///aletsch.txt";
  passage.origin.document_id = "d1";
  passage.origin.chunk_id = "c1";
  return passage;
}

Extracted Ask(std::string question, std::vector<SourcePassage> passages) {
  Extractor extractor(nullptr);
  RequestContext ctx;
  auto out = RunTask(extractor.Answer(std::move(question), std::move(passages), ctx));
  EXPECT_TRUE(out.has_value());
  return out.has_value() ? std::move(*out) : Extracted{};
}

TEST(Extract, QuotesTheSentenceThatAnswers) {
  auto out = Ask("What was the area of the Aletsch glacier in 2011?", {Passage(kText)});
  ASSERT_TRUE(out.answered);
  EXPECT_NE(out.text.find("81.7 square kilometres"), std::string::npos) << out.text;
}

TEST(Extract, SpansHoldToTheCodePoint) {
  const std::string text =
      "Ä🙂 Größe und Gewicht. The bridge in Zürich was opened in 1884 by the "
      "engineer Bürkli. 🙂 Nothing else is known.";
  auto passage = Passage(text);
  passage.origin.source_start = 1000;
  auto out = Ask("When was the bridge in Zürich opened?", {passage});
  ASSERT_TRUE(out.answered);
  for (const auto& sentence : out.sentences) {
    const auto& citation = sentence.citation;
    const auto begin = ByteOffset(text, static_cast<std::size_t>(citation.source_start - 1000));
    const auto end = ByteOffset(text, static_cast<std::size_t>(citation.source_end - 1000));
    EXPECT_EQ(text.substr(begin, end - begin), citation.quoted);
    const auto a = ByteOffset(out.text, static_cast<std::size_t>(citation.answer_start));
    const auto b = ByteOffset(out.text, static_cast<std::size_t>(citation.answer_end));
    EXPECT_EQ(out.text.substr(a, b - a), sentence.text);
  }
}

TEST(Extract, RefusesWhenTheSourcesSpeakOfSomethingElse) {
  auto out = Ask("Who composed the opera about the barber of Seville?", {Passage(kText)});
  EXPECT_FALSE(out.answered);
  EXPECT_EQ(out.text, kRefusal);
  EXPECT_TRUE(out.sentences.empty());
}

TEST(Extract, RefusesWithoutSourcesOrQuestion) {
  EXPECT_FALSE(Ask("How long is it?", {}).answered);
  EXPECT_FALSE(Ask("", {Passage(kText)}).answered);
  EXPECT_FALSE(Ask("???", {Passage(kText)}).answered);
}

TEST(Extract, NeverQuotesTheSameSentenceTwice) {
  auto out = Ask("What was the area of the Aletsch glacier in 2011?",
                 {Passage(kText), Passage(kText), Passage(kText)});
  ASSERT_TRUE(out.answered);
  for (std::size_t i = 0; i < out.sentences.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(out.sentences[i].text, out.sentences[j].text);
  }
}

domain::ChatRequest Request(std::vector<domain::ContentBlock> content) {
  domain::ChatRequest request;
  request.model = std::string(kExtractModelId);
  request.messages.push_back({.role = domain::Role::kUser, .content = std::move(content)});
  return request;
}

Result<domain::ChatResponse> Chat(domain::ChatRequest request) {
  auto model = MakeExtractModel(std::make_shared<Extractor>(nullptr), nullptr);
  RequestContext ctx;
  auto stream = RunTask(model->Start(std::move(request), ctx));
  if (!stream.has_value()) return std::unexpected(std::move(stream.error()));
  domain::StreamAccumulator sum;
  while (!sum.ended()) {
    auto event = RunTask((*stream)->Next());
    if (!event.has_value()) return std::unexpected(std::move(event.error()));
    sum.Add(*event);
  }
  return sum.Take();
}

TEST(ExtractModel, AnswersFromDocumentsOfTheRequestWithCitations) {
  domain::DocumentBlock document;
  document.format = "txt";
  document.name = "glacier";
  document.text = kText;
  document.cite = true;
  auto response = Chat(Request(
      {document, domain::TextBlock{.text = "How long is the Aletsch glacier?", .citations = {}}}));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  ASSERT_EQ(response->content.size(), 1U);
  const auto& block = std::get<domain::TextBlock>(response->content[0]);
  EXPECT_NE(block.text.find("23 kilometres long"), std::string::npos) << block.text;
  ASSERT_FALSE(block.citations.empty());
  EXPECT_EQ(block.citations[0].title, "glacier");
  EXPECT_EQ(block.citations[0].document_index, 0);
  EXPECT_GT(response->usage.input_tokens, 20);
}

TEST(ExtractModel, RefusesWhatItWouldPassOver) {
  const domain::TextBlock question{.text = "How long is it?", .citations = {}};
  auto refused = [&](auto change) {
    auto request = Request({question});
    change(request);
    auto response = Chat(std::move(request));
    EXPECT_FALSE(response.has_value());
    return response.has_value() ? std::string() : response.error().field();
  };
  EXPECT_EQ(refused([](auto& r) {
              r.messages[0].content.push_back(
                  domain::ImageBlock{.format = "png", .bytes = "x", .url = {}});
            }),
            "messages");
  EXPECT_EQ(refused([](auto& r) {
              r.tool_choice =
                  domain::ToolChoice{.kind = domain::ToolChoice::Kind::kAny, .name = {}};
            }),
            "tool_choice");
  EXPECT_EQ(refused([](auto& r) { r.json_output = domain::JsonOutput{.name = "n", .schema = {}}; }),
            "response_format");
}

TEST(ExtractModel, CitesThePieceOfASearchResult) {
  domain::DocumentBlock result;
  result.name = "r";
  result.source_uri = "https://example.org/a";
  result.chunks = {"The library opens at nine.", "The library closes at six in the evening."};
  auto response =
      Chat(Request({result, domain::TextBlock{.text = "When is the library closing in the evening?",
                                              .citations = {}}}));
  ASSERT_TRUE(response.has_value());
  const auto& block = std::get<domain::TextBlock>(response->content[0]);
  ASSERT_FALSE(block.citations.empty()) << block.text;
  const auto& citation = block.citations.back();
  EXPECT_EQ(citation.place, domain::CitationPlace::kSearchResult);
  EXPECT_EQ(citation.source_start, 1);
  EXPECT_EQ(citation.source_end, 2);
}

TEST(ExtractModel, ReadsTheSourceFromTheMessageItself) {
  auto response = Chat(Request(
      {domain::TextBlock{.text = std::string(kText) + "\n\nHow thick is the ice at Konkordiaplatz?",
                         .citations = {}}}));
  ASSERT_TRUE(response.has_value());
  EXPECT_NE(std::get<domain::TextBlock>(response->content[0]).text.find("kilometre thick"),
            std::string::npos);
}

TEST(ExtractModel, SaysWhichDocumentsItCannotRead) {
  domain::DocumentBlock document;
  document.url = "https://example.org/a.pdf";
  auto response = Chat(Request({document, domain::TextBlock{.text = "What?", .citations = {}}}));
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace strata::knowledge
