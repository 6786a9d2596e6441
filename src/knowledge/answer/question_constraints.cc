#include "knowledge/answer/question_constraints.h"

#include <algorithm>
#include <array>

#include "knowledge/answer/date_words.h"
#include "knowledge/answer/kinds.h"
#include "knowledge/answer/last_question.h"
#include "knowledge/answer/pieces.h"
#include "knowledge/answer/question.h"
#include "knowledge/answer/tokens.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

constexpr auto kPrepositions = std::to_array<std::string_view>(
    {"in",      "on",   "at",      "inside",   "under",   "near",    "from",  "of",
     "to",      "for",  "into",    "behind",   "beside",  "above",   "below", "with",
     "through", "over", "beneath", "opposite", "without", "against", "im",    "am",
     "vom",     "zum",  "zur",     "bei",      "beim",    "auf",     "aus",   "von",
     "mit",     "für",  "de",      "du",       "d",       "dans",    "sur"});
constexpr auto kAuxiliary = std::to_array<std::string_view>(
    {"is", "are", "was", "were", "do", "does", "did", "can", "could", "may", "might", "must", "has",
     "have", "had", "will", "would", "shall", "should"});
constexpr auto kDoing =
    std::to_array<std::string_view>({"do", "does", "did", "can", "could", "must", "may", "will"});
constexpr auto kDeterminers = std::to_array<std::string_view>(
    {"the",  "a",     "an",  "this", "that", "these", "those", "its", "their", "our", "my",
     "each", "every", "all", "any",  "der",  "die",   "das",   "den", "dem",   "des", "ein",
     "eine", "einem", "le",  "la",   "les",  "l",     "un",    "une", "cette"});
constexpr auto kParticles =
    std::to_array<std::string_view>({"on", "off", "in", "out", "up", "down"});
constexpr auto kRanks = std::to_array<std::string_view>(
    {"top", "first", "last", "next", "past", "only", "least", "most"});
constexpr auto kDefinite =
    std::to_array<std::string_view>({"the", "this", "that", "der", "die", "das", "den", "dem"});
constexpr auto kNumberSigns = std::to_array<std::string_view>({"no", "nr", "number", "nummer"});
// What an attribute is called that no answer names.
constexpr auto kVagueAttributes = std::to_array<std::string_view>(
    {"purpose",     "role",         "aim",          "goal",        "function",   "meaning",
     "reason",      "cause",        "name",         "names",       "kind",       "kinds",
     "type",        "types",        "sort",         "way",         "ways",       "effect",
     "effects",     "impact",       "main",         "key",         "result",     "results",
     "consequence", "consequences", "difference",   "differences", "number",     "amount",
     "total",       "time",         "year",         "date",        "day",        "place",
     "title",       "nature",       "significance", "importance",  "definition", "idea",
     "point",       "topic",        "subject",      "content",     "contents",   "status",
     "process",     "relationship", "feature",      "features",    "limit",      "maximum",
     "minimum",     "level",        "value",        "size",        "rule",       "rules",
     "origin",      "condition",    "conditions",   "period",      "duration"});
// Nouns that stand for whatever it is, and adjectives that tell no thing from another.
constexpr auto kIndefinite = std::to_array<std::string_view>(
    {"someone", "somebody",  "anyone",   "anybody",    "everyone", "everybody", "people", "person",
     "persons", "something", "anything", "everything", "thing",    "things",    "order",  "general",
     "total",   "addition",  "example",  "case",       "terms",    "fact",      "use",    "new",
     "old",     "main",      "whole",    "current",    "present"});

class Reader {
 public:
  Reader(std::string_view text, const Question& question)
      : question_(question), pieces_(Pieces(text)), last_(Pieces(LastQuestion(text))) {}

