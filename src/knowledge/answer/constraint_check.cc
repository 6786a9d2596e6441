#include "knowledge/answer/constraint_check.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <utility>

#include "knowledge/answer/claim_facts.h"
#include "knowledge/answer/contrasts.h"
#include "knowledge/answer/date_words.h"
#include "knowledge/answer/german_words.h"
#include "knowledge/answer/kinds.h"
#include "knowledge/answer/loose_words.h"
#include "knowledge/answer/prohibitions.h"
#include "knowledge/answer/tokens.h"
#include "knowledge/answer/word_forms.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// Longer questions say the same thing in several ways.
constexpr double kShortLength = 4.5;
constexpr double kShortFact = 5.5;
// How far back a year holds.
constexpr std::size_t kYearBack = 3;
// … and what was called by an identifier.
constexpr std::size_t kIdentifierBack = 2;
constexpr std::size_t kChainMax = 4;

constexpr auto kBeforeObjects = std::to_array<std::string_view>(
    {"in",  "at",   "from", "near", "on",    "of",   "to",    "through", "by",    "with",
     "for", "into", "and",  "than", "under", "over", "after", "before",  "until", "since"});
constexpr auto kParticles =
    std::to_array<std::string_view>({"on", "off", "in", "out", "up", "down"});
// What counts as a number where there is none.
constexpr auto kNoneWords = std::to_array<std::string_view>(
    {"no",       "none",      "nothing",    "free",    "nobody",      "neither",
     "zero",     "one",       "several",    "single",  "unlimited",   "included",
     "gratis",   "kostenlos", "kostenfrei", "umsonst", "inbegriffen", "gratuit",
     "gratuite", "gratuits",  "gratuites",  "compris", "comprise",    "rien",
     "aucun",    "aucune",    "un",         "une",     "plusieurs",   "gratuito",
     "gratuita", "kein",      "keine",      "ein",     "eine",        "nichts"});
// … and as a time where no date is.
constexpr auto kTemporal = std::to_array<std::string_view>(
    {"unless",   "if",       "only",   "above",   "below",  "within",   "immediately", "before",
     "after",    "until",    "till",   "when",    "while",  "during",   "once",        "soon",
     "always",   "never",    "every",  "each",    "day",    "week",     "month",       "year",
     "annually", "morning",  "noon",   "evening", "night",  "end",      "beginning",   "middle",
     "today",    "now",      "later",  "ago",     "summer", "winter",   "spring",      "autumn",
     "ahead",    "since",    "first",  "last",    "then",   "whenever", "century",     "age",
     "early",    "late",     "wenn",   "nach",    "vor",    "bis",      "immer",       "sommer",
     "jahr",     "während",  "jeden",  "jede",    "jedes",  "tag",      "tage",        "woche",
     "monat",    "ende",     "anfang", "mitte",   "sobald", "seit",     "heute",       "herbst",
     "tous",     "toujours", "chaque", "avant",   "après",  "pendant",  "jour",        "jours",
     "semaine",  "mois",     "matin",  "soir",    "hiver",  "été",      "printemps",   "automne",
     "lors",     "dès",      "début",  "siempre", "cada",   "antes",    "después",     "durante",
     "sempre",   "ogni",     "prima",  "dopo"});

bool Holds(const std::vector<std::string>& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

// "close" and "closes", "switch" and "switched", "sell" and "sold".
bool IsFormOf(std::string_view word, std::string_view verb) {
  constexpr std::size_t kEndingMax = 3;
  word = BaseForm(word);
  verb = BaseForm(verb);
  if (verb.ends_with('e')) verb.remove_suffix(1);
  return word.starts_with(verb) && word.size() <= verb.size() + kEndingMax;
}

// "Cleaned" of "cleans": a form in -ed or -en, or an irregular one.
bool IsParticipleOf(std::string_view word, std::string_view verb) {
  const bool form = word.ends_with("ed") || word.ends_with("en") || word.ends_with("é") ||
                    word.ends_with("ée") || BaseForm(word) != word;
  if (word == verb) return true;
  return form && (StemOf(BaseForm(word)) == StemOf(BaseForm(verb)) || IsFormOf(word, verb));
}

}  // namespace

