#include "knowledge/file_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"
#include "knowledge/extract.h"

namespace strata::knowledge {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

domain::Message Say(domain::Role role, std::string text) {
  domain::Message message;
  message.role = role;
  message.content.emplace_back(domain::TextBlock{.text = std::move(text), .citations = {}});
  return message;
}

RetrievedChunk Passage(std::string id, std::string title, std::string text) {
  RetrievedChunk chunk;
  chunk.uri = std::move(id);
  chunk.document_id = "d" + chunk.uri;
  chunk.title = std::move(title);
  chunk.text = std::move(text);
  return chunk;
}

domain::ChatRequest Ask(std::string question) {
  domain::ChatRequest request;
  request.model = "m";
  request.messages.push_back(Say(domain::Role::kUser, std::move(question)));
  return request;
}

TEST(SearchQuery, IsTheLastQuestionWithWhatItLeansOn) {
  auto request = Ask("How long is the Aletsch glacier?");
  EXPECT_EQ(SearchQuery(request), "How long is the Aletsch glacier?");
  request.messages.push_back(Say(domain::Role::kAssistant, "About 23 km."));
  request.messages.push_back(Say(domain::Role::kUser, "And in 2011?"));
  EXPECT_THAT(SearchQuery(request), HasSubstr("Aletsch"));
  EXPECT_EQ(SearchQuery(domain::ChatRequest()), "");
}

TEST(SearchQuery, IsTheQuestionThatAToolWasCalledFor) {
  auto request = Ask("How long is the Aletsch glacier?");
  domain::Message call;
  call.role = domain::Role::kAssistant;
  call.content.emplace_back(domain::ToolUseBlock{.id = "1", .name = "f", .input = {"{}"}});
  request.messages.push_back(call);
  domain::Message result;
  result.content.emplace_back(domain::ToolResultBlock{.tool_use_id = "1", .content = {}});
  request.messages.push_back(result);
  EXPECT_EQ(SearchQuery(request), "How long is the Aletsch glacier?");
}

TEST(CorrectQuestions, WritesWhatUsersAskAsSearchHasUnderstoodIt) {
  auto request = Ask("How long is the Aletsch glaceir?");
  request.messages.push_back(Say(domain::Role::kAssistant, "The glaceir is 23 km long."));
  request.messages.push_back(Say(domain::Role::kUser, "And the Rhone glaceir?"));
  const FoundPassages found{
      .passages = {Passage("file-1", "a.txt", "The Rhone Glacier is 8 km long.")},
      .corrected = {{.word = "glaceir", .instead = "glacier"}}};
  CorrectQuestions(request, found);
  EXPECT_EQ(domain::TextOf(request.messages[0].content), "How long is the Aletsch Glacier?");
  EXPECT_EQ(domain::TextOf(request.messages[1].content), "The glaceir is 23 km long.");
  EXPECT_EQ(domain::TextOf(request.messages[2].content), "And the Rhone Glacier?");
}

TEST(AddSearchResults, StandBeforeTheQuestionAndAreNotItsText) {
  auto request = Ask("How long?");
  const auto taken = AddSearchResults(
      request, {Passage("file-1", "a.txt", "It is 23 km long."), Passage("file-2", "b.txt", "No.")},
      1000);
  EXPECT_EQ(taken.size(), 2u);
  const auto& content = request.messages[0].content;
  ASSERT_EQ(content.size(), 2u);
  const auto& document = std::get<domain::DocumentBlock>(content[0]);
  EXPECT_THAT(document.text, HasSubstr("[1] a.txt\nIt is 23 km long."));
  EXPECT_THAT(document.text, HasSubstr("[2] b.txt\nNo."));
  EXPECT_EQ(domain::LastUserText(request), "How long?");
  EXPECT_THAT(domain::TextOf(request.system), HasSubstr("search results"));
}

TEST(AddSearchResults, TakesWhatFitsAndAtLeastTheFirst) {
  const std::vector<RetrievedChunk> passages = {Passage("file-1", "a", std::string(5000, 'x')),
                                                Passage("file-2", "b", "short")};
  auto request = Ask("How long?");
  const auto taken = AddSearchResults(request, passages, 200);
  ASSERT_EQ(taken.size(), 1u);
  const auto& document = std::get<domain::DocumentBlock>(request.messages[0].content[0]);
  EXPECT_LE(document.text.size(), 600u);
  EXPECT_THAT(document.text, HasSubstr("\n" + taken[0].text + "\n"));
  EXPECT_GT(taken[0].text.size(), 500u);
  EXPECT_LT(taken[0].text.size(), 600u) << "what is not in the request is not cited";
  request = Ask("How long?");
  EXPECT_EQ(AddSearchResults(request, passages, 2000).size(), 2u);
}

TEST(AddSearchResults, BuiltinExtractGetsADocumentEach) {
  auto request = Ask("How long?");
  request.model = kExtractModelId;
  EXPECT_EQ(AddSearchResults(request, {Passage("file-1", "a", "x"), Passage("kb:1", "b", "y")}, 99)
                .size(),
            2u);
  ASSERT_EQ(request.messages[0].content.size(), 3u);
  const auto& first = std::get<domain::DocumentBlock>(request.messages[0].content[0]);
  EXPECT_EQ(first.source_uri, "file-1");
  const auto& second = std::get<domain::DocumentBlock>(request.messages[0].content[1]);
  EXPECT_EQ(second.source_uri, "dkb:1");
  EXPECT_THAT(request.system, IsEmpty());
}

TEST(AddSearchResults, NothingFoundIsSaid) {
  auto request = Ask("How long?");
  EXPECT_THAT(AddSearchResults(request, {}, 1000), IsEmpty());
  EXPECT_THAT(domain::TextOf(request.system), HasSubstr("found nothing"));
  request = Ask("It is long. How long?");
  request.model = kExtractModelId;
  AddSearchResults(request, {}, 1000);
  // A document, so that the question is not taken for its own source.
  EXPECT_EQ(request.messages[0].content.size(), 2u);
}

struct Cited {
  std::string text;
  std::vector<domain::Citation> citations;
};

// What leaves when an answer comes in these pieces.
Cited Answer(const std::vector<std::string>& pieces) {
  AnswerCiter citer({Passage("file-1", "glacier.txt",
                             "The Aletsch glacier lies in Valais. Its area was 81.7 square "
                             "kilometres in 2011.")});
  Cited out;
  auto take = [&](const domain::StreamEvent& event) {
    const auto citations = citer.Take(event);
    for (const auto* list : {&citations.before, &citations.after}) {
      for (const auto& citation : *list) {
        out.citations.push_back(std::get<domain::CitationDelta>(citation).citation);
      }
    }
  };
  take(domain::BlockStart{});
  for (const auto& piece : pieces) {
    out.text += piece;
    take(domain::TextDelta{.index = 0, .text = piece});
  }
  take(domain::BlockStop{});
  take(domain::StreamEnd{});
  return out;
}

TEST(AnswerCiter, CitesTheSentencesThatPassagesSupport) {
  const auto answer = Answer({"🙂 Hello. The Aletsch glacier l", "ies in Valais. Its ar",
                              "ea was 81.7 square kilometres in 2011.\n"});
  ASSERT_EQ(answer.citations.size(), 2u);
  auto cited = [&](const domain::Citation& citation) {
    const auto begin = ByteOffset(answer.text, static_cast<std::size_t>(citation.answer_start));
    const auto end = ByteOffset(answer.text, static_cast<std::size_t>(citation.answer_end));
    return answer.text.substr(begin, end - begin);
  };
  EXPECT_EQ(cited(answer.citations[0]), "The Aletsch glacier lies in Valais.");
  EXPECT_EQ(cited(answer.citations[1]), "Its area was 81.7 square kilometres in 2011.");
  EXPECT_EQ(answer.citations[0].source_uri, "file-1");
  EXPECT_EQ(answer.citations[0].title, "glacier.txt");
}

TEST(AnswerCiter, LeavesAloneWhatNoPassageSupports) {
  EXPECT_THAT(Answer({"Paris has a tower. Its area was 99 square kilometres in 2011."}).citations,
              IsEmpty());
}

}  // namespace
}  // namespace strata::knowledge
