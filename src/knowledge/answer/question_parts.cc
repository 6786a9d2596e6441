#include "knowledge/answer/question_parts.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "knowledge/answer/last_question.h"
#include "knowledge/answer/passages.h"
#include "knowledge/answer/question.h"
#include "knowledge/answer/tokens.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

constexpr auto kAsking = std::to_array<std::string_view>(
    {"who",     "whom",    "whose",  "when",    "where",   "why",     "what", "which",
     "how",     "wer",     "wem",    "wann",    "wo",      "warum",   "was",  "welche",
     "welcher", "welches", "wie",    "wieviel", "qui",     "quand",   "où",   "pourquoi",
     "combien", "quel",    "quelle", "quels",   "quelles", "comment", "qué",  "quién",
     "cuándo",  "dónde",   "cómo",   "cuánto",  "cuántos", "cuál",    "chi",  "dove",
     "perché",  "quanto",  "quale"});
constexpr auto kJoining =
    std::to_array<std::string_view>({" and ", " or ", " und ", " oder ", " et ", " ou "});
constexpr auto kAuxiliary = std::to_array<std::string_view>(
    {"is",    "are",   "was",    "were", "do",   "does", "did",  "can",
     "could", "may",   "might",  "must", "has",  "have", "had",  "will",
     "would", "shall", "should", "many", "much", "ist",  "wurde"});

bool Asks(std::string_view text) {
  const auto first = Tokens(text, 1);
  return !first.empty() && IsOneOf(first[0].lower, kAsking);
}

std::string_view Trim(std::string_view text) {
  const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && (space(text.back()) || text.back() == ',' || text.back() == ';')) {
    text.remove_suffix(1);
  }
  return text;
}

// Bytes of the joint that begins at `at` when a word for asking follows it: ", ", " and ", ", and
// ". 0 for none.
struct Joint {
  std::size_t bytes = 0;
  bool conjunction = false;
};

Joint JointAt(std::string_view text, std::size_t at) {
  Joint joint;
  if (text[at] == ',' || text[at] == ';') joint.bytes = 1;
  for (const auto word : kJoining) {
    if (!text.substr(at + joint.bytes).starts_with(word)) continue;
    joint.bytes += word.size();
    joint.conjunction = true;
    break;
  }
  if (joint.bytes == 0 || !Asks(Trim(text.substr(at + joint.bytes)))) return {};
  return joint;
}

// One sentence at its joints. A comma before "who" or "which" alone begins a relative clause: there
// must be an "and" before one of the words for asking.
std::vector<std::string_view> SplitSentence(std::string_view text) {
  std::vector<std::string_view> parts;
  bool conjunction = false;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto joint = JointAt(text, at);
    if (joint.bytes == 0) continue;
    conjunction = conjunction || joint.conjunction;
    parts.push_back(Trim(text.substr(begin, at - begin)));
    begin = at + joint.bytes;
    at = begin - 1;
  }
  parts.push_back(Trim(text.substr(begin)));
  // "Which formats and which ports are there?" is one question.
  constexpr std::size_t kWordsMin = 3;
  const auto& first = parts.front();
  if (!conjunction || !BeginsAsQuestion(first) || Tokens(first, kWordsMin).size() < kWordsMin) {
    return {text};
  }
  return parts;
}

// "when" alone, behind "who restarted the nodes": the same with another word for asking.
std::string Filled(std::string_view asking, std::string_view before) {
  const auto end = before.find(' ');
  std::string text(asking);
  while (!text.empty() && text.back() == '?') text.pop_back();
  if (end != std::string_view::npos) text += before.substr(end);
  return text;
}

std::string Ended(std::string_view text) {
  std::string out(text);
  if (!out.ends_with('?')) out += '?';
  return out;
}

// All questions of the text, each as it stands there.
std::vector<std::string_view> Questions(std::string_view text) {
  std::vector<std::string_view> questions;
  while (!Trim(text).empty()) {
    const auto end = std::min(text.find('?'), text.size() - 1) + 1;
    const auto sentence = Trim(text.substr(0, end));
    text.remove_prefix(end);
    // What follows the last question mark is no question, unless there was none.
    if (!sentence.ends_with('?') && !questions.empty()) break;
    for (const auto part : SplitSentence(sentence)) {
      if (!part.empty()) questions.push_back(part);
    }
  }
  return questions;
}

// What is said before the questions, "I am 63.", holds for each of them.
bool EndsAsStatement(std::string_view before) {
  const auto end = before.find_last_not_of(kTurnBreak);
  return end != std::string_view::npos && before[end] != '?';
}

}  // namespace

bool BeginsAsQuestion(std::string_view text) {
  const auto first = Tokens(text, 2);
  if (first.empty()) return false;
  return IsOneOf(first[0].lower, kAsking) || IsOneOf(first[0].lower, kAuxiliary) ||
         (first.size() > 1 && text::IsStopWord(first[0].lower) && IsOneOf(first[1].lower, kAsking));
}

std::vector<QuestionPart> QuestionParts(std::string_view text) {
  const auto turn = text.rfind(kTurnBreak);
  const auto now = turn == std::string_view::npos ? text : text.substr(turn + kTurnBreak.size());
  auto questions = Questions(now);
  if (questions.size() < 2) return {{.text = std::string(text), .as = Trim(now)}};
  if (questions.size() > kQuestionPartsMax) {
    auto& last = questions[kQuestionPartsMax - 1];
    last = Trim(now.substr(static_cast<std::size_t>(last.data() - now.data())));
    questions.resize(kQuestionPartsMax);
  }
  std::vector<QuestionPart> parts;
  const std::string before(text.substr(0, text.size() - now.size()));
  for (const auto asked : questions) {
    std::string part = Ended(asked);
    if (parts.empty()) {
      part.insert(0, before);
    } else if (Tokens(asked).size() == 1) {
      part = Ended(Filled(asked, parts.back().as));
    } else {
      auto whole =
          StandaloneQuestion(part, {{.question = parts.front().text, .answer = {}}}, kTurnBreak);
      const bool alone = whole == part;
      part = alone && EndsAsStatement(before) ? before + part : std::move(whole);
    }
    parts.push_back({.text = std::move(part), .as = asked});
  }
  return parts;
}

}  // namespace strata::knowledge