  Constraints Read() {
    ReadDesignators();
    for (const auto& piece : pieces_) {
      if (IsIdentifierPiece(piece)) out_.identifiers.push_back(piece.lower);
    }
    if (question_.cased) ReadNames();
    // What was asked before says what is spoken of, not what is asked.
    const auto last = std::min(last_.size(), pieces_.size());
    pieces_.erase(pieces_.begin(), pieces_.end() - static_cast<std::ptrdiff_t>(last));
    ReadNumbers();
    ReadBound();
    ReadAttribute();
    ReadEffect();
    ReadParticles();
    return std::move(out_);
  }

 private:
  const Piece* At(std::size_t i) const { return i < pieces_.size() ? &pieces_[i] : nullptr; }

  bool IsContent(const Piece& piece) const {
    return !text::IsStopWord(piece.lower) && !piece.digits && piece.lower.size() > 1;
  }

  std::uint64_t BitOf(std::string_view lower) const {
    for (std::size_t i = 0; i < question_.words.size(); ++i) {
      if (question_.words[i].surface == lower) return std::uint64_t{1} << i;
    }
    return 0;
  }

  // Behind a mark the question ends or goes on with its frame: "20 litres" is a count.
  bool EndsNoun(std::size_t i) const {
    const auto* next = At(i);
    return !next || next->between != " " || text::IsStopWord(next->lower);
  }

  // "Was tank 1 emptied": a noun without an article, so that its number does not count it. "Are the
  // top 10 …" and "does it take 3 hours" are counts.
  bool IsMarked(std::size_t noun) const {
    if (noun == 0) return false;
    const auto& before = pieces_[noun - 1].lower;
    const auto* next = At(noun + 2);
    const bool unit = next && (KindsOfHeading(next->lower) & kMeasures) != 0;
    return !unit && !IsOneOf(pieces_[noun].lower, kRanks) &&
           (IsOneOf(before, kAuxiliary) || IsOneOf(before, kPrepositions));
  }

  // "… in store b": small letters tell as well, but "a" and "i" are words.
  static bool IsSmallMark(const Piece& piece) {
    return piece.lower.size() == 1 && !piece.digits && piece.lower != "a" && piece.lower != "i";
  }

  void ReadDesignators() {
    for (std::size_t i = 1; i < pieces_.size(); ++i) {
      const auto& mark = pieces_[i];
      auto noun = i - 1;
      if (noun > 0 && IsOneOf(pieces_[noun].lower, kNumberSigns)) --noun;
      const auto& name = pieces_[noun];
      if (!(IsMarkPiece(mark) || IsSmallMark(mark)) || !mark.Adjoins()) continue;
      const auto* next = At(i + 1);
      if (next && (next->between == "'" || next->between == "\u2019")) continue;  // "l'entrée"
      if (name.digits || name.lower.size() < 3 || text::IsStopWord(name.lower)) continue;
      if (IsMonthName(name.lower) || IsOneOf(name.lower, kAuxiliary)) continue;
      const bool capital = name.capitalised && noun > 0;
      if (mark.digits && !capital && !EndsNoun(i + 1) && !IsMarked(noun)) continue;
      if (mark.lower == "i" && !capital) continue;
      out_.designators.push_back({.noun = name.lower, .mark = mark.lower});
    }
  }

  bool IsDesignator(std::size_t i) const {
    return i > 0 && std::ranges::any_of(out_.designators, [&](const Designator& designator) {
             return designator.mark == pieces_[i].lower &&
                    (designator.noun == pieces_[i - 1].lower ||
                     (i > 1 && designator.noun == pieces_[i - 2].lower));
           });
  }

