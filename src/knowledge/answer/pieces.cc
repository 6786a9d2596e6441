#include "knowledge/answer/pieces.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>

#include "knowledge/answer/tokens.h"

namespace strata::knowledge {
namespace {

bool IsAllDigits(std::string_view word) {
  return !word.empty() &&
         std::ranges::all_of(word, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Two tokens that are one: digits on both sides of "." or ",", or of "-" where letters or digits
// make a number of it ("2024-17"; "1990-2000" are two years).
bool Joins(const Piece& before, const Token& token, std::string_view between) {
  if (between.size() != 1 || !token.digits) return false;
  const char mark = between[0];
  if (mark == '.' || mark == ',') return before.digits && IsAllDigits(token.lower);
  if (mark != '-') return false;
  const auto size = before.lower.size();
  // In capitals, or "p-102" in a question that writes none.
  const bool letters =
      !before.digits && (before.capitals == static_cast<int>(size) ? size <= 4 : size <= 2);
  return letters || (before.lower.size() == 4 && before.digits && token.lower.size() < 4);
}

// 0 for none.
int NumberOf(std::string_view word) {
  int value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && end == word.data() + word.size() ? value : 0;
}

bool IsNounForm(std::string_view word, std::string_view noun) {
  if (word == noun) return true;
  if (word.size() < noun.size()) std::swap(word, noun);
  constexpr std::array<std::string_view, 5> kEndings = {"s", "es", "n", "en", "e"};
  return noun.size() >= 3 && word.starts_with(noun) && IsOneOf(word.substr(noun.size()), kEndings);
}

// "2 to 5": adds those between. Longer spans are no marks.
void AddRange(std::string_view from, std::string_view to, std::vector<std::string>& marks) {
  constexpr int kMarksMax = 200;
  const int first = NumberOf(from);
  const int last = NumberOf(to);
  if (first <= 0 || last <= first || last - first > kMarksMax) return;
  for (int i = first + 1; i < last; ++i) marks.push_back(std::to_string(i));
}

bool IsJoint(const Piece& piece) {
  constexpr std::array<std::string_view, 8> kJoints = {"and",  "or",  "to", "und",
                                                       "oder", "bis", "et", "ou"};
  return IsOneOf(piece.lower, kJoints);
}

}  // namespace

bool Piece::Adjoins() const {
  return !between.empty() && between.find_first_not_of(" \t\r\n") == std::string_view::npos &&
         std::ranges::count(between, '\n') < 2;
}

std::vector<Piece> Pieces(std::string_view text) {
  std::vector<Piece> pieces;
  std::size_t at = 0;   // where the next token may begin
  std::size_t end = 0;  // of the piece before
  for (const auto& token : Tokens(text)) {
    // Tokens are found again by their length: case folding may change it, so look for the bytes.
    while (at < text.size() && BreakSize(text, at) > 0) at += BreakSize(text, at);
    const auto begin = at;
    while (at < text.size() && BreakSize(text, at) == 0) ++at;
    const auto between = text.substr(end, begin - end);
    end = at;
    if (!pieces.empty() && Joins(pieces.back(), token, between)) {
      pieces.back().lower += std::string(between) + token.lower;
      pieces.back().digits = true;
      continue;
    }
    pieces.push_back({.lower = token.lower,
                      .capitalised = token.capitalised,
                      .digits = token.digits,
                      .capitals = token.capitals,
                      .between = between});
  }
  return pieces;
}

bool IsYearPiece(const Piece& piece) {
  return piece.lower.size() == 4 && IsAllDigits(piece.lower) &&
         (piece.lower[0] == '1' || piece.lower.starts_with("20"));
}

bool IsIdentifierPiece(const Piece& piece) {
  constexpr std::size_t kBytesMax = 16;
  constexpr std::size_t kLettersMax = 4;
  const std::string_view text = piece.lower;
  const auto letters = text.find_first_of("0123456789-");
  return piece.digits && letters != 0 && letters <= kLettersMax && text.size() <= kBytesMax &&
         static_cast<unsigned char>(text[0]) < 128;
}

std::string FormOfIdentifier(std::string_view identifier) {
  std::string form;
  for (const unsigned char c : identifier) {
    if (std::isdigit(c) == 0) {
      form += std::isalpha(c) != 0 ? 'a' : static_cast<char>(c);
    } else if (!form.ends_with('9')) {
      form += '9';
    }
  }
  return form;
}

bool IsMarkPiece(const Piece& piece) {
  constexpr std::size_t kDigitsMax = 8;
  if (piece.digits) {
    return piece.lower.size() <= kDigitsMax && !IsYearPiece(piece) &&
           std::isdigit(static_cast<unsigned char>(piece.lower[0])) != 0;
  }
  if (piece.capitals == 0) return false;
  if (piece.lower.size() == 1) return true;
  return piece.capitals == static_cast<int>(piece.lower.size()) && piece.lower.size() <= 4 &&
         piece.lower.find_first_not_of("ivx") == std::string::npos;
}

std::vector<std::string> MarksBehind(const std::vector<Piece>& pieces, std::string_view noun) {
  constexpr std::array<std::string_view, 4> kNumberSigns = {"no", "nr", "number", "nummer"};
  std::vector<std::string> marks;
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
    if (!IsNounForm(pieces[i].lower, noun)) continue;
    auto at = i + 1;
    if (at + 1 < pieces.size() && IsOneOf(pieces[at].lower, kNumberSigns)) ++at;
    if (!IsMarkPiece(pieces[at]) || pieces[at].between.size() > 3) continue;
    marks.push_back(pieces[at].lower);
    // "1 and 2", "1, 2 and 3", "1–4".
    while (at + 1 < pieces.size()) {
      const bool joint = at + 2 < pieces.size() && IsJoint(pieces[at + 1]);
      const auto& next = pieces[at + (joint ? 2 : 1)];
      if (!IsMarkPiece(next) || (!joint && next.Adjoins())) break;
      const auto between = next.between;
      const bool range = joint ? pieces[at + 1].lower == "to" || pieces[at + 1].lower == "bis"
                               : between == "-" || between == "–";
      if (!joint && !range && between != ", ") break;
      if (range) AddRange(pieces[at].lower, next.lower, marks);
      marks.push_back(next.lower);
      at += joint ? 2 : 1;
    }
  }
  return marks;
}

}  // namespace strata::knowledge
