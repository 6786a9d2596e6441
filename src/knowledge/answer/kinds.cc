#include "knowledge/answer/kinds.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "knowledge/answer/date_words.h"
#include "knowledge/answer/measures.h"
#include "knowledge/answer/reasons.h"
#include "knowledge/answer/tokens.h"
#include "text/normalize.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

constexpr auto kPlaceWords = std::to_array<std::string_view>(
    {"in",       "at",    "from",   "near",     "on",      "of",     "behind", "beside", "below",
     "opposite", "above", "under",  "to",       "through", "im",     "bei",    "auf",    "nach",
     "aus",      "zur",   "zum",    "hinter",   "neben",   "über",   "unter",  "vor",    "am",
     "dans",     "sur",   "sous",   "derrière", "devant",  "chez",   "à",      "au",     "aux",
     "près",     "en",    "detrás", "nel",      "nella",   "dietro", "sul",    "sulla"});
// Between such a word and a name or a noun.
constexpr auto kForeignArticles = std::to_array<std::string_view>(
    {"der", "die", "das", "den", "dem", "le", "la", "l", "les", "el", "los", "las", "il", "lo"});
// What a place is called without a name.
constexpr auto kPlaceNouns = std::to_array<std::string_view>(
    {"floor",    "room",     "building", "street",   "town",    "city",   "village",  "office",
     "hall",     "cellar",   "attic",    "north",    "south",   "east",   "west",     "garden",
     "yard",     "river",    "lake",     "harbour",  "harbor",  "coast",  "hill",     "station",
     "square",   "entrance", "corner",   "cabinet",  "shelf",   "drawer", "store",    "archive",
     "desk",     "wing",     "basement", "corridor", "étage",   "salle",  "bâtiment", "rue",
     "ville",    "bureau",   "grenier",  "jardin",   "cour",    "gare",   "accueil",  "armoire",
     "couloir",  "cave",     "piso",     "edificio", "calle",   "ciudad", "oficina",  "sótano",
     "jardín",   "estación", "entrada",  "stanza",   "ufficio", "città",  "cantina",  "giardino",
     "stazione", "piazza",   "ingresso"});
// What a person, or those who act as one, is called without a name.
constexpr auto kRoles = std::to_array<std::string_view>(
    {"mr",        "mrs",         "ms",        "dr",        "prof",       "professor",
     "sir",       "manager",     "director",  "owner",     "president",  "chair",
     "chairman",  "secretary",   "staff",     "team",      "department", "committee",
     "council",   "board",       "company",   "office",    "officer",    "engineer",
     "architect", "conservator", "curator",   "librarian", "technician", "operator",
     "driver",    "doctor",      "nurse",     "teacher",   "engineers",  "employees",
     "members",   "visitors",    "customers", "caretaker", "keeper",     "assistant",
     "clerk",     "supervisor",  "guests",    "pupils",    "students",   "passengers",
     "residents", "tenants",     "patients",  "children",  "adults"});
constexpr auto kColours = std::to_array<std::string_view>(
    {"black",  "white",  "grey",   "gray",       "red",     "green",  "blue",
     "yellow", "brown",  "orange", "purple",     "pink",    "violet", "beige",
     "silver", "golden", "gold",   "turquoise",  "crimson", "navy",   "ivory",
     "cream",  "amber",  "bronze", "colourless", "schwarz", "weiss",  "grau",
     "rot",    "grün",   "blau",   "gelb",       "braun"});

