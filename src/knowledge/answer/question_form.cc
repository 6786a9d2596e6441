#include "knowledge/answer/question_form.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "knowledge/answer/kinds.h"
#include "knowledge/answer/kinds_asked.h"
#include "knowledge/answer/last_question.h"
#include "knowledge/answer/loose_words.h"
#include "knowledge/answer/prohibitions.h"
#include "knowledge/answer/tokens.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// Verbs (as stems) that say little: what is done stands in the words around them.
constexpr auto kLight = std::to_array<std::string_view>(
    {"live",  "have", "lie",    "stand",   "bring", "call", "carri", "come", "find",
     "get",   "give", "go",     "happen",  "keep",  "let",  "look",  "make", "mani",
     "much",  "need", "occur",  "put",     "see",   "take", "use",   "want", "work",
     "heißt", "hieß", "heisst", "geschah", "steht", "caus", "reason"});
constexpr double kLightSalience = 0.4;
// "What features …": as what the answer is to be seen, not a word of it. In short questions ("What
// is the capital of Peru?") there is little else to tell an answer by.
constexpr double kHeadSalience = 0.5;
constexpr double kLong = 3.5;

// Of "take" in "How long does it take?": the kind of answer says as much.
constexpr double kCarrierWeight = 0.3;

// "How long is the notice *period*": what a duration is called that answers leave out.
constexpr auto kDurations = std::to_array<std::string_view>(
    {"period", "durat", "time", "term", "span", "dauer", "frist", "durée", "délai"});

// What money is asked for with.
constexpr std::array<std::string_view, 5> kPaying = {"pay", "cost", "spend", "charg", "fee"};
// … and time.
constexpr auto kLasting =
    std::to_array<std::string_view>({"take", "last", "run", "dauert", "dauern", "dure", "durent"});
constexpr std::array<std::string_view, 6> kPermission = {"allow",    "permit",  "forbid",
                                                         "prohibit", "possibl", "requir"};

constexpr std::array<std::string_view, 22> kAuxiliary = {
    "is",   "are", "was",  "were", "do",   "does",  "did",   "can",    "could", "may", "might",
    "must", "has", "have", "had",  "will", "would", "shall", "should", "am",    "isn", "doesn"};
constexpr std::array<std::string_view, 9> kAsking = {"what", "which", "who", "whom", "whose",
                                                     "when", "where", "why", "how"};

bool IsAsking(const Token& token) { return IsOneOf(token.lower, kAsking); }

// "Is it …?", but not "Can you tell me what …?"
bool IsYesOrNo(const std::vector<Token>& tokens) {
  return !tokens.empty() && IsOneOf(tokens[0].lower, kAuxiliary) &&
         std::ranges::none_of(tokens, IsAsking);
}

// "How loud", "how often": a degree. "How does" and "how to" ask for a description.
bool AsksForDegree(const std::vector<Token>& tokens) {
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (tokens[i].lower == "how" && !text::IsStopWord(tokens[i + 1].lower)) return true;
  }
  return false;
}

// The nouns behind "what" or "which": "What are the *main features* of".
std::vector<std::string> HeadNouns(const std::vector<Token>& tokens) {
  std::vector<std::string> heads;
  constexpr auto kBeforeNoun = std::to_array<std::string_view>(
      {"what", "which", "welche", "welcher", "welches", "welchen", "quels", "quelles"});
  auto at =
      std::ranges::find_if(tokens, [&](const Token& t) { return IsOneOf(t.lower, kBeforeNoun); });
  if (at == tokens.end()) return heads;
  ++at;
  while (at != tokens.end() && text::IsStopWord(at->lower)) ++at;
  for (; at != tokens.end() && !text::IsStopWord(at->lower); ++at) heads.push_back(at->lower);
  return heads;
}