bool IsStrict(const Question& question) {
  return LengthOf(question) <= (question.closed ? kShortFact : kShortLength);
}

ConstraintCheck::ConstraintCheck(const SentencePool& pool,
                                 const std::vector<SourcePassage>& passages)
    : pool_(pool), passages_(passages), strict_(IsStrict(pool.question)) {}

const std::vector<Piece>& ConstraintCheck::PiecesOf(std::size_t sentence) {
  auto [at, fresh] = pieces_.try_emplace(sentence);
  if (fresh) at->second = Pieces(TextOf(pool_.sentences[sentence], passages_));
  return at->second;
}

const std::vector<Piece>& ConstraintCheck::HeadingsOf(std::size_t sentence) {
  const auto section = pool_.sentences[sentence].section;
  auto [at, fresh] = headings_.try_emplace(section);
  if (!fresh) return at->second;
  const auto& passage = passages_[pool_.sentences[sentence].passage];
  std::string text;
  for (auto at = section; pool_.sections[at].level > 0; at = pool_.sections[at].parent) {
    text += std::string(pool_.sections[at].heading) + '\n';
  }
  for (auto i = passage.headings.size(); i-- > 0;) text += "\n" + passage.headings[i];
  text += "\n" + std::string(passage.title);
  at->second = Pieces(text);
  return at->second;
}

std::size_t ConstraintCheck::Before(std::size_t index) const {
  const auto& sentence = pool_.sentences[index];
  const bool row = !sentence.label.empty();
  for (auto at = index; at-- > 0;) {
    const auto& before = pool_.sentences[at];
    if (before.section != sentence.section || before.passage != sentence.passage) break;
    if (row && !before.label.empty()) continue;
    return at;
  }
  return index;
}

std::uint64_t ConstraintCheck::Around(std::size_t index) const {
  const auto& sentence = pool_.sentences[index];
  return sentence.words | sentence.carried | sentence.inherited | pool_.headings[sentence.passage] |
         pool_.sections[sentence.section].words;
}

// `reads` says what a text's pieces say. Looks at the sentence, then at those that it continues
// or, up to `back_max`, that stand before it, then at its headings.
template <class Reads>
bool ConstraintCheck::Fails(std::size_t index, std::size_t back_max, Reads reads) {
  auto says = reads(PiecesOf(index));
  auto at = index;
  for (std::size_t back = 0; says == Says::kNothing && back < kChainMax; ++back) {
    const auto& sentence = pool_.sentences[at];
    const bool continues = sentence.leans || sentence.labelled || (back == 0 && sentence.carry > 0);
    const auto before = Before(at);
    if (before == at || !(continues || back < back_max)) break;
    at = before;
    says = reads(PiecesOf(at));
  }
  if (says == Says::kNothing) says = reads(HeadingsOf(index));
  if (says == Says::kNothing) return strict_;
  return says == Says::kOther;
}

bool ConstraintCheck::FailsDesignators(std::size_t index) {
  return std::ranges::any_of(pool_.question.constraints.designators, [&](const auto& asked) {
    return Fails(index, pool_.sentences[index].label.empty() ? 0 : 1,
                 [&](const std::vector<Piece>& pieces) {
                   const auto marks = MarksBehind(pieces, asked.noun);
                   if (Holds(marks, asked.mark)) return Says::kAsked;
                   return marks.empty() ? Says::kNothing : Says::kOther;
                 });
  });
}

bool ConstraintCheck::FailsIdentifiers(std::size_t index) {
  return std::ranges::any_of(pool_.question.constraints.identifiers, [&](const auto& asked) {
    const auto form = FormOfIdentifier(asked);
    return Fails(index, kIdentifierBack, [&](const std::vector<Piece>& pieces) {
      bool other = false;
      for (const auto& piece : pieces) {
        if (piece.lower == asked) return Says::kAsked;
        other = other || (IsIdentifierPiece(piece) && FormOfIdentifier(piece.lower) == form);
      }
      return other ? Says::kOther : Says::kNothing;
    });
  });
}