bool IsWhole(const Token& token) {
  return std::ranges::all_of(token.lower, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Digits from token `i` on that are dialled: "+44 1632 960118", "030/123456". No amounts ("1,200"),
// no dates ("2024-11-06") and no spans of years.
bool IsPhone(const std::vector<Token>& tokens, std::size_t i) {
  constexpr std::size_t kDigitsMin = 7;
  if (!IsWhole(tokens[i]) || (i > 0 && IsWhole(tokens[i - 1]) && tokens[i].before == ' ')) {
    return false;
  }
  const bool marked =
      tokens[i].before == '+' || tokens[i].before == '(' || tokens[i].lower[0] == '0';
  std::size_t digits = 0;
  std::size_t parts = 0;
  bool years = true;
  for (; i < tokens.size() && IsWhole(tokens[i]); ++i, ++parts) {
    const char before = tokens[i].before;
    if (parts > 0 && std::string_view(" -/()").find(before) == std::string_view::npos) break;
    if (parts > 0 && before == '-' && tokens[i].lower.size() == 2 &&
        tokens[i - 1].lower.size() <= 4 && !marked) {
      return false;
    }
    digits += tokens[i].lower.size();
    years = years && IsYear(tokens[i]);
  }
  return digits >= kDigitsMin && (marked || (parts > 1 && !years));
}

// Reads one sentence from left to right.
class KindReader {
 public:
  KindReader(const std::vector<Token>& tokens, std::span<const std::string> asked)
      : tokens_(tokens), asked_(asked) {}

  unsigned Read() {
    for (std::size_t i = 0; i < tokens_.size(); ++i) kinds_ |= OfToken(i) | OfName(i);
    return kinds_;
  }

 private:
  // What stands in the question is not its answer.
  bool IsAsked(const Token& token) const {
    return std::ranges::find(asked_, text::FoldAccents(token.lower)) != asked_.end();
  }

  unsigned OfToken(std::size_t i) const {
    const Token& token = tokens_[i];
    unsigned kinds = kNoKind;
    if (GivesReason(tokens_, i, asked_)) kinds |= kReason;
    if (IsOneOf(token.lower, kPlaceNouns) && AfterPlaceWord(i)) kinds |= kPlace;
    if (token.after == '@') kinds |= kEmail;
    // The unit may stand in the question, its number not: "How many litres …?"
    if (IsAsked(token)) {
      const bool unit = !token.digits && i > 0 && !IsAsked(tokens_[i - 1]);
      return unit ? kinds | KindsOfMeasure(tokens_, i) : kinds;
    }
    if (IsOneOf(token.lower, kRoles)) kinds |= kPerson;
    if (IsNumber(token) && !IsMark(i)) kinds |= kNumber;
    if (IsPhone(tokens_, i)) kinds |= kPhone;
    if (IsOneOf(token.lower, kColours)) kinds |= kColour;
    if (token.lower == "http" || token.lower == "https" || token.lower == "www") kinds |= kUrl;
    if (SaysWhen(tokens_, i)) kinds |= kDate;
    return kinds | KindsOfMeasure(tokens_, i);
  }

  // A number that counts nothing: a year, the day of a date, what tells one thing from another
  // ("Tank 2").
  bool IsMark(std::size_t i) const {
    const Token& token = tokens_[i];
    if (!token.digits || token.before == '$' || token.after == '%') return false;
    const Token* next = i + 1 < tokens_.size() ? &tokens_[i + 1] : nullptr;
    const bool counts = next && token.after == ' ' && !next->capitalised && !next->digits &&
                        !text::IsStopWord(next->lower);
    if (next && IsMonth(*next)) return true;
    if (counts || i == 0) return false;
    const Token& before = tokens_[i - 1];
    if (IsMonth(before) || IsYear(token)) return true;
    return token.before == ' ' && before.capitalised && i > 1 && !text::IsStopWord(before.lower);
  }

  bool AfterPlaceWord(std::size_t i) const {
    for (std::size_t back = 1; back <= 3 && back <= i; ++back) {
      if (IsOneOf(tokens_[i - back].lower, kPlaceWords)) return true;
    }
    return false;
  }

  // A capitalised word that does not merely begin the sentence names a person, or a place after
  // "in" and the like; the words of one name are of the same kind. No person has an article.
  unsigned OfName(std::size_t i) {
    const Token& token = tokens_[i];
    const bool acronym = token.capitals > 1;  // TIFF, UNESCO
    const bool begins = i == 0 && (i + 1 == tokens_.size() || !tokens_[i + 1].capitalised);
    if (!token.capitalised || acronym || begins || IsMonth(token) ||
        text::IsStopWord(token.lower) || IsDay(token) || IsAsked(token)) {
      return name_ = kNoKind;
    }
    if (i > 0 && name_ != kNoKind && token.before == ' ') return name_;
    if (i > 0 && IsNumber(tokens_[i - 1])) return name_ = kNoKind;  // a unit: "six Beaufort"
    if (i == 0) return name_ = kPerson;
    std::string_view before = tokens_[i - 1].lower;
    const bool article = before == "the" || before == "a" || before == "an";
    if (article && i > 1) before = tokens_[i - 2].lower;
    const bool foreign =
        i > 1 && IsOneOf(before, kForeignArticles) && IsOneOf(tokens_[i - 2].lower, kPlaceWords);
    if (foreign) return name_ = kPlace | kPerson;
    const bool place = IsOneOf(before, kPlaceWords);
    name_ = place ? unsigned{kPlace} : unsigned{kNoKind};
    if (!article && (!place || before == "of" || before == "to" || before == "from")) {
      name_ |= kPerson;
    }
    return name_;
  }

  const std::vector<Token>& tokens_;
  const std::span<const std::string> asked_;
  unsigned kinds_ = kNoKind;
  unsigned name_ = kNoKind;  // of the name that the token before belongs to
};

}  // namespace

unsigned KindsIn(std::string_view sentence, std::span<const std::string> asked) {
  return KindReader(Tokens(sentence), asked).Read();
}

unsigned KindsOfHeading(std::string_view heading) {
  constexpr std::array<std::string_view, 8> kPersonHeadings = {
      "name", "author", "contact", "person", "responsible", "inventor", "by", "employee"};
  constexpr std::array<std::string_view, 6> kPhoneHeadings = {"phone",  "telephone", "tel",
                                                              "mobile", "telefon",   "téléphone"};
  unsigned kinds = kNoKind;
  const auto tokens = Tokens(heading);
  for (const auto& token : tokens) {
    kinds |= KindsOfUnit(token.lower);
    if (IsOneOf(token.lower, kRoles) || IsOneOf(token.lower, kPersonHeadings)) kinds |= kPerson;
    if (IsOneOf(token.lower, kPhoneHeadings)) kinds |= kPhone;
  }
  return kinds;
}

}  // namespace strata::knowledge
