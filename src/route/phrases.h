#pragma once
// Which of the phrases that measures look for stand in a text: all of them in one pass.

#include <cstdint>
#include <string_view>

namespace strata::route {

// One bit a group, in the order of the measures from "negation" to "explain".
enum class PhraseGroup : std::uint8_t {
  kNegation,
  kExcept,
  kWhichFollowing,
  kStatements,
  kBlank,
  kTrueOrFalse,
  kHowMany,
  kSuperlative,
  kAllOrNone,
  kShould,
  kFirstPerson,
  kCode,
  kFormula,
  kWrite,
  kExplain,
};

// Bit number g is set when a phrase of group g stands in `lower`. O(length).
std::uint32_t PhraseGroupsIn(std::string_view lower);

inline bool HasGroup(std::uint32_t groups, PhraseGroup group) {
  return (groups >> static_cast<unsigned>(group) & 1U) != 0;
}

}  // namespace strata::route
