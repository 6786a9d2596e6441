#include "knowledge/answer/synonyms.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "knowledge/answer/word_forms.h"

namespace strata::knowledge {
namespace {

// A line is one meaning, in base forms. Common verbs and nouns of notices, manuals and contracts,
// each in the sense that a question about such a text gives it.
constexpr auto kGroups = std::to_array<std::string_view>({
    "shut close",
    "begin start commence",
    "end finish terminate cease expire",
    "charge responsible oversee",
    "maintain service",
    "repair mend fix",
    "clean wash scrub rinse",
    "lubricate grease oil",
    "trim prune clip",
    "buy purchase acquire",
    "rent hire lease",
    "pay free",
    "price cost fee free",
    "discount rebate off reduction",
    "produce yield give supply bear",
    "feed give",
    "happen occur",
    "leave depart",
    "arrive reach",
    "forbid prohibit ban",
    "allow permit",
    "need require",
    "choose select elect",
    "hold keep store",
    "hold contain",
    "build construct erect",
    "show display exhibit",
    "get receive",
    "reach get",
    "answer reply",
    "car automobile",
    "lorry truck",
    "doctor physician",
    "rehearsal practice",
    "drive driver",
    "kosten beitrag preis",
});

using Groups = std::map<std::string, std::vector<std::size_t>, std::less<>>;

Groups ReadGroups() {
  Groups groups;
  for (std::size_t i = 0; i < kGroups.size(); ++i) {
    for (auto rest = kGroups[i]; !rest.empty();) {
      const auto end = std::min(rest.find(' '), rest.size());
      groups[StemOf(rest.substr(0, end))].push_back(i);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return groups;
}

const std::vector<std::size_t>* GroupsOf(std::string_view word) {
  static const Groups groups = ReadGroups();
  for (const auto& form : {std::string(word), std::string(BaseForm(word))}) {
    if (const auto at = groups.find(StemOf(form)); at != groups.end()) return &at->second;
  }
  return nullptr;
}

}  // namespace

bool AreSynonyms(std::string_view a, std::string_view b) {
  const auto* first = GroupsOf(a);
  const auto* second = first ? GroupsOf(b) : nullptr;
  if (!second) return false;
  for (const auto group : *first) {
    for (const auto other : *second) {
      if (group == other) return true;
    }
  }
  return false;
}

}  // namespace strata::knowledge
