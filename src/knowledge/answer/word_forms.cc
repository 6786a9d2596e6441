#include "knowledge/answer/word_forms.h"

#include <algorithm>
#include <array>
#include <utility>

#include "knowledge/answer/tokens.h"
#include "text/normalize.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

using Form = std::pair<std::string_view, std::string_view>;

constexpr Form kIrregular[] = {
    {"ate", "eat"},          {"became", "become"},   {"began", "begin"},
    {"begun", "begin"},      {"bit", "bite"},        {"blew", "blow"},
    {"born", "birth"},       {"bought", "buy"},      {"broke", "break"},
    {"broken", "break"},     {"brought", "bring"},   {"built", "build"},
    {"caught", "catch"},     {"chose", "choose"},    {"chosen", "choose"},
    {"cost", "price"},       {"dead", "die"},        {"death", "die"},
    {"deep", "depth"},       {"drank", "drink"},     {"drawn", "draw"},
    {"drew", "draw"},        {"driven", "drive"},    {"drove", "drive"},
    {"dying", "die"},        {"fallen", "fall"},     {"far", "distance"},
    {"fast", "speed"},       {"fed", "feed"},        {"fell", "fall"},
    {"felt", "feel"},        {"flew", "fly"},        {"flown", "fly"},
    {"fought", "fight"},     {"found", "find"},      {"froze", "freeze"},
    {"frozen", "freeze"},    {"gave", "give"},       {"given", "give"},
    {"grew", "grow"},        {"grown", "grow"},      {"heard", "hear"},
    {"heavy", "weight"},     {"held", "hold"},       {"high", "height"},
    {"hid", "hide"},         {"hidden", "hide"},     {"kept", "keep"},
    {"knew", "know"},        {"known", "know"},      {"laid", "lay"},
    {"led", "lead"},         {"left", "leave"},      {"long", "length"},
    {"lost", "lose"},        {"made", "make"},       {"mass", "weight"},
    {"meant", "mean"},       {"met", "meet"},        {"old", "age"},
    {"paid", "pay"},         {"ran", "run"},         {"rode", "ride"},
    {"rose", "rise"},        {"said", "say"},        {"sang", "sing"},
    {"sank", "sink"},        {"sat", "sit"},         {"saw", "see"},
    {"seen", "see"},         {"sent", "send"},       {"shot", "shoot"},
    {"shown", "show"},       {"slept", "sleep"},     {"sold", "sell"},
    {"spent", "spend"},      {"spoke", "speak"},     {"spoken", "speak"},
    {"stood", "stand"},      {"stole", "steal"},     {"stolen", "steal"},
    {"swam", "swim"},        {"swum", "swim"},       {"taken", "take"},
    {"tall", "height"},      {"taught", "teach"},    {"thick", "thickness"},
    {"thought", "think"},    {"threw", "throw"},     {"thrown", "throw"},
    {"told", "tell"},        {"took", "take"},       {"understood", "understand"},
    {"warm", "temperature"}, {"hot", "temperature"}, {"weigh", "weight"},
    {"weighed", "weight"},   {"weighs", "weight"},   {"went", "go"},
    {"wide", "width"},       {"won", "win"},         {"wore", "wear"},
    {"worn", "wear"},        {"written", "write"},   {"wrote", "write"},
};

constexpr std::array<std::string_view, 42> kSuffixes = {
    "",      "e",    "y",    "r",    "er",   "or",    "ar",  "ing", "ion", "tion",  "ation",
    "ition", "ment", "ance", "ence", "ant",  "ent",   "ist", "al",  "ive", "ative", "able",
    "ible",  "ful",  "ness", "ship", "ure",  "ature", "th",  "t",   "age", "ee",    "eer",
    "ery",   "ian",  "hood", "dom",  "ator", "at",    "ic",  "ity", "s"};

bool IsSuffix(std::string_view text) {
  return std::ranges::find(kSuffixes, text) != kSuffixes.end();
}

bool IsAgent(std::string_view text) {
  return text == "r" || text == "er" || text == "or" || text == "ing" || text == "ee";
}

}  // namespace

std::string_view BaseForm(std::string_view word) {
  const auto* at = std::ranges::find(kIrregular, word, &Form::first);
  return at == std::end(kIrregular) ? word : at->second;
}

std::string_view WithoutElision(std::string_view word) {
  constexpr auto kElided = std::to_array<std::string_view>(
      {"l", "d", "qu", "j", "n", "s", "m", "t", "c", "jusqu", "lorsqu", "puisqu", "dell", "all",
       "nell", "sull", "dall", "un"});
  constexpr std::string_view kTypeset = "\u2019";
  const auto at = std::min(word.find('\''), word.find(kTypeset));
  if (at == std::string_view::npos || !IsOneOf(text::FoldCase(word.substr(0, at)), kElided)) {
    return word;
  }
  const auto rest = word.substr(at + (word[at] == '\'' ? 1 : kTypeset.size()));
  // "can't", "it's": what stands behind is no word of its own.
  return rest.size() > 1 ? rest : word;
}

bool AreOtherVerbs(std::string_view a, std::string_view b) {
  constexpr std::array<std::string_view, 9> kPasts = {"found", "wound", "ground", "bound", "bore",
                                                      "saw",   "felt",  "lay",    "left"};
  constexpr std::array<std::string_view, 5> kRegular = {"ed", "d", "ing", "er", "ers"};
  if (a.size() > b.size()) std::swap(a, b);
  return b.starts_with(a) && IsOneOf(a, kPasts) && IsOneOf(b.substr(a.size()), kRegular);
}

bool SameRoot(std::string_view a, std::string_view b) {
  constexpr std::size_t kRootMin = 4;
  if (a == b) return true;
  const auto common = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  const auto rest_a = a.substr(common);
  const auto rest_b = b.substr(common);
  // "own" and "owner": a short root must be one of the words.
  if (common == kRootMin - 1)
    return rest_a.empty() ? IsAgent(rest_b) : rest_b.empty() && IsAgent(rest_a);
  return common >= kRootMin && IsSuffix(rest_a) && IsSuffix(rest_b);
}

std::string StemOf(std::string_view word) {
  thread_local text::SearchWordMaker maker;
  std::string stem(word);
  maker.ForEach(word, [&](const text::SearchWord& made) { stem = made.word; });
  return stem;
}

}  // namespace strata::knowledge