  void ReadNumbers() {
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      const auto& piece = pieces_[i];
      if (!piece.digits || IsDesignator(i) || IsIdentifierPiece(piece)) continue;
      if (IsYearPiece(piece)) {
        out_.years.push_back(piece.lower);
        continue;
      }
      const auto* next = At(i + 1);
      const bool date = (i > 0 && IsMonthName(pieces_[i - 1].lower)) ||
                        (next && IsMonthName(next->lower)) || (next && next->between == ":") ||
                        piece.between == ":";
      if (!date) out_.numbers |= BitOf(piece.lower);
    }
  }

  void ReadNames() {
    for (std::size_t i = 1; i < pieces_.size(); ++i) {
      if (!IsNamePiece(i)) continue;
      AskedName name;
      const auto first = i;
      for (; i < pieces_.size() && IsNamePiece(i) && (i == first || pieces_[i].Adjoins()); ++i) {
        name.parts.push_back(pieces_[i].lower);
        name.words |= BitOf(pieces_[i].lower);
      }
      auto before = first - 1;
      if (before > 0 && IsOneOf(pieces_[before].lower, kDeterminers)) --before;
      name.subject = IsOneOf(pieces_[before].lower, kAuxiliary);
      for (std::size_t back = 1; back <= 3 && back <= first; ++back) {
        if (!IsContent(pieces_[first - back])) continue;
        name.before = pieces_[first - back].lower;
        name.leads = back == 1;
        break;
      }
      if (i < pieces_.size() && IsContent(pieces_[i])) name.verb = pieces_[i].lower;
      if (name.words != 0) out_.names.push_back(std::move(name));
      --i;
    }
  }

  bool IsNamePiece(std::size_t i) const {
    const auto& piece = pieces_[i];
    if (!piece.capitalised || piece.digits || piece.lower.size() < 2) return false;
    const auto* next = At(i + 1);
    const bool marked = next && IsDesignator(i + 1);
    return !marked && !IsDesignator(i) && !text::IsStopWord(piece.lower) &&
           !IsMonthName(piece.lower) && !IsWeekday(piece.lower);
  }

  // The words from `at` on that belong to one noun, up to the next word of the frame.
  std::size_t EndOfNoun(std::size_t at) const {
    const auto first = at;
    while (at < pieces_.size() && IsContent(pieces_[at]) &&
           (at == first || pieces_[at].Adjoins())) {
      ++at;
    }
    return at;
  }

  void Bind(std::size_t from, std::size_t to) {
    for (; from < to; ++from) {
      const auto& noun = pieces_[from].lower;
      const bool unit = (KindsOfHeading(noun) & kMeasures) != 0;  // "in months"
      if (!unit && !IsOneOf(noun, kIndefinite)) out_.bound |= BitOf(noun);
    }
  }

  void ReadBound() {
    for (std::size_t i = 0; i + 1 < pieces_.size(); ++i) {
      if (!IsOneOf(pieces_[i].lower, kPrepositions)) continue;
      auto at = i + 1;
      while (at < pieces_.size() && IsOneOf(pieces_[at].lower, kDeterminers)) ++at;
      const auto end = EndOfNoun(at);
      // "In the fire of 1924": the year says which.
      const bool dated = end + 1 < pieces_.size() && IsYearPiece(pieces_[end + 1]);
      if (!dated) Bind(at, end);
    }
    for (std::size_t i = 0; i + 2 < pieces_.size(); ++i) {
      if (!IsOneOf(pieces_[i + 1].lower, kDeterminers)) continue;
      const auto end = EndOfNoun(i + 2);
      // "How heavy is the refractor?": what stands behind "is the" up to the end.
      if (IsCopula(pieces_[i].lower) && end == i + 3 && end == pieces_.size()) Bind(i + 2, end);
      // "Does the relief valve open": all but the verb.
      if (!IsOneOf(pieces_[i].lower, kDoing)) continue;
      Bind(i + 2, end > i + 3 ? end - 1 : end);
    }
    ReadObjects();
  }

  // "How long are *dogs* kept".
  bool AsksOfMany(std::size_t i) const {
    return (question_.asked & kMeasures) != 0 &&
           (pieces_[i].lower == "are" || pieces_[i].lower == "were");
  }

  // "Who painted the *church*", "Do *cats* travel", "Are *copper glazes* forbidden".
  void ReadObjects() {
    for (std::size_t i = 0; i + 1 < pieces_.size(); ++i) {
      if (pieces_[i].lower != "many" || !IsContent(pieces_[i + 1])) continue;
      Bind(i + 1, i + 2);
      out_.counted |= BitOf(pieces_[i + 1].lower);
    }
    for (std::size_t i = 0; i + 2 < pieces_.size(); ++i) {
      if (!IsContent(pieces_[i]) || !IsOneOf(pieces_[i + 1].lower, kDefinite)) continue;
      const auto end = EndOfNoun(i + 2);
      const bool dated = end + 1 < pieces_.size() && IsYearPiece(pieces_[end + 1]);
      // "Mending the roof" has a name of its own, "the repair".
      const auto bound = out_.bound;
      if (!dated && !pieces_[i].lower.ends_with("ing")) Bind(i + 2, end);
      out_.objects |= out_.bound & ~bound;
      out_.bound = bound;
    }
    if (pieces_.size() < 3) return;
    const bool yes_or_no = IsOneOf(pieces_[0].lower, kAuxiliary);
    for (std::size_t i = 0; i + 2 < pieces_.size(); ++i) {
      // "In which room do *rabbits* wait"
      if (i == 0 ? !yes_or_no : !IsOneOf(pieces_[i].lower, kDoing) && !AsksOfMany(i)) continue;
      if (const auto end = EndOfNoun(i + 1);
          end > i + 2 && !(i > 0 && pieces_[i + 1].capitalised)) {
        Bind(i + 1, end - 1);
      }
    }
  }

  static bool IsCopula(std::string_view word) {
    return word == "is" || word == "are" || word == "was" || word == "were" || word == "ist" ||
           word == "sind";
  }

  // "What is the A of …". What is asked for with "which A" is one of its kind, which seldom says
  // so.
  void ReadAttribute() {
    std::size_t at = 0;
    while (at < pieces_.size() && pieces_[at].lower != "what" && pieces_[at].lower != "was") ++at;
    if (at + 3 >= pieces_.size() || !IsCopula(pieces_[at + 1].lower)) return;
    if (!IsOneOf(pieces_[at + 2].lower, kDeterminers)) return;
    at += 3;
    std::uint64_t words = 0;
    for (const auto first = at;
         at < pieces_.size() && IsContent(pieces_[at]) && (at == first || pieces_[at].Adjoins());
         ++at) {
      if (IsOneOf(pieces_[at].lower, kVagueAttributes)) out_.vague |= BitOf(pieces_[at].lower);
      words |= BitOf(pieces_[at].lower);
    }
    if (out_.vague != 0) return;
    if (at < pieces_.size() && IsOneOf(pieces_[at].lower, kPrepositions)) out_.attribute = words;
  }

  // "What caused the loss of the blossom?"
  void ReadEffect() {
    for (std::size_t i = 0; i + 3 < pieces_.size(); ++i) {
      const auto& verb = pieces_[i].lower;
      if (verb != "caused" && verb != "causes" && verb != "for" && verb != "to") continue;
      if ((question_.asked & kReason) == 0 || !IsOneOf(pieces_[i + 1].lower, kDeterminers))
        continue;
      if (!IsContent(pieces_[i + 2]) || pieces_[i + 3].lower != "of") continue;
      const auto event = BitOf(pieces_[i + 2].lower);
      out_.vague |= event;
      out_.bound &= ~event;
    }
  }

  void ReadParticles() {
    for (std::size_t i = 1; i < pieces_.size(); ++i) {
      if (!IsOneOf(pieces_[i].lower, kParticles) || !IsContent(pieces_[i - 1])) continue;
      if (i + 1 < pieces_.size() && !text::IsStopWord(pieces_[i + 1].lower)) continue;
      out_.particles.push_back({.verb = pieces_[i - 1].lower, .particle = pieces_[i].lower});
    }
  }

  const Question& question_;
  std::vector<Piece> pieces_;
  std::vector<Piece> last_;
  Constraints out_;
};

}  // namespace

Constraints ReadConstraints(std::string_view text, const Question& question) {
  return Reader(text, question).Read();
}

}  // namespace strata::knowledge
