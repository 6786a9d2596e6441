#pragma once
// What a question is about: its content words, and the kind of thing that would answer it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/answer/amounts.h"
#include "knowledge/answer/kinds.h"
#include "knowledge/answer/question_constraints.h"

namespace strata::knowledge {

struct QuestionWord {
  std::string stem;
  std::string surface;  // in lower case, with its accents
  bool framing = false;
  double weight = 1;  // 1; less for words that frame questions ("mentioned", "according")
  // A capitalised word inside the question, or one with digits: what the question is about rather
  // than what it asks. Passages that do not hold it speak of something else.
  bool name = false;
  // An adjective that tells nothing apart by itself, "usual" in "the usual fee": the word behind
  // it.
  std::string loose_before = {};
  bool cue = false;         // it says which kind of thing is asked for: "long" in "how long"
  bool permission = false;  // "allowed": said by "must", "may" or "not" as well
  // What is not allowed, "enter" in "may not enter": said by "closed to" and "forbidden" as well.
  bool barred = false;
  double salience = 1;  // how much is missing when an answer does not speak of it
};

// An age or a size that the question, or what is said before it, gives: what holds for others is no
// answer.
struct Condition {
  Amount amount;
  std::uint64_t words = 0;  // the question words that it is written with, as bits
};

struct Question {
  std::vector<QuestionWord> words;  // content words in order, without repeats, at most 64
  unsigned asked = kNoKind;         // kinds that an answer holds
  // All its words, stop words too, in lower case without accents: no answer consists of them.
  std::vector<std::string> said;
  // A fact or yes or no is asked for, so that each of its words is a condition; else something is
  // to be described, and words like "features" only say as what.
  bool closed = false;
  bool cased = false;  // it writes names with capitals, so that a small letter says: no name
  bool yes_or_no = false;
  bool denied = false;  // what is not allowed is asked for
  // "Who is the captain": by name, not by what he does; "Who cleans": by whom, when it is said in
  // the passive.
  bool identity = false;
  std::string doing;          // the verb behind "who"; "" for none
  std::string_view language;  // QuestionLanguage
  Constraints constraints;
  std::vector<Condition> conditions;
};

// "de", "fr", "es" and "it" for questions that begin with one of these languages' words for asking;
// else "".
std::string_view QuestionLanguage(std::string_view text);

// How much a question says: the sum of its words' salience.
double LengthOf(const Question& question);

inline constexpr std::size_t kQuestionWordsMax = 64;

Question ReadQuestion(std::string_view text);

// Whether the sentence leans on the one before: it begins with a pronoun or a connective ("It",
// "They", "This", "However"). `language`: of the text that it stands in, "" when unknown; "Il" is a
// pronoun of French and an article of Italian.
bool LeansOnPrevious(std::string_view sentence, std::string_view language = {});

// Whether it begins with a label for a cause ("Root cause: …"): what has that cause stands before.
bool BeginsWithCause(std::string_view sentence);

// Whether a pronoun stands anywhere in it, or "there".
bool RefersBack(std::string_view sentence);

// Whether it begins with something of what was named before: "Its shop".
bool BeginsOwned(std::string_view sentence);

// Whether it begins with a definite description ("The owner"), which often is one of what was
// spoken of before (bridging; Clark 1975).
bool BeginsDefinite(std::string_view sentence);

}  // namespace strata::knowledge
