#include "knowledge/answer/prohibitions.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "knowledge/answer/claim_facts.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// With a negation these make what is not allowed.
constexpr auto kAllowing = std::to_array<std::string_view>(
    {"may",     "can",        "cannot",    "must",      "should",    "allow",     "allowed",
     "permit",  "permitted",  "admitted",  "darf",      "dürfen",    "kann",      "können",
     "erlaubt", "zugelassen", "gestattet", "peut",      "peuvent",   "admis",     "admise",
     "admises", "permis",     "autorisé",  "autorisés", "autorisée", "autorisées"});
// They keep somebody or something out, like those that forbid.
constexpr auto kClosing = std::to_array<std::string_view>(
    {"closed", "barred", "excluded", "excludes", "refused", "gesperrt", "geschlossen",
     "ausgeschlossen", "fermé", "fermée", "fermés", "fermées", "exclus", "exclue"});
// Exceptions, and who alone may.
constexpr auto kExcepting = std::to_array<std::string_view>(
    {"only", "except", "excepted", "unless", "outside", "instead", "nur", "außer", "ausser",
     "ausgenommen", "draußen", "seuls", "seules", "seulement", "sauf", "réservé", "réservée"});

// "may *not*", "can*'t*"; words that forbid are none by themselves.
bool IsNegationAt(const std::vector<Token>& tokens, std::size_t i) {
  const bool contracted = tokens[i].lower == "t" && tokens[i].before == '\'' && i > 0;
  return contracted || (IsNegation(tokens[i].lower) && !IsForbidding(tokens[i].lower));
}

bool Forbids(const Token& token) {
  return IsForbidding(token.lower) || IsOneOf(token.lower, kClosing);
}

}  // namespace

bool AsksWhatIsNotAllowed(const std::vector<Token>& question) {
  bool allows = false;
  bool denies = false;
  for (std::size_t i = 0; i < question.size(); ++i) {
    if (IsForbidding(question[i].lower)) return true;
    allows = allows || IsOneOf(question[i].lower, kAllowing);
    denies = denies || IsNegationAt(question, i);
  }
  return allows && denies;
}

std::string_view WhatIsBarred(const std::vector<Token>& question) {
  for (std::size_t i = 0; i + 1 < question.size(); ++i) {
    if (!IsNegationAt(question, i)) continue;
    auto at = i + 1;
    // "not allowed to climb", "not be taken"
    while (at < question.size() && (IsOneOf(question[at].lower, kAllowing) ||
                                    question[at].lower == "to" || question[at].lower == "be")) {
      ++at;
    }
    if (at < question.size() && !text::IsStopWord(question[at].lower)) return question[at].lower;
  }
  return {};
}

bool Prohibits(std::string_view text) { return std::ranges::any_of(Tokens(text), Forbids); }

bool SaysWhatIsNot(std::string_view text) {
  const auto tokens = Tokens(text);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (Forbids(tokens[i]) || IsNegationAt(tokens, i)) return true;
    if (IsOneOf(tokens[i].lower, kExcepting)) return true;
  }
  return false;
}

}  // namespace strata::knowledge