// "The *usual* fee": adjectives in front of a noun that is asked about.
void ReadLooseAdjectives(const std::vector<Token>& tokens, Question& question) {
  // Otherwise "borrowed" is a verb: "Who borrowed books?"
  constexpr auto kBefore = std::to_array<std::string_view>(
      {"a",   "an",   "the",  "my", "our", "your", "their", "any", "each", "do",   "does", "is",
       "are", "much", "many", "of", "for", "with", "by",    "in",  "on",   "from", "at",   "to"});
  for (std::size_t i = 1; i + 1 < tokens.size(); ++i) {
    const auto& before = tokens[i - 1].lower;
    if (tokens[i].capitalised || !IsLooseAdjective(tokens[i].lower)) continue;
    if (!IsOneOf(before, kBefore) && !IsLooseAdjective(before)) continue;
    auto noun = i + 1;
    while (noun + 1 < tokens.size() && IsLooseAdjective(tokens[noun].lower)) ++noun;
    if (tokens[noun].before != ' ' || text::IsStopWord(tokens[noun].lower)) continue;
    for (auto& word : question.words) {
      if (word.surface == tokens[i].lower && !word.name) word.loose_before = tokens[noun].lower;
    }
  }
}

void ReadWho(const std::vector<Token>& tokens, Question& question) {
  constexpr auto kWho = std::to_array<std::string_view>({"who", "wer", "qui"});
  constexpr auto kBeing =
      std::to_array<std::string_view>({"is", "was", "are", "were", "ist", "war", "est", "était"});
  constexpr auto kArticles =
      std::to_array<std::string_view>({"the", "der", "die", "das", "le", "la"});
  if (tokens.size() < 3 || !IsOneOf(tokens[0].lower, kWho)) return;
  question.identity = IsOneOf(tokens[1].lower, kBeing) && IsOneOf(tokens[2].lower, kArticles);
  const auto verb = std::ranges::find(question.words, tokens[1].lower, &QuestionWord::surface);
  if (verb != question.words.end()) question.doing = verb->surface;
}

}  // namespace

double LengthOf(const Question& question) {
  double length = 0;
  for (const auto& word : question.words) length += word.salience;
  return length;
}

void WeighForm(std::string_view text, Question& question) {
  const auto tokens = Tokens(LastQuestion(text));
  question.yes_or_no = IsYesOrNo(tokens);
  question.closed =
      (question.asked & ~unsigned{kReason}) != 0 || question.yes_or_no || AsksForDegree(tokens);
  const auto cues = CueWords(text);
  ReadLooseAdjectives(tokens, question);
  ReadWho(tokens, question);
  for (auto& word : question.words) {
    const bool pays = (question.asked & kMoney) != 0 && IsOneOf(word.stem, kPaying);
    const bool takes = (question.asked & kDuration) != 0 && IsOneOf(word.stem, kLasting);
    word.cue = pays || takes || IsOneOf(word.surface, cues);
    if (takes) word.weight = std::min(word.weight, kCarrierWeight);
    word.permission = IsOneOf(word.stem, kPermission);
    word.salience =
        IsOneOf(word.stem, kLight) ? std::min(word.weight, kLightSalience) : word.weight;
    const bool lasts = (question.asked & kDuration) != 0 && IsOneOf(word.stem, kDurations);
    if (lasts) word.salience = std::min(word.salience, kHeadSalience);
  }
  question.denied =
      !question.yes_or_no && (question.asked & kReason) == 0 && AsksWhatIsNotAllowed(tokens);
  if (question.denied) {
    const auto barred = WhatIsBarred(tokens);
    for (auto& word : question.words) word.barred = word.surface == barred;
  }
  // What is not allowed is told by the denial, and named by what it is rather than by its kind.
  if (!question.denied && (question.closed || LengthOf(question) <= kLong)) return;
  const auto heads = HeadNouns(tokens);
  for (auto& word : question.words) {
    if (!word.name && std::ranges::find(heads, word.surface) != heads.end()) {
      word.salience = std::min(word.salience, kHeadSalience);
    }
  }
}

}  // namespace strata::knowledge