bool ConstraintCheck::IsOfOther(std::size_t index) {
  const auto& asked = pool_.question.constraints;
  const auto& pieces = PiecesOf(index);
  for (const auto& designator : asked.designators) {
    const auto marks = MarksBehind(pieces, designator.noun);
    if (!marks.empty() && !Holds(marks, designator.mark)) return true;
  }
  for (const auto& identifier : asked.identifiers) {
    bool other = false;
    for (const auto& piece : pieces) {
      if (piece.lower == identifier) return false;
      other = other || (IsIdentifierPiece(piece) &&
                        FormOfIdentifier(piece.lower) == FormOfIdentifier(identifier));
    }
    if (other) return true;
  }
  return std::ranges::any_of(asked.names, [&](const AskedName& name) {
    if ((pool_.sentences[index].words & name.words) != 0) return false;
    return HasOtherFirstName(name, index) || HasOtherLastName(name, index) ||
           HasOtherInItsPlace(name, index);
  });
}

std::uint64_t ConstraintCheck::OfOthers() {
  const auto& asked = pool_.question.constraints;
  const bool none = asked.designators.empty() && asked.identifiers.empty() && asked.names.empty();
  if (!strict_ || none || std::exchange(others_read_, true)) return others_;
  std::uint64_t own = 0;
  for (std::size_t i = 0; i < pool_.sentences.size(); ++i) {
    const auto words = pool_.sentences[i].words;
    if (words != 0) (IsOfOther(i) ? others_ : own) |= words;
  }
  others_ &= ~own;
  return others_;
}

bool ConstraintCheck::FailsYears(std::size_t index) {
  const auto& asked = pool_.question.constraints.years;
  if (asked.empty() || pool_.question.yes_or_no) return false;
  const bool date = (pool_.question.asked & kDate) != 0;  // then another year may be the answer
  return Fails(index, kYearBack, [&](const std::vector<Piece>& pieces) {
    bool other = false;
    for (const auto& piece : pieces) {
      if (Holds(asked, piece.lower)) return Says::kAsked;
      other = other || IsYearPiece(piece);
    }
    return other && !date ? Says::kOther : Says::kNothing;
  });
}

bool ConstraintCheck::FailsNumbers(std::size_t index) {
  const auto numbers = pool_.question.constraints.numbers;
  if (numbers == 0 || !strict_ || pool_.question.yes_or_no) return false;
  auto held = Around(index);
  if (const auto before = Before(index); before != index) held |= pool_.sentences[before].words;
  if ((numbers & ~held) == 0) return false;
  const auto said = NumbersOf(TextOf(pool_.sentences[index], passages_));
  for (auto rest = numbers & ~held; rest != 0; rest &= rest - 1) {
    const auto& word = pool_.question.words[static_cast<std::size_t>(std::countr_zero(rest))];
    const auto asked = NumbersOf(word.surface);
    if (asked.empty() || !HoldsNumber(said, asked.front())) return true;
  }
  return false;
}

void ConstraintCheck::ReadSpelling() {
  if (std::exchange(spelling_read_, true)) return;
  for (const auto& sentence : pool_.sentences) {
    bool first = true;
    for (const auto& token : Tokens(TextOf(sentence, passages_))) {
      if (!token.capitalised && !token.digits) small_.insert(token.lower);
      if (token.capitalised && !first && token.before == ' ' && !sentence.heading) {
        capitals_.insert(token.lower);
      }
      first = false;
    }
  }
}

// A name that the question does not hold.
bool ConstraintCheck::IsForeignName(const std::vector<Piece>& pieces, std::size_t i) {
  const auto& piece = pieces[i];
  if (!piece.capitalised || piece.digits || piece.lower.size() < 2) return false;
  if (text::IsStopWord(piece.lower) || IsMonthName(piece.lower) || IsWeekday(piece.lower) ||
      Holds(pool_.question.said, piece.lower)) {
    return false;
  }
  ReadSpelling();
  if (small_.contains(piece.lower)) return false;
  const bool unit = i > 0 && pieces[i - 1].digits && piece.Adjoins();  // "2 GB"
  if (unit && piece.capitals > 1) return false;
  const bool goes_on =
      i + 1 < pieces.size() && pieces[i + 1].capitalised && pieces[i + 1].Adjoins();
  return i > 0 || goes_on || capitals_.contains(piece.lower);
}

