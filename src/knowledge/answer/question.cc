#include "knowledge/answer/question.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "knowledge/answer/claim_facts.h"
#include "knowledge/answer/kinds.h"
#include "knowledge/answer/kinds_asked.h"
#include "knowledge/answer/last_question.h"
#include "knowledge/answer/question_conditions.h"
#include "knowledge/answer/question_form.h"
#include "knowledge/answer/tokens.h"
#include "knowledge/answer/word_forms.h"
#include "text/normalize.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// Words (as stems) that say how a question is put rather than what it asks for.
constexpr std::array<std::string_view, 29> kFraming = {
    "accord",   "answer", "ask",     "context", "describ", "detail", "discuss",  "document",
    "exact",    "exampl", "explain", "follow",  "give",    "given",  "identifi", "includ",
    "indic",    "inform", "list",    "mention", "name",    "outlin", "passag",   "provid",
    "question", "specif", "state",   "tell",    "text"};
constexpr double kFramingWeight = 0.3;
// Of "limit" in "What is the limit for …": answers say it in other ways.
constexpr double kVagueSalience = 0.5;
// Words of an earlier question of the conversation: they say what is spoken of; names do so most.
constexpr double kEarlierWeight = 0.4;
constexpr double kEarlierNameWeight = 0.8;
// … and of the others beside a name, which says it without them: "How many cabins does the Aurora
// have?" "When was she built?"
constexpr double kBesideNameWeight = 0.1;

constexpr auto kLeaning = std::to_array<std::string_view>(
    {"it",    "its",       "he",    "she",  "his",   "her",    "they",    "their",
     "these", "this",      "those", "that", "such",  "both",   "however", "but",
     "thus",  "therefore", "also",  "then", "there", "instead"});
constexpr auto kGermanLeaning = std::to_array<std::string_view>(
    {"er", "sie", "es", "ihr", "ihre", "sein", "seine", "dieser", "diese", "dieses"});
constexpr auto kFrenchLeaning = std::to_array<std::string_view>({"il", "elle", "ils", "elles"});

// Those that take up what was named before, anywhere in a sentence.
constexpr auto kPronouns =
    std::to_array<std::string_view>({"it", "its", "he", "his", "him", "she", "her", "they", "their",
                                     "them", "there", "this", "these", "those"});

