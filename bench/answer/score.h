#pragma once
// What bench_answer counts of one answer.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bench/answer/bases.h"
#include "bench/answer/questions.h"

namespace strata::bench {

// Means by name, in the order in which the names came.
class Tally {
 public:
  void Add(const std::string& name, double value);
  const std::vector<std::string>& names() const { return names_; }
  // "–" for a name that nothing was added to.
  std::string Mean(const std::string& name) const;

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::pair<double, int>> sums_;
};

// Share of the gold characters inside the spans of the citations.
double GoldCovered(const Question& question, const std::vector<domain::Citation>& citations);
// Whether any passage holds characters of the gold.
bool HoldsGold(const Question& question, const knowledge::RetrievedChunk& passage);
// Share of the citations that touch gold characters.
double CitedInGold(const Question& question, const std::vector<domain::Citation>& citations);
// Share of the content words of `gold` that the answer holds, as stems.
double WordsHeld(std::string_view gold, std::string_view answer);
// Whether the answer holds `gold` word for word, whatever case, accents and punctuation; one that
// is "yes" or "no" must come first.
bool Contains(std::string_view answer, std::string_view gold);
// Sentences of the answer, and of them those that a citation supports.
struct Support {
  int sentences = 0;
  int supported = 0;
};
Support SupportOf(const Answer& answer);

}  // namespace strata::bench