// "Wilhelm Harms" is not Friedrich Harms.
bool ConstraintCheck::HasOtherFirstName(const AskedName& name, std::size_t index) {
  if (name.parts.size() < 2) return false;
  const auto& pieces = PiecesOf(index);
  bool other = false;
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    if (pieces[i].lower != name.parts.back() || !pieces[i].Adjoins()) continue;
    if (Holds(name.parts, pieces[i - 1].lower)) return false;
    other = other || IsForeignName(pieces, i - 1);
  }
  return other && !Holds(name.parts, pieces.front().lower);
}

// "Hotel Bergblick" is not Hotel Bergkrone.
bool ConstraintCheck::HasOtherLastName(const AskedName& name, std::size_t index) {
  if (name.parts.size() < 2) return false;
  const auto& pieces = PiecesOf(index);
  bool other = false;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].lower == name.parts.back()) return false;
    const bool first = i > 0 && pieces[i - 1].lower == name.parts.front() && pieces[i].Adjoins();
    other = other || (first && IsForeignName(pieces, i));
  }
  return other;
}

// "When did Jonas sell …" - "Elin sold …": whatever does what is asked, it is not called that.
bool ConstraintCheck::HasOtherSubject(const AskedName& name, std::size_t index) {
  const auto& pieces = PiecesOf(index);
  if (!name.subject || name.verb.empty() || pieces.size() < 2) return false;
  return !text::IsStopWord(pieces[0].lower) && !pieces[0].digits && pieces[1].Adjoins() &&
         !pool_.sentences[index].heading && IsFormOf(pieces[1].lower, name.verb);
}

// Another name stands where the question has this one: as the subject, or behind the same word.
bool ConstraintCheck::HasOtherInItsPlace(const AskedName& name, std::size_t index) {
  const auto& pieces = PiecesOf(index);
  if (HasOtherSubject(name, index)) return true;
  bool subject_seen = false;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (!IsForeignName(pieces, i)) continue;
    auto before = i;
    while (before > 0 && i - before < 2 && text::IsStopWord(pieces[before - 1].lower)) --before;
    const bool object =
        before > 0 && !name.before.empty() && IsFormOf(pieces[before - 1].lower, name.before);
    if (object) return true;
    const bool phrase =
        i > 0 &&
        (IsOneOf(pieces[i - 1].lower, kBeforeObjects) ||
         (i > 1 && pieces[i - 1].lower == "the" && IsOneOf(pieces[i - 2].lower, kBeforeObjects)));
    if (name.subject && !subject_seen && !phrase && !pool_.sentences[index].leans) return true;
    subject_seen = subject_seen || !phrase;
  }
  return false;
}

// "Who married Solheim?" - "Solheim never married; Loos married Brandt."
bool ConstraintCheck::HasOtherObject(const AskedName& name, std::size_t index) {
  const auto& pieces = PiecesOf(index);
  bool other = false;
  for (std::size_t i = 1; i < pieces.size() && name.leads; ++i) {
    if (!pieces[i].Adjoins() || !IsFormOf(pieces[i - 1].lower, name.before)) continue;
    if (Holds(name.parts, pieces[i].lower)) return false;
    other = other || IsForeignName(pieces, i);
  }
  return other;
}

bool ConstraintCheck::FailsName(const AskedName& name, std::size_t index) {
  const auto& sentence = pool_.sentences[index];
  if (HasOtherFirstName(name, index) || HasOtherLastName(name, index)) return true;
  const auto continued = sentence.leans || sentence.labelled ? sentence.carried | sentence.inherited
                                                             : std::uint64_t{0};
  if ((sentence.words & name.words) != 0) return HasOtherObject(name, index);
  if ((continued & name.words) != 0) return false;
  if (HasOtherInItsPlace(name, index)) return true;
  if ((Around(index) & name.words) != 0) return false;
  const auto& sentences = pool_.sentences;
  for (const auto beside : {index - 1, index + 1}) {
    if (beside < sentences.size() && sentences[beside].section == sentence.section &&
        (sentences[beside].words & name.words) != 0) {
      return false;
    }
  }
  // What everything is about, such as the author of a diary, needs no mention.
  std::uint64_t all = 0;
  std::size_t holding = 0;
  for (const auto& other : sentences) {
    holding += (other.words & name.words) != 0 ? 1 : 0;
    all |= other.words;
  }
  for (const auto words : pool_.headings) all |= words;
  constexpr std::size_t kTopicShare = 8;
  if (holding * kTopicShare >= sentences.size() && holding > 1) return false;
  // A name that nothing holds is the refusal gate's to judge: who speaks is not named in a speech.
  return strict_ && (all & name.words) != 0;
}

