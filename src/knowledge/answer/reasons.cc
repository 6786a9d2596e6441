#include "knowledge/answer/reasons.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "text/search_words.h"

namespace strata::knowledge {
namespace {

constexpr auto kWords = std::to_array<std::string_view>(
    {"because",  "cause",  "causes",   "caused",  "causing",  "owing",      "therefore", "reason",
     "reasons",  "thanks", "hence",    "prevent", "prevents", "preventing", "avoid",     "avoids",
     "avoiding", "lest",   "weil",     "denn",    "wegen",    "grund",      "ursache",   "deshalb",
     "deswegen", "daher",  "damit",    "sodass",  "infolge",  "zwecks",     "aufgrund",  "nämlich",
     "parce",    "raison", "puisque",  "afin",    "grâce",    "porque",     "debido",    "motivo",
     "perché",   "poiché", "affinché", "siccome", "causa"});
// In lower case, one space between words.
constexpr auto kPhrases = std::to_array<std::string_view>(
    {"so that",     "due to",    "led to",       "leads to",      "leading to",  "order to",
     "as a result", "result of", "results from", "resulted from", "account of",  "in view of",
     "given that",  "for fear",  "sake of",      "is why",        "the grounds", "now that",
     "seeing that", "for lack",  "for want",     "so dass",       "pour que",    "vu que",
     "étant donné", "ya que",    "dado que",     "puesto que",    "para que",    "gracias a",
     "dato che",    "visto che", "in modo da",   "in modo che",   "grazie a",    "per via"});

// What the subject of a clause begins with.
constexpr auto kSubjectWords = std::to_array<std::string_view>(
    {"the",    "its",   "their", "his",   "her",   "it",  "they", "he",
     "she",    "there", "this",  "these", "those", "we",  "no",   "none",
     "nobody", "most",  "some",  "many",  "few",   "all", "you"});
constexpr auto kGermanSubjectWords = std::to_array<std::string_view>(
    {"der",   "die",  "das",  "ein",   "eine", "er", "sie", "es",     "man",   "wir",   "kein",
     "keine", "dort", "hier", "sonst", "sich", "im", "in",  "dieser", "diese", "dieses"});
constexpr auto kFrenchSubjectWords = std::to_array<std::string_view>(
    {"le", "la",  "les",  "l",     "il",    "elle", "ils",      "elles",
     "on", "ce",  "c",    "un",    "une",   "nous", "vous",     "son",
     "sa", "ses", "leur", "leurs", "cette", "ces",  "personne", "aucun"});

constexpr auto kAuxiliary =
    std::to_array<std::string_view>({"is", "are", "was", "were", "has", "have", "had", "can",
                                     "could", "may", "must", "will", "would", "does", "do", "did"});

// What "so" is the degree of, rather than the consequence.
constexpr auto kBehindSo = std::to_array<std::string_view>(
    {"far", "on", "forth", "called", "much", "many", "long", "to", "as", "too"});

// Verbs, adjectives and words for asking that "to" belongs to: no purpose follows them.
constexpr auto kBeforeInfinitive = std::to_array<std::string_view>(
    {"have",       "has",      "had",       "having", "need",     "needs",     "needed",
     "want",       "wants",    "wanted",    "used",   "able",     "going",     "allowed",
     "permitted",  "required", "obliged",   "ought",  "is",       "are",       "was",
     "were",       "be",       "been",      "try",    "tries",    "tried",     "begin",
     "begins",     "began",    "start",     "starts", "started",  "decide",    "decided",
     "agree",      "agreed",   "hope",      "hopes",  "plan",     "plans",     "planned",
     "promised",   "refused",  "asked",     "told",   "invited",  "free",      "welcome",
     "how",        "what",     "where",     "when",   "which",    "likely",    "wish",
     "wishes",     "wished",   "supposed",  "ready",  "continue", "continued", "right",
     "permission", "offered",  "forbidden", "due",    "from",     "next",      "close",
     "open",       "up"});
// Behind a verb: what it acts on, or where to.
constexpr auto kBehindVerb = std::to_array<std::string_view>(
    {"the", "a",   "an",   "its", "their", "his",  "her",  "our", "your", "my",   "it",  "them",
     "all", "any", "from", "out", "off",   "down", "away", "up",  "each", "that", "more"});

bool BeginsPhrase(const std::vector<Token>& tokens, std::size_t at, std::string_view phrase) {
  for (; !phrase.empty(); ++at) {
    const auto end = std::min(phrase.find(' '), phrase.size());
    if (at >= tokens.size() || tokens[at].lower != phrase.substr(0, end)) return false;
    phrase.remove_prefix(std::min(end + 1, phrase.size()));
  }
  return true;
}

bool Asks(std::span<const std::string> asked, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(
      words, [&](std::string_view word) { return std::ranges::find(asked, word) != asked.end(); });
}

// Behind a comma, or where the sentence begins.
bool OpensClause(const std::vector<Token>& tokens, std::size_t at) {
  return at == 0 || tokens[at - 1].after == ',' || tokens[at - 1].after == ';';
}

bool BeginsSubject(const Token& token, std::span<const std::string_view> words) {
  return IsOneOf(token.lower, words) || (token.capitalised && !text::IsStopWord(token.lower));
}

// "the …", or a noun with its verb behind it: "paper rots", not "agreed with".
bool BeginsWithSubject(const std::vector<Token>& tokens, std::size_t at) {
  if (BeginsSubject(tokens[at], kSubjectWords)) return true;
  if (at + 1 >= tokens.size() || tokens[at].after != ' ' || text::IsStopWord(tokens[at].lower)) {
    return false;
  }
  const std::string_view verb = tokens[at + 1].lower;
  return IsOneOf(verb, kAuxiliary) || (verb.ends_with('s') && !text::IsStopWord(verb));
}

// "…, as paper rots", ", so the road was closed", "da ein Seil riss", "car il dérange".
bool IsClause(const std::vector<Token>& tokens, std::size_t at) {
  if (at + 1 >= tokens.size()) return false;
  const auto& word = tokens[at].lower;
  const auto& next = tokens[at + 1];
  if (word == "since") return !next.digits;  // else a time
  if (word == "as") return OpensClause(tokens, at) && BeginsWithSubject(tokens, at + 1);
  if (word == "da") return OpensClause(tokens, at) && BeginsSubject(next, kGermanSubjectWords);
  if (at == 0) return false;
  if (word == "car") return IsOneOf(next.lower, kFrenchSubjectWords);
  return word == "so" && tokens[at - 1].after == ',' && !IsOneOf(next.lower, kBehindSo);
}

// "to protect the bearings", not "has to protect the bearings" and "open to all".
bool IsEnglishPurpose(const std::vector<Token>& tokens, std::size_t at) {
  if (tokens[at].lower != "to" || at + 2 >= tokens.size()) return false;
  const auto& verb = tokens[at + 1];
  if (verb.capitalised || verb.digits || text::IsStopWord(verb.lower)) return false;
  if (at > 0 && IsOneOf(tokens[at - 1].lower, kBeforeInfinitive)) return false;
  return IsOneOf(tokens[at + 2].lower, kBehindVerb);
}

// "um den Lärm zu dämpfen", "um Strom zu sparen", "um Strom einzusparen".
bool IsGermanPurpose(const std::vector<Token>& tokens, std::size_t at) {
  constexpr std::size_t kFar = 12;
  if (tokens[at].lower != "um" || at + 1 >= tokens.size() || tokens[at + 1].digits) return false;
  for (auto i = at + 1; i < tokens.size() && i <= at + kFar; ++i) {
    const std::string_view word = tokens[i].lower;
    if (word == "zu") return true;
    const auto joined = word.find("zu");
    if (joined != word.npos && joined > 1 && word.ends_with("en")) return true;
  }
  return false;
}

bool EndsAs(std::string_view word, std::initializer_list<std::string_view> endings) {
  constexpr std::size_t kRoot = 2;
  return std::ranges::any_of(endings, [&](std::string_view ending) {
    return word.size() >= ending.size() + kRoot && word.ends_with(ending);
  });
}

// A preposition with an infinitive, which has no article.
bool IsRomancePurpose(const std::vector<Token>& tokens, std::size_t at,
                      std::span<const std::string> asked) {
  constexpr auto kBetween =
      std::to_array<std::string_view>({"ne", "pas", "plus", "y", "en", "se", "s", "no", "non"});
  constexpr auto kDeterminers =
      std::to_array<std::string_view>({"notre", "votre", "leur", "autre"});
  auto next = at + 1;
  while (next < tokens.size() && IsOneOf(tokens[next].lower, kBetween)) ++next;
  if (next >= tokens.size() || tokens[next].capitalised) return false;
  const std::string_view word = tokens[at].lower;
  const std::string_view verb = tokens[next].lower;
  if (word == "pour" && Asks(asked, {"pourquoi"})) {
    return EndsAs(verb, {"er", "ir", "re"}) && !IsOneOf(verb, kDeterminers);
  }
  if (word == "para" && Asks(asked, {"por"})) {
    return EndsAs(verb, {"ar", "er", "ir", "arse", "erse", "irse"});
  }
  return word == "per" && Asks(asked, {"perche"}) &&
         EndsAs(verb, {"are", "ere", "ire", "rre", "arsi", "ersi", "irsi"});
}

}  // namespace

bool GivesReason(const std::vector<Token>& tokens, std::size_t at,
                 std::span<const std::string> asked) {
  if (IsOneOf(tokens[at].lower, kWords) || IsClause(tokens, at)) return true;
  const auto begins = [&](std::string_view phrase) { return BeginsPhrase(tokens, at, phrase); };
  if (std::ranges::any_of(kPhrases, begins)) return true;
  if (Asks(asked, {"why", "reason", "purpose"}) && IsEnglishPurpose(tokens, at)) return true;
  if (Asks(asked, {"warum", "weshalb", "wieso"}) && IsGermanPurpose(tokens, at)) return true;
  return IsRomancePurpose(tokens, at, asked);
}

}  // namespace strata::knowledge
