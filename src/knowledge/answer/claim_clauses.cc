#include "knowledge/answer/claim_clauses.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "knowledge/answer/claim_facts.h"
#include "knowledge/answer/question.h"
#include "knowledge/answer/tokens.h"
#include "text/language.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// With what stands before and behind them. The comma belongs to the first clause.
constexpr auto kJoints = std::to_array<std::string_view>(
    {"; ", " and ", " but ", " while ", " whereas ", ", with ", ", plus ", ", as well as ", " und ",
     " aber ", " sondern ", " während ", ", mit ", ", zuzüglich ", ", sowie ", " et ", " mais ",
     " tandis que ", ", avec "});
constexpr std::size_t kWordsMin = 2;

bool SaysEnough(std::string_view clause, std::string_view language) {
  const auto tokens = Tokens(clause);
  const auto says = [&](const Token& token) {
    return !text::IsStopWord(token.lower) && !IsFunctionWord(token.lower, language);
  };
  return static_cast<std::size_t>(std::ranges::count_if(tokens, says)) >= kWordsMin;
}

std::size_t JointAt(std::string_view text) {
  const auto joint =
      std::ranges::find_if(kJoints, [&](std::string_view word) { return text.starts_with(word); });
  return joint == kJoints.end() ? 0 : joint->size();
}

}  // namespace

std::vector<std::string_view> ClausesOf(std::string_view claim) {
  std::vector<std::string_view> clauses;
  const auto language = text::GuessLanguage(claim);
  std::size_t begin = 0;
  for (std::size_t at = 0; at < claim.size(); ++at) {
    const auto joint = JointAt(claim.substr(at));
    if (joint == 0) continue;
    const auto before = claim.substr(begin, at - begin);
    if (!SaysEnough(before, language) || !SaysEnough(claim.substr(at + joint), language)) continue;
    clauses.push_back(before);
    begin = at + joint;
    at = begin - 1;
  }
  clauses.push_back(claim.substr(begin));
  return clauses;
}

std::vector<std::string_view> PiecesOf(std::string_view clause) {
  constexpr std::size_t kPieceWords = 40;
  thread_local text::SearchWordMaker maker;
  std::vector<std::string_view> pieces;
  std::size_t begin = 0;
  std::size_t piece = 0;  // its words so far
  std::size_t all = 0;
  std::uint32_t position = 0;
  maker.ForEach(clause, [&](const text::SearchWord& word) {
    ++all;
    // The parts of an identifier share its position.
    if (piece >= kPieceWords && word.position != position) {
      pieces.push_back(clause.substr(begin, word.begin - begin));
      begin = word.begin;
      piece = 0;
    }
    ++piece;
    position = word.position;
  });
  if (all <= kQuestionWordsMax) return {clause};
  pieces.push_back(clause.substr(begin));
  return pieces;
}

}  // namespace strata::knowledge
