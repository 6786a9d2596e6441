#pragma once
// The sentences of all passages, each with the features that say how well it answers a question.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/answer/question.h"
#include "knowledge/extract.h"
#include "text/sentences.h"

namespace strata::knowledge {

// Every feature lies in [-1, 1], so that weights compare.
struct SentenceFeatures {
  double own = 0;       // weighted share of the question's words in the sentence itself
  double context = 0;   // the same with title, headings and neighbours counted in part
  double kind = 0;      // 1: holds a name or reason that is asked for, -1: does not, 0: not asked
  double measure = 0;   // the same of dates, numbers and units
  double passage = 0;   // retrieval score of the passage, relative to the best
  double brevity = 0;   // 1: too short to say anything, 0: eight words or more
  double complete = 0;  // 1: ends as a sentence does
  double question = 0;  // 1: it is a question itself
  double cosine = 0;    // of sentence and question vectors; 0 without an embedder
  double near = 0;      // the better cosine of the sentences before and after
};
inline constexpr auto kSentenceFeatureNames =
    std::to_array<std::string_view>({"own", "context", "kind", "measure", "passage", "brevity",
                                     "complete", "question", "cosine", "near"});
using SentenceValues = std::array<double, kSentenceFeatureNames.size()>;
SentenceValues ValuesOf(const SentenceFeatures& features);  // in the order of the names

inline constexpr double kAllMissing = 64;

struct PoolSentence {
  std::size_t passage = 0;  // index of its passage
  text::TextSpan span;      // bytes of the passage's text
  double pairs = 0;         // share of adjacent question words that stand close together here
  std::uint64_t words = 0;  // bit i: question word i stands in it
  int word_count = 0;       // content and stop words together
  bool leans = false;       // LeansOnPrevious
  // What is lent to a sentence that leans on the one before or begins with a definite description:
  // the words of the question there, those that it was lent itself, and how much one counts here.
  std::uint64_t carried = 0;
  std::uint64_t inherited = 0;
  double carry = 0;
  double inherit = 0;
  std::string label;  // of a table's row: its cells with their columns' names; else ""
  SentenceFeatures features;
  double score = 0;
  // Coverage (coverage.h), of the sentences that score best: the share of the question's words that
  // it covers, and how many it leaves out.
  double cover = 0;
  double missing = kAllMissing;
  bool against = false;     // it speaks of another thing than the question (constraint_check.h)
  std::size_t section = 0;  // index into SentencePool::sections
  bool heading = false;
  bool labelled = false;  // BeginsWithCause
  bool refers = false;    // RefersBack
  bool owned = false;     // BeginsOwned
  // It begins with "The owner" where the question has "owns": of what, it need not say.
  bool relational = false;
  bool of_others = false;  // what it says holds for another age or size than the question gives
  unsigned met = kNoKind;  // kinds that are asked for and that it holds
};

// What stands below one heading of a passage, or above its first one.
struct PoolSection {
  std::size_t passage = 0;
  std::size_t parent = 0;   // the section that it lies in; of a passage's first one none
  std::size_t level = 0;    // of the heading, from 1; 0: above the first one
  std::uint64_t words = 0;  // of the question, in the heading and those above it
  std::string_view heading = {};
};

// Immutable views of the passages; built for one question.
struct SentencePool {
  Question question;
  std::vector<double> weights;  // of each question word; sums to 1
  std::vector<PoolSentence> sentences;
  std::vector<std::uint64_t> headings;  // question words of each passage's title and headings
  std::vector<std::uint64_t> around;    // … and of the passage with them
  std::vector<PoolSection> sections;
};

// A sentence as it is read: a table's row with its columns' names.
std::string_view TextOf(const PoolSentence& sentence, const std::vector<SourcePassage>& passages);

inline constexpr std::size_t kSentenceBytesMax = 1000;  // longer ones are cut at line or word ends
// Of all passages; the rest is not looked at.
inline constexpr std::size_t kPoolSentencesMax = 4000;

// The sum of the weights of the question's words in `words`.
double Share(std::uint64_t words, const std::vector<double>& weights);

SentencePool BuildPool(std::string_view question, const std::vector<SourcePassage>& passages);

}  // namespace strata::knowledge