bool ConstraintCheck::FailsNames(std::size_t index) {
  return std::ranges::any_of(pool_.question.constraints.names,
                             [&](const AskedName& name) { return FailsName(name, index); });
}

bool ConstraintCheck::IsContrary(std::size_t index) {
  const auto& words = pool_.question.words;
  // What its heading says does not help: "Opening hours: closed on Mondays".
  const auto held = pool_.sentences[index].words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if ((held >> i & 1U) != 0 || word.cue || word.name || !HasContrary(word.surface)) continue;
    // "Not allowed" is what is forbidden.
    if (pool_.question.denied && (word.permission || word.barred)) continue;
    // "When does it open and close?" holds both.
    const bool both = std::ranges::any_of(
        words, [&](const QuestionWord& other) { return AreContrary(word.surface, other.surface); });
    if (both || SaysByException(word.surface, TextOf(pool_.sentences[index], passages_))) continue;
    for (const auto& piece : PiecesOf(index)) {
      if (AreContrary(word.surface, piece.lower)) return true;
    }
  }
  return false;
}

bool ConstraintCheck::HasOtherMeasure(std::size_t index) {
  // A line is one dimension.
  constexpr auto kDimensions = std::to_array<std::string_view>(
      {"long length", "wide width breadth broad", "high height tall", "deep depth",
       "thick thickness", "lang länge", "breit breite", "hoch höhe", "tief tiefe", "dick dicke",
       "long longueur", "large largeur", "haut hauteur", "profond profondeur"});
  if ((pool_.question.asked & kLength) == 0) return false;
  const auto holds = [](std::string_view line, std::string_view word) {
    const auto at = line.find(word);
    const auto end = at + word.size();
    return at != line.npos && (at == 0 || line[at - 1] == ' ') &&
           (end == line.size() || line[end] == ' ');
  };
  const auto& pieces = PiecesOf(index);
  std::string_view asked;
  for (const auto& word : pool_.question.words) {
    const auto* line = std::ranges::find_if(
        kDimensions, [&](std::string_view each) { return holds(each, word.surface); });
    if (word.cue && line != kDimensions.end()) asked = *line;
  }
  if (asked.empty()) return false;
  bool other = false;
  for (const auto& piece : pieces) {
    if (holds(asked, piece.lower)) return false;
    other = other || std::ranges::any_of(kDimensions, [&](std::string_view each) {
              return holds(each, piece.lower);
            });
  }
  return other;
}

bool ConstraintCheck::HasOtherParticle(std::size_t index) {
  constexpr std::size_t kFar = 3;
  const auto& pieces = PiecesOf(index);
  for (const auto& asked : pool_.question.constraints.particles) {
    bool other = false;
    bool same = false;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (!IsFormOf(pieces[i].lower, asked.verb)) continue;
      for (auto at = i + 1; at < pieces.size() && at <= i + kFar; ++at) {
        if (!IsOneOf(pieces[at].lower, kParticles)) continue;
        same = same || pieces[at].lower == asked.particle;
        other = other || AreContrary(pieces[at].lower, asked.particle);
        break;
      }
    }
    if (other && !same) return true;
  }
  return false;
}

