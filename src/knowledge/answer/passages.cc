#include "knowledge/answer/passages.h"

#include <algorithm>
#include <utility>

#include "knowledge/answer/question.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// Fewer content words than this do not stand alone.
constexpr std::ptrdiff_t kWordsAlone = 2;

bool BeginsWithConnective(std::string_view question) {
  for (std::string_view start : {"and ", "or ", "so ", "what about", "how about", "why?", "And ",
                                 "Or ", "So ", "What about", "How about", "Why?"}) {
    if (question.starts_with(start)) return true;
  }
  return false;
}

// "he", "it", "they" anywhere point back.
bool PointsBack(std::string_view question) {
  std::string folded = " ";
  for (char c : question) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    folded += letter ? static_cast<char>(c | 0x20) : ' ';
  }
  folded += ' ';
  for (std::string_view word : {" it ", " its ", " he ", " she ", " his ", " her ", " they ",
                                " their ", " them ", " him ", " this ", " that ", " those "}) {
    if (folded.find(word) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

std::vector<SourcePassage> PassagesOf(const std::vector<RetrievedChunk>& chunks) {
  std::vector<SourcePassage> passages;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const auto& chunk = chunks[i];
    SourcePassage passage;
    passage.text = chunk.text;
    passage.title = chunk.title;
    passage.headings = chunk.headings;
    passage.table_header = chunk.table_header;
    passage.score = chunk.score;
    passage.lines = chunk.lines;
    auto& origin = passage.origin;
    origin.title = chunk.title;
    origin.source_uri = chunk.uri;
    origin.document_id = chunk.document_id;
    origin.chunk_id = chunk.chunk_id;
    origin.document_index = static_cast<int>(i);
    origin.source_start = chunk.start;
    origin.source_end = chunk.end;
    origin.pages = chunk.pages;
    origin.score = chunk.score;
    origin.metadata = chunk.metadata;
    passages.push_back(std::move(passage));
  }
  return passages;
}

std::string TakeTurns(const domain::ChatRequest& request, std::vector<Turn>& history) {
  std::string question;
  for (const auto& message : request.messages) {
    auto text = domain::TextOf(message.content);
    if (message.role == domain::Role::kUser) {
      question = std::move(text);
    } else if (!question.empty()) {
      history.push_back({.question = std::exchange(question, {}), .answer = std::move(text)});
    }
  }
  return question;
}

std::string StandaloneQuestion(const std::string& question, const std::vector<Turn>& history,
                               std::string_view joint) {
  if (history.empty()) return question;
  const auto words = ReadQuestion(question).words;
  const auto content = std::ranges::count_if(
      words, [](const QuestionWord& word) { return !text::IsStopWord(word.surface); });
  const bool short_one = content < kWordsAlone;
  if (!short_one && !BeginsWithConnective(question) && !PointsBack(question)) return question;
  return history.back().question + std::string(joint) + question;
}

}  // namespace strata::knowledge