bool HasDigit(std::string_view word) {
  return std::ranges::any_of(word, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Whether it Is Written Like a Title: then capitals say nothing.
bool IsTitle(std::string_view text) {
  const auto tokens = Tokens(text);
  int frequent = 0;
  int capitals = 0;
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    if (!text::IsStopWord(tokens[i].lower)) continue;
    ++frequent;
    capitals += tokens[i].capitalised ? 1 : 0;
  }
  return capitals * 2 > frequent;
}

// "owns" is a verb with a meaning, though its stem is that of "his own".
bool IsEmpty(std::string_view stem, std::string_view lower) {
  return text::IsStopWord(lower) || (text::IsStopWord(stem) && stem != "own");
}

// Words for asking, beside those of English, which are stop words. In folded lower case.
constexpr auto kGermanAsking = std::to_array<std::string_view>(
    {"wer",   "wem",     "wen",    "wessen",  "was",      "wann",    "wo",
     "woher", "wohin",   "wie",    "wieviel", "wieviele", "viel",    "viele",
     "warum", "weshalb", "wieso",  "wofür",   "wozu",     "womit",   "worin",
     "wovon", "worüber", "welche", "welcher", "welches",  "welchem", "welchen"});
constexpr auto kFrenchAsking =
    std::to_array<std::string_view>({"qui", "quand", "où", "comment", "pourquoi", "combien", "quel",
                                     "quelle", "quels", "quelles", "quoi", "qu"});

constexpr auto kSpanishAsking =
    std::to_array<std::string_view>({"qué", "quién", "quiénes", "cuándo", "dónde", "cómo", "cuál",
                                     "cuáles", "cuánto", "cuánta", "cuántos", "cuántas"});
constexpr auto kItalianAsking =
    std::to_array<std::string_view>({"chi", "quando", "dove", "perché", "quanto", "quanta",
                                     "quanti", "quante", "quale", "quali", "che", "cosa"});

// Words of the frame beside those that every text is full of.
constexpr auto kGermanFrame = std::to_array<std::string_view>(
    {"ich",   "du",     "wir",    "mein",   "meine", "meinen", "meinem", "mich",
     "mir",   "uns",    "unser",  "unsere", "soll",  "sollen", "sollte", "dürfte",
     "darf",  "muss",   "will",   "möchte", "kann",  "statt",  "ab",     "seit",
     "hatte", "hatten", "worden", "dieser", "diese", "dieses"});
constexpr auto kFrenchFrame = std::to_array<std::string_view>(
    {"t",       "m",    "c",      "j",       "je",      "tu",    "nous",   "vous",
     "me",      "te",   "mon",    "ma",      "mes",     "notre", "nos",    "votre",
     "vos",     "lui",  "eux",    "était",   "étaient", "été",   "être",   "avoir",
     "avait",   "ai",   "peut",   "peuvent", "peux",    "puis",  "doit",   "dois",
     "doivent", "faut", "depuis", "jusqu",   "chez",    "cet",   "quelle", "quels"});
constexpr auto kSpanishWords = std::to_array<std::string_view>(
    {"el",  "la",  "los",  "las", "un", "una", "de",  "del", "en",    "es",    "está", "están",
     "son", "por", "para", "con", "se", "su",  "sus", "a",   "al",    "y",     "o",    "que",
     "ha",  "han", "fue",  "hay", "lo", "le",  "me",  "mi",  "puedo", "puede", "desde"});
constexpr auto kItalianWords = std::to_array<std::string_view>(
    {"il",    "lo",    "la", "i",   "gli",   "le", "un",   "una",   "di",  "del", "della", "dei",
     "delle", "dello", "in", "nel", "nella", "è",  "sono", "per",   "con", "si",  "su",    "a",
     "al",    "alla",  "da", "dal", "e",     "o",  "ha",   "hanno", "che", "ci",  "posso", "può"});

bool IsEmptyIn(std::string_view language, std::string_view lower) {
  // Denials are read by themselves (prohibitions.h).
  if (!language.empty() && IsNegation(lower) && !IsForbidding(lower)) return true;
  if (language == "de") {
    return IsFunctionWord(lower, "de") || IsOneOf(lower, kGermanAsking) ||
           IsOneOf(lower, kGermanFrame);
  }
  if (language == "fr") {
    return IsFunctionWord(lower, "fr") || IsOneOf(lower, kFrenchAsking) ||
           IsOneOf(lower, kFrenchFrame);
  }
  if (language == "es") return IsOneOf(lower, kSpanishWords) || IsOneOf(lower, kSpanishAsking);
  return language == "it" && (IsOneOf(lower, kItalianWords) || IsOneOf(lower, kItalianAsking));
}

// Verbs of other languages that say little, and what stands with them: "avoir lieu", "stattfinden".
constexpr auto kLightWords = std::to_array<std::string_view>(
    {"findet",     "finden",  "fand",      "befindet", "befinden", "liegt",    "liegen",
     "gibt",       "beträgt", "steht",     "stehen",   "benutzen", "nutzen",   "verwenden",
     "lieu",       "trouve",  "trouvent",  "trouver",  "situé",    "située",   "situés",
     "situées",    "appelle", "appellent", "fait",     "déroule",  "utiliser", "encuentra",
     "encuentran", "llama",   "tiene",     "trova",    "trovano",  "chiama",   "luogo"});
constexpr double kLightSalience = 0.4;

// "Was kostet …", not "Was Loos in …".
bool IsGermanVerb(const Token& token) {
  const std::string_view word = token.lower;
  return !token.capitalised && !text::IsStopWord(word) &&
         (word.ends_with('t') || word.ends_with("en") || word.ends_with("te") ||
          IsFunctionWord(word, "de") || word.ends_with('h'));
}

bool IsCapitalised(std::string_view word) {
  const auto tokens = Tokens(word, 1);
  return !tokens.empty() && tokens[0].capitalised;
}

double WeightOf(bool framing, bool name, bool earlier) {
  if (framing) return kFramingWeight;
  if (!earlier) return 1.0;
  return name ? kEarlierNameWeight : kEarlierWeight;
}

void AddWords(std::string_view text, bool keep_stop_words, Question& question) {
  thread_local text::SearchWordMaker maker;
  const auto language = QuestionLanguage(text);
  // German writes every noun with a capital.
  const bool title = IsTitle(text) || language == "de";
  const auto last = static_cast<std::size_t>(LastQuestion(text).data() - text.data());
  maker.ForEach(text, [&](const text::SearchWord& word) {
    if (question.words.size() >= kQuestionWordsMax) return;
    const auto written = text.substr(word.begin, word.end - word.begin);
    const auto surface = WithoutElision(written);
    auto lower = text::FoldCase(surface);
    auto stem = surface.size() < written.size() ? StemOf(lower) : std::string(word.word);
    if (!keep_stop_words && (IsEmpty(stem, lower) || IsEmptyIn(language, lower))) return;
    const bool framing = IsOneOf(stem, kFraming);
    const bool capital = !title && !framing && word.position > 0 && IsCapitalised(surface);
    const bool name = capital || HasDigit(surface);
    const double weight = WeightOf(framing, name, word.begin < last);
    question.cased = question.cased || capital;
    const auto before = std::ranges::find(question.words, stem, &QuestionWord::stem);
    if (before != question.words.end()) {
      before->weight = std::max(before->weight, weight);
      return;
    }
    question.words.push_back({.stem = std::move(stem),
                              .surface = std::move(lower),
                              .framing = framing,
                              .weight = weight,
                              .name = name});
  });
}

void WeighEarlier(Question& question) {
  const auto named = [](const QuestionWord& word) {
    return word.name && word.weight == kEarlierNameWeight;
  };
  if (std::ranges::none_of(question.words, named)) return;
  for (auto& word : question.words) {
    if (!word.name && word.weight == kEarlierWeight) word.weight = kBesideNameWeight;
  }
}

}  // namespace

