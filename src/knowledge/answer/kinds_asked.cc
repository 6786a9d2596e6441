#include "knowledge/answer/kinds_asked.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "knowledge/answer/last_question.h"
#include "knowledge/answer/measures.h"
#include "knowledge/answer/tokens.h"

namespace strata::knowledge {
namespace {

struct Cue {
  std::string_view phrase;  // matched at word boundaries in the lower-cased question
  unsigned kinds;
};
constexpr Cue kCues[] = {
    {"who", kPerson},
    {"whom", kPerson},
    {"whose", kPerson},
    {"when", kDate},
    {"what year", kDate},
    {"which year", kDate},
    {"what date", kDate},
    {"date of", kDate},
    {"what month", kDate},
    {"what day", kDate},
    {"what days", kDate},
    {"which days", kDate},
    {"which month", kDate},
    {"which weekday", kDate},
    {"how many", kNumber},
    {"how much", kNumber | kMoney | kPercent},
    {"how old", kDuration | kDate},
    {"how long", kLength | kDuration},
    {"how far", kLength},
    {"how high", kLength},
    {"how tall", kLength},
    {"how deep", kLength},
    {"how wide", kLength},
    {"how thick", kLength},
    {"how large", kNumber | kLength},
    {"how big", kNumber | kLength},
    {"how often", kNumber | kDuration},
    {"how fast", kNumber | kLength | kSpeed},
    {"percentage", kPercent},
    {"what percent", kPercent},
    {"what number", kNumber},
    {"what amount", kNumber | kMoney},
    {"what was the total", kNumber | kMoney},
    {"cost", kMoney | kNumber},
    {"costs", kMoney | kNumber},
    {"worth", kMoney | kNumber},
    {"price", kMoney | kNumber},
    {"fee", kMoney | kNumber},
    {"salary", kMoney | kNumber},
    {"weight", kMass},
    {"weigh", kMass},
    {"weighs", kMass},
    {"heavy", kMass},
    {"temperature", kTemperature},
    {"how hot", kTemperature},
    {"how cold", kTemperature},
    {"how warm", kTemperature},
    {"speed of", kSpeed},
    {"top speed", kSpeed},
    {"height", kLength},
    {"length", kLength | kDuration},
    {"width", kLength},
    {"diameter", kLength},
    {"thickness", kLength},
    {"distance", kLength},
    {"altitude", kLength},
    {"capacity", kNumber},
    {"what time", kDate},
    {"which day", kDate},
    {"where", kPlace},
    {"what country", kPlace},
    {"which country", kPlace},
    {"what city", kPlace},
    {"which city", kPlace},
    {"place of", kPlace},
    {"why", kReason},
    {"what reason", kReason},
};
constexpr Cue kMoreCues[] = {
    {"what caused", kReason},     {"what causes", kReason},
    {"cause of", kReason},        {"reason for", kReason},
    {"what led to", kReason},     {"how come", kReason},
    {"phone number", kPhone},     {"telephone number", kPhone},
    {"fax number", kPhone},       {"email address", kEmail},
    {"e mail address", kEmail},   {"mail address", kEmail},
    {"web address", kUrl},        {"the url", kUrl},
    {"how much memory", kData},   {"how much storage", kData},
    {"how much disk", kData},     {"what colour", kColour},
    {"which colour", kColour},    {"which colours", kColour},
    {"what color", kColour},      {"which color", kColour},
    {"welche farbe", kColour},    {"what is the volume", kVolume},
    {"what volume", kVolume},     {"what is the pressure", kPressure},
    {"what pressure", kPressure}, {"what is the power", kPower},
    {"what is the area", kArea},  {"what is the humidity", kPercent},
    {"what humidity", kPercent},
};
// German and French.
constexpr Cue kForeignCues[] = {
    {"wer", kPerson},
    {"wem", kPerson},
    {"wen", kPerson},
    {"wessen", kPerson},
    {"wie heisst", kPerson},
    {"wann", kDate},
    {"wo", kPlace},
    {"wie viel", kNumber | kMoney},
    {"wie viele", kNumber},
    {"wieviel", kNumber | kMoney},
    {"wieviele", kNumber},
    {"was kostet", kNumber | kMoney},
    {"was kosten", kNumber | kMoney},
    {"wie lang", kLength | kDuration},
    {"wie lange", kDuration},
    {"wie hoch", kLength | kNumber},
    {"wie tief", kLength},
    {"wie breit", kLength},
    {"wie weit", kLength},
    {"wie schwer", kMass},
    {"wie alt", kDuration | kDate},
    {"warum", kReason},
    {"weshalb", kReason},
    {"wieso", kReason},
    {"wie teuer", kMoney | kNumber},
    {"wie viel uhr", kDate},
    {"welche uhrzeit", kDate},
    {"welcher uhrzeit", kDate},
    {"welchem tag", kDate},
    {"welchen tagen", kDate},
    {"welcher tag", kDate},
    {"welchem jahr", kDate},
    {"welchem monat", kDate},
    {"kostet", kMoney | kNumber},
    {"kosten", kMoney | kNumber},
    {"preis", kMoney | kNumber},
    {"gebühr", kMoney | kNumber},
    {"qui", kPerson},
    {"comment s appelle", kPerson},
    {"quand", kDate},
    {"quel jour", kDate},
    {"quels jours", kDate},
    {"quelle heure", kDate},
    {"quelles heures", kDate},
    {"quelle date", kDate},
    {"quel mois", kDate},
    {"quelle année", kDate},
    {"où", kPlace},
    {"combien", kNumber | kMoney},
    {"combien de temps", kDuration},
    {"coûte", kMoney | kNumber},
    {"coûtent", kMoney | kNumber},
    {"coût", kMoney | kNumber},
    {"prix", kMoney | kNumber},
    {"tarif", kMoney | kNumber},
    {"montant", kMoney | kNumber},
    {"quelle couleur", kColour},
    {"pourquoi", kReason},
};
// Spanish and Italian: they count only where the question begins, for "dove" and "chi" are words
// elsewhere too.
constexpr Cue kOpeningCues[] = {
    {"quién", kPerson},
    {"quiénes", kPerson},
    {"cuándo", kDate},
    {"qué día", kDate},
    {"qué días", kDate},
    {"qué hora", kDate},
    {"qué año", kDate},
    {"dónde", kPlace},
    {"cuánto", kNumber | kMoney},
    {"cuánto cuesta", kNumber | kMoney},
    {"cuánta", kNumber},
    {"cuántos", kNumber},
    {"cuántas", kNumber},
    {"por qué", kReason},
    {"cuánto tiempo", kDuration},
    {"cuánto dura", kDuration},
    {"chi", kPerson},
    {"quando", kDate},
    {"che ora", kDate},
    {"che giorno", kDate},
    {"quale giorno", kDate},
    {"dove", kPlace},
    {"quanto", kNumber | kMoney},
    {"quanto costa", kNumber | kMoney},
    {"quanta", kNumber},
    {"quanti", kNumber},
    {"quante", kNumber},
    {"perché", kReason},
    {"quanto dura", kDuration},
};

// Lower case, one space between words and one at both ends, so that phrases match at boundaries.
std::string Folded(std::string_view text) {
  std::string folded = " ";
  for (const auto& token : Tokens(text)) folded += token.lower + " ";
  return folded;
}

std::vector<Cue> CuesIn(std::string_view question) {
  const std::string folded = Folded(question);
  std::vector<Cue> cues;
  for (const auto& list : {std::span<const Cue>(kCues), std::span<const Cue>(kMoreCues),
                           std::span<const Cue>(kForeignCues)}) {
    for (const auto& cue : list) {
      if (folded.find(" " + std::string(cue.phrase) + " ") != folded.npos) cues.push_back(cue);
    }
  }
  for (const auto& cue : kOpeningCues) {
    const auto at = folded.find(" " + std::string(cue.phrase) + " ");
    // Behind one word at most: "A qué hora".
    if (at != folded.npos && at <= folded.find(' ', 1)) cues.push_back(cue);
  }
  return cues;
}

// "What do I pay for the tour?", not "What do I pay for?" and "Who pays?".
bool AsksWhatIsPaid(std::string_view question) {
  const auto tokens = Tokens(question);
  const auto asks = std::ranges::find(tokens, "what", &Token::lower);
  const auto pays = std::find_if(asks, tokens.end(), [](const Token& token) {
    return token.lower == "pay" || token.lower == "pays" || token.lower == "paid";
  });
  if (pays == tokens.end()) return false;
  const auto last = tokens.end() - 1;
  return pays == last || (pays + 1)->lower != "for" || pays + 1 != last;
}

// "How high is the rent?"
bool AsksHowHighASumIs(std::string_view question) {
  constexpr auto kSums = std::to_array<std::string_view>(
      {"fee", "fees", "price", "cost", "costs", "rent", "deposit", "fine", "charge", "salary",
       "wage", "wages", "tax", "premium", "fare", "toll", "surcharge", "bill", "budget"});
  const auto tokens = Tokens(question);
  const bool high = Folded(question).contains(" how high ");
  return high && std::ranges::any_of(
                     tokens, [&](const Token& token) { return IsOneOf(token.lower, kSums); });
}

}  // namespace

unsigned KindsAsked(std::string_view question) {
  question = LastQuestion(question);
  unsigned kinds = kNoKind;
  unsigned of_nouns = kNoKind;  // "price": what is asked for, unless a word for asking says so
  for (const auto& cue : CuesIn(question)) {
    const bool noun = cue.kinds == (kMoney | kNumber) && cue.phrase.find(' ') == cue.phrase.npos;
    (noun ? of_nouns : kinds) |= cue.kinds;
  }
  if ((kinds & (kDate | kPerson | kPlace | kReason)) == 0) kinds |= of_nouns;
  if (AsksHowHighASumIs(question)) kinds = (kinds & ~unsigned{kLength}) | kMoney | kNumber;
  if (AsksWhatIsPaid(question)) kinds |= kMoney | kNumber;
  // "How many litres", "the warranty in months": a number of that unit.
  const auto tokens = Tokens(question);
  for (std::size_t i = 2; i < tokens.size(); ++i) {
    const bool counted = tokens[i - 1].lower == "many" && tokens[i - 2].lower == "how";
    if (const auto of_unit = KindsOfUnit(tokens[i].lower); counted && of_unit != kNoKind) {
      kinds = (kinds & ~unsigned{kNumber}) | of_unit;
    }
  }
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    if (tokens[i - 1].lower == "in" && tokens[i].lower.size() > 1) {
      kinds |= KindsOfUnit(tokens[i].lower);
    }
  }
  return kinds;
}

std::vector<std::string_view> CueWords(std::string_view question) {
  std::vector<std::string_view> words;
  for (const auto& cue : CuesIn(LastQuestion(question))) {
    for (auto rest = cue.phrase; !rest.empty();) {
      const auto end = std::min(rest.find(' '), rest.size());
      words.push_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return words;
}

}  // namespace strata::knowledge
