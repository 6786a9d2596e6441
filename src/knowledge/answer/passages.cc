#include "knowledge/answer/passages.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "knowledge/answer/question.h"
#include "text/search_words.h"
#include "text/sentences.h"

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

// The sentences of a text's first `bytes`, or its words where that would leave little.
std::string_view BeginningOf(std::string_view text, std::size_t bytes) {
  const auto head = Utf8Prefix(text, bytes);
  const auto sentences = text::SplitSentences(head);
  if (sentences.size() > 1) {
    const auto end = sentences[sentences.size() - 2].end;
    if (end * 2 >= head.size()) return head.substr(0, end);
  }
  const auto space = head.rfind(' ');
  return space == head.npos ? head : head.substr(0, space);
}

// The beginning of a passage that does not fit as a whole.
void TakeBeginning(const RetrievedChunk& chunk, std::int64_t bytes, PassageWriter write,
                   TakenPassages& taken) {
  constexpr std::int64_t kTextBytesMin = 100;  // less says nothing
  auto cut = chunk;
  cut.text.clear();
  auto room = bytes - static_cast<std::int64_t>(write(1, cut).size());
  if (room < kTextBytesMin) {
    // What stands above it takes all the room.
    cut.title.clear();
    cut.headings.clear();
    cut.table_header.clear();
    room = bytes - static_cast<std::int64_t>(write(1, cut).size());
  }
  if (room < kTextBytesMin) return;
  cut.text = BeginningOf(chunk.text, static_cast<std::size_t>(room));
  cut.end = std::min(cut.end, cut.start + static_cast<std::int64_t>(CodePointCount(cut.text)));
  taken.text = write(1, cut);
  taken.passages.push_back(std::move(cut));
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

TakenPassages TakePassages(const std::vector<RetrievedChunk>& passages, std::int64_t bytes,
                           PassageWriter write) {
  TakenPassages taken;
  for (const auto& chunk : passages) {
    auto entry = write(taken.passages.size() + 1, chunk);
    const auto left = bytes - static_cast<std::int64_t>(taken.text.size());
    if (static_cast<std::int64_t>(entry.size()) <= left) {
      taken.text += entry;
      taken.passages.push_back(chunk);
      continue;
    }
    if (taken.passages.empty()) TakeBeginning(chunk, left, write, taken);
    break;
  }
  return taken;
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