Question ReadQuestion(std::string_view text) {
  Question question;
  AddWords(text, false, question);
  if (question.words.empty()) AddWords(text, true, question);
  WeighEarlier(question);
  question.language = QuestionLanguage(text);
  question.asked = KindsAsked(text);
  for (const auto& token : Tokens(text)) question.said.push_back(text::FoldAccents(token.lower));
  WeighForm(text, question);
  ReadConditions(text, question);
  question.constraints = ReadConstraints(text, question);
  for (std::size_t i = 0; i < question.words.size(); ++i) {
    auto& word = question.words[i];
    if ((question.constraints.vague >> i & 1U) != 0) {
      word.salience = std::min(word.salience, kVagueSalience);
    }
    if (IsOneOf(word.surface, kLightWords)) word.salience = std::min(word.salience, kLightSalience);
  }
  return question;
}

std::string_view QuestionLanguage(std::string_view text) {
  const auto tokens = Tokens(LastQuestion(text), 2);
  if (tokens.size() < 2) return {};
  if (tokens[0].lower == "was") return IsGermanVerb(tokens[1]) ? "de" : "";
  for (const auto& token : tokens) {
    // The second word counts behind a preposition: "In welchem Jahr".
    if (IsOneOf(token.lower, kGermanAsking) && token.lower != "was") return "de";
    if (IsOneOf(token.lower, kFrenchAsking)) return "fr";
    if (IsOneOf(token.lower, kSpanishAsking)) return "es";
  }
  // "In che anno"; "dove" and "chi" are words of English too, behind "the".
  const bool italian = IsOneOf(tokens[0].lower, kItalianAsking) ||
                       (tokens[0].lower.size() <= 2 && IsOneOf(tokens[1].lower, kItalianAsking));
  return italian ? "it" : "";
}

bool LeansOnPrevious(std::string_view sentence, std::string_view language) {
  const auto first = Tokens(sentence, 1);
  if (first.empty()) return false;
  const std::string_view word = first[0].lower;
  // In Spanish "es" is a verb, in Italian "il" an article.
  const bool german = language != "es" && IsOneOf(word, kGermanLeaning);
  const bool french = language != "it" && IsOneOf(word, kFrenchLeaning);
  return IsOneOf(word, kLeaning) || german || french;
}

bool BeginsWithCause(std::string_view sentence) {
  constexpr std::size_t kWordsMax = 3;
  const auto tokens = Tokens(sentence, kWordsMax);
  const auto end =
      std::ranges::find_if(tokens, [](const Token& token) { return token.after == ':'; });
  if (end == tokens.end()) return false;
  const auto label = sentence.substr(0, sentence.find(':'));
  return (KindsIn(label) & kReason) != 0;
}

bool RefersBack(std::string_view sentence) {
  return std::ranges::any_of(Tokens(sentence),
                             [](const Token& token) { return IsOneOf(token.lower, kPronouns); });
}

bool BeginsOwned(std::string_view sentence) {
  constexpr std::array<std::string_view, 4> kOwning = {"its", "his", "her", "their"};
  const auto first = Tokens(sentence, 1);
  return !first.empty() && IsOneOf(first[0].lower, kOwning);
}

bool BeginsDefinite(std::string_view sentence) {
  const auto first = Tokens(sentence, 2);
  return first.size() == 2 && first[0].lower == "the" && !first[1].capitalised;
}

}  // namespace strata::knowledge