bool ConstraintCheck::LacksKind(std::size_t index) {
  const auto& sentence = pool_.sentences[index];
  const unsigned asked = pool_.question.asked;
  if (LacksPrice(index) || LacksAgent(index)) return true;
  if (asked == kNoKind || sentence.features.kind > 0 || sentence.features.measure > 0) return false;
  if (asked == kPerson && pool_.question.identity) return true;
  if (asked == kReason) return true;
  // The columns of a table say what is a person.
  if (asked == kPerson && !sentence.label.empty()) return true;
  const auto holds_any = [&](std::span<const std::string_view> list) {
    return std::ranges::any_of(PiecesOf(index),
                               [&](const Piece& piece) { return IsOneOf(piece.lower, list); });
  };
  if (asked == kDate) return sentence.label.empty() && !holds_any(kTemporal);
  // "What does it cost?": an amount, or that there is none.
  const bool price = asked == (kMoney | kNumber);
  if ((asked & ~(price ? kSureKinds | kMoney : kSureKinds)) != 0) return false;
  constexpr unsigned kForms = kPhone | kEmail | kUrl;
  if ((asked & kForms) != 0) return true;
  return std::ranges::none_of(PiecesOf(index),
                              [](const Piece& piece) { return IsOneOf(piece.lower, kNoneWords); });
}

// A number that is no price, where the sources write prices with a currency.
bool ConstraintCheck::LacksPrice(std::size_t index) {
  constexpr double kSaysPrice = 0.8;  // salience of "cost", not of "much"
  const auto& sentence = pool_.sentences[index];
  if (pool_.question.asked != (kMoney | kNumber) || !sentence.label.empty()) return false;
  if (sentence.met != kNumber) return false;
  std::uint64_t cues = 0;
  for (std::size_t i = 0; i < pool_.question.words.size(); ++i) {
    const auto& word = pool_.question.words[i];
    if (word.cue && word.salience >= kSaysPrice) cues |= std::uint64_t{1} << i;
  }
  // "How much" alone may count; "it costs 1,150" is a price without a currency.
  if (cues == 0 || (sentence.words & cues) != 0) return false;
  return std::ranges::any_of(pool_.sentences,
                             [](const PoolSentence& other) { return (other.met & kMoney) != 0; });
}

// "Who cleans the hall?" - "The hall is cleaned on Mondays.": the passive says by whom behind "by".
bool ConstraintCheck::LacksAgent(std::size_t index) {
  const auto& question = pool_.question;
  const auto& sentence = pool_.sentences[index];
  if (question.asked != kPerson || question.doing.empty() || !sentence.label.empty()) return false;
  constexpr auto kPassive = std::to_array<std::string_view>(
      {"is", "are", "was", "were", "be", "been", "being", "est", "sont", "été"});
  constexpr auto kAgents = std::to_array<std::string_view>({"by", "von", "vom", "durch", "par"});
  const auto at = std::ranges::find(question.words, question.doing, &QuestionWord::surface);
  const auto word = static_cast<std::size_t>(at - question.words.begin());
  if (at == question.words.end() || (sentence.words >> word & 1U) == 0) return false;
  const auto& pieces = PiecesOf(index);
  const bool german = question.language == "de";
  bool passive = false;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto& lower = pieces[i].lower;
    if (IsOneOf(lower, kAgents)) return false;
    // In German the participle stands at the end.
    passive = passive || (german ? IsGermanPassive(lower)
                                 : IsOneOf(lower, kPassive) && i + 1 < pieces.size() &&
                                       IsParticipleOf(pieces[i + 1].lower, question.doing));
  }
  return passive;
}

// "The yearly fee" - "3 euros a day".
bool ConstraintCheck::IsOfOtherPeriod(std::size_t index) {
  return std::ranges::any_of(pool_.question.words, [&](const QuestionWord& word) {
    return IsPeriod(word.surface) &&
           HasOtherPeriod(word.surface, Tokens(TextOf(pool_.sentences[index], passages_)));
  });
}

bool ConstraintCheck::IsAgainst(std::size_t index) {
  if (FailsDesignators(index) || FailsIdentifiers(index) || FailsYears(index)) return true;
  if (FailsNumbers(index) || FailsNames(index)) return true;
  if (pool_.sentences[index].of_others) return true;
  const auto text = TextOf(pool_.sentences[index], passages_);
  if (pool_.question.denied && !SaysWhatIsNot(text)) return true;
  if (!strict_) return false;
  if (LacksKind(index)) return true;
  return !pool_.question.yes_or_no && (IsContrary(index) || HasOtherParticle(index) ||
                                       HasOtherMeasure(index) || IsOfOtherPeriod(index));
}

}  // namespace strata::knowledge
