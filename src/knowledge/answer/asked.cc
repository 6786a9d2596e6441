#include "knowledge/answer/asked.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <vector>

#include "base/utf8.h"
#include "knowledge/answer/amounts.h"
#include "knowledge/answer/last_question.h"
#include "knowledge/answer/passages.h"
#include "knowledge/answer/question_parts.h"
#include "knowledge/answer/tokens.h"
#include "text/sentences.h"

namespace strata::knowledge {
namespace {

// In lower case; longer ones before those that they begin with. Letters beyond ASCII as written.
constexpr auto kGreetings = std::to_array<std::string_view>(
    {"hi there",  "hi",        "hello there",    "hello",         "hey",        "good morning",
     "good day",  "greetings", "good afternoon", "good evening",  "dear",       "hallo",
     "guten tag", "moin",      "guten morgen",   "guten abend",   "bonjour",    "bonsoir",
     "salut",     "hola",      "buenos días",    "buenas tardes", "buongiorno", "ciao"});
// … in front of a question.
constexpr auto kLeadIns = std::to_array<std::string_view>({"could you please tell me",
                                                           "could you tell me",
                                                           "can you please tell me",
                                                           "can you tell me",
                                                           "would you tell me",
                                                           "please tell me",
                                                           "tell me",
                                                           "please let me know",
                                                           "let me know",
                                                           "do you know",
                                                           "i would like to know",
                                                           "i'd like to know",
                                                           "i want to know",
                                                           "i need to know",
                                                           "i was wondering",
                                                           "i am wondering",
                                                           "i'm wondering",
                                                           "i wonder",
                                                           "my question is",
                                                           "könnten sie mir sagen",
                                                           "können sie mir sagen",
                                                           "kannst du mir sagen",
                                                           "sagen sie mir",
                                                           "sag mir",
                                                           "wissen sie",
                                                           "weißt du",
                                                           "ich möchte wissen",
                                                           "ich würde gerne wissen",
                                                           "pouvez-vous me dire",
                                                           "peux-tu me dire",
                                                           "je voudrais savoir",
                                                           "j'aimerais savoir",
                                                           "dites-moi",
                                                           "puede decirme",
                                                           "me puede decir",
                                                           "quisiera saber",
                                                           "me gustaría saber",
                                                           "mi può dire",
                                                           "vorrei sapere"});
constexpr auto kPolite =
    std::to_array<std::string_view>({"please", "pls", "bitte", "s'il vous plaît", "s'il te plaît",
                                     "svp", "por favor", "per favore"});
constexpr auto kThanks = std::to_array<std::string_view>({"thank you very much in advance",
                                                          "thank you in advance",
                                                          "thanks in advance",
                                                          "thank you very much",
                                                          "thank you so much",
                                                          "thanks a lot",
                                                          "many thanks",
                                                          "thank you",
                                                          "thanks",
                                                          "cheers",
                                                          "vielen dank im voraus",
                                                          "vielen dank",
                                                          "danke schön",
                                                          "danke",
                                                          "merci beaucoup",
                                                          "merci d'avance",
                                                          "merci",
                                                          "muchas gracias",
                                                          "gracias",
                                                          "grazie mille",
                                                          "grazie",
                                                          "obrigado",
                                                          "obrigada"});
constexpr auto kWhether =
    std::to_array<std::string_view>({"if", "whether", "ob", "si", "se", "est-ce"});

bool IsLetter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<signed char>(c) < 0;
}

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

bool SameLetters(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {}, [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
}

std::string_view Trimmed(std::string_view text, std::string_view also = {}) {
  const auto loose = [&](char c) { return IsSpace(c) || also.find(c) != std::string_view::npos; };
  while (!text.empty() && loose(text.front())) text.remove_prefix(1);
  while (!text.empty() && loose(text.back())) text.remove_suffix(1);
  return text;
}

// Bytes of the phrase that the text begins with, as whole words; 0 for none.
std::size_t Begins(std::string_view text, std::span<const std::string_view> phrases) {
  for (const auto phrase : phrases) {
    if (text.size() < phrase.size() || !SameLetters(text.substr(0, phrase.size()), phrase))
      continue;
    if (text.size() == phrase.size() || !IsLetter(text[phrase.size()])) return phrase.size();
  }
  return 0;
}

std::size_t Ends(std::string_view text, std::span<const std::string_view> phrases) {
  for (const auto phrase : phrases) {
    if (text.size() < phrase.size()) continue;
    const auto at = text.size() - phrase.size();
    if (SameLetters(text.substr(at), phrase) && (at == 0 || !IsLetter(text[at - 1]))) {
      return phrase.size();
    }
  }
  return 0;
}

// Bytes of a greeting with whom it greets: "Hi", "Dear Ms Lind,". A song is none: "Hey Jude".
std::size_t Greeting(std::string_view text) {
  constexpr std::size_t kNameWordsMax = 3;
  const auto greeting = Begins(text, kGreetings);
  if (greeting == 0) return 0;
  const auto rest = text.substr(greeting);
  const auto mark = rest.find_first_of(",!");
  if (mark != std::string_view::npos && Tokens(rest.substr(0, mark)).size() <= kNameWordsMax) {
    return greeting + mark + 1;
  }
  const bool alone = Trimmed(rest, ".!,;:-").empty();
  return alone || BeginsAsQuestion(Trimmed(rest, ".-")) ? greeting : 0;
}

struct Unwrapped {
  std::string_view text;
  bool request = false;  // it asks to be told
};

// Bytes of one thing in front of the question; 0 for none.
std::size_t InFront(std::string_view text, bool& request) {
  if (const auto bytes = std::max(Greeting(text), Begins(text, kPolite)); bytes > 0) return bytes;
  const auto bytes = Begins(text, kLeadIns);
  const auto rest = Trimmed(text.substr(bytes), ",:-");
  if (bytes == 0 || !(BeginsAsQuestion(rest) || Begins(rest, kWhether) > 0)) return 0;
  request = true;
  return bytes;
}

Unwrapped Unwrap(std::string_view text) {
  Unwrapped out{.text = Trimmed(text), .request = false};
  while (const auto bytes = InFront(out.text, out.request)) {
    out.text = Trimmed(out.text.substr(bytes), ",.!;:-");
  }
  const auto bare = Trimmed(out.text, ",.!?;");
  auto end = Ends(bare, kThanks);
  if (end == 0) end = Ends(bare, kPolite);
  if (end > 0) out.text = Trimmed(bare.substr(0, bare.size() - end), ",.!;:-");
  return out;
}

}  // namespace

std::string Asked(std::string_view text) {
  const auto turn = text.rfind(kTurnBreak);
  const auto now = turn == std::string_view::npos ? text : text.substr(turn + kTurnBreak.size());
  std::string questions;
  std::string said;   // in front of the first question
  std::string given;  // what of the rest gives an age or a size
  std::string whole;  // what is left of all sentences
  const auto add = [](std::string& to, std::string_view sentence) {
    to += (to.empty() ? "" : " ") + std::string(sentence);
  };
  for (const auto span : text::SplitSentences(now)) {
    const auto sentence = Trimmed(now.substr(span.begin, span.end - span.begin));
    const auto part = Unwrap(sentence);
    if (part.text.empty()) continue;
    const bool marked = sentence.ends_with('?');
    auto asked = std::string(part.text);
    if (marked && !asked.ends_with('?')) asked += '?';
    add(whole, asked);
    if (marked || part.request || BeginsAsQuestion(part.text)) {
      add(questions, asked);
      continue;
    }
    if (questions.empty()) add(said, asked);
    if (!AmountsIn(asked).empty()) add(given, asked);
  }
  const auto before = std::string(text.substr(0, text.size() - now.size()));
  if (whole.empty()) return std::string(text);
  if (questions.empty()) return before + whole;
  const auto with_given = given.empty() ? questions : given + std::string(kTurnBreak) + questions;
  if (said.empty()) return before + with_given;
  const auto alone = StandaloneQuestion(questions, {{.question = said, .answer = {}}}, kTurnBreak);
  return before + (alone == questions ? with_given : alone);
}

std::string SearchQuery(const std::string& question, const std::vector<Turn>& history) {
  auto query = StandaloneQuestion(Asked(question), history);
  for (auto at = query.find(kTurnBreak); at != std::string::npos; at = query.find(kTurnBreak)) {
    query.replace(at, kTurnBreak.size(), " ");
  }
  return std::string(Utf8Prefix(query, kQueryBytesMax));
}

}  // namespace strata::knowledge
