#include "route/phrases.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace strata::route {
namespace {

struct Phrase {
  std::string_view text;
  PhraseGroup group;
};

using enum PhraseGroup;

constexpr Phrase kPhrases[] = {
    {" not ", kNegation},
    {" except", kNegation},
    {"n't ", kNegation},
    {" never ", kNegation},
    {"except", kExcept},
    {"which of the following", kWhichFollowing},
    {"which one of", kWhichFollowing},
    {"statement 1", kStatements},
    {"statement i", kStatements},
    {"i. ", kStatements},
    {"(i)", kStatements},
    {"___", kBlank},
    {" _ ", kBlank},
    {"true or false", kTrueOrFalse},
    {"true, false", kTrueOrFalse},
    {"false, true", kTrueOrFalse},
    {"how many", kHowMany},
    {"how much", kHowMany},
    {"calculate", kHowMany},
    {"compute", kHowMany},
    {"find the value", kHowMany},
    {" best ", kSuperlative},
    {" most ", kSuperlative},
    {" least ", kSuperlative},
    {"largest", kSuperlative},
    {"smallest", kSuperlative},
    {"highest", kSuperlative},
    {"primary", kSuperlative},
    {"none of", kAllOrNone},
    {"all of the", kAllOrNone},
    {"both of", kAllOrNone},
    {"neither", kAllOrNone},
    {" would ", kShould},
    {" should ", kShould},
    {" ought ", kShould},
    {" my ", kFirstPerson},
    {" i ", kFirstPerson},
    {"i'm ", kFirstPerson},
    {"i've ", kFirstPerson},
    {"```", kCode},
    {"def ", kCode},
    {"return ", kCode},
    {"#include", kCode},
    {"select ", kCode},
    {"();", kCode},
    {"function ", kCode},
    {"$", kFormula},
    {"\\frac", kFormula},
    {"^2", kFormula},
    {" = ", kFormula},
    {"\\(", kFormula},
    {"write ", kWrite},
    {"compose", kWrite},
    {"draft", kWrite},
    {"essay", kWrite},
    {"story", kWrite},
    {"poem", kWrite},
    {"explain", kExplain},
    {"describe", kExplain},
    {"why ", kExplain},
    {"discuss", kExplain},
    {"prove", kExplain},
};

// The phrases that begin with two bytes, found by a few bits of both.
class Starts {
 public:
  static constexpr std::size_t kSlots = 1024;

  Starts() {
    for (const auto& phrase : kPhrases) {
      if (phrase.text.size() == 1) {
        for (int second = 0; second < 256; ++second) {
          Add(SlotOf(phrase.text[0], static_cast<char>(second)), phrase);
        }
      } else {
        Add(SlotOf(phrase.text[0], phrase.text[1]), phrase);
      }
    }
  }
  static std::size_t SlotOf(char first, char second) {
    return (static_cast<unsigned char>(first) * 31U + static_cast<unsigned char>(second) * 7U) %
           kSlots;
  }
  const std::vector<const Phrase*>& At(std::size_t slot) const { return slots_[slot]; }

 private:
  void Add(std::size_t slot, const Phrase& phrase) {
    if (std::ranges::find(slots_[slot], &phrase) == slots_[slot].end()) {
      slots_[slot].push_back(&phrase);
    }
  }
  std::array<std::vector<const Phrase*>, kSlots> slots_;
};

}  // namespace

std::uint32_t PhraseGroupsIn(std::string_view lower) {
  static const Starts kStarts;
  std::uint32_t found = 0;
  for (std::size_t at = 0; at < lower.size(); ++at) {
    char second = at + 1 < lower.size() ? lower[at + 1] : '\0';
    for (const auto* phrase : kStarts.At(Starts::SlotOf(lower[at], second))) {
      auto bit = 1U << static_cast<unsigned>(phrase->group);
      if ((found & bit) == 0 && lower.substr(at).starts_with(phrase->text)) found |= bit;
    }
  }
  return found;
}

}  // namespace strata::route
