#pragma once
// Whether a sentence speaks of another thing than the question: of another year, another tank,
// another person, of closing instead of opening. Such a sentence shares most words with the
// question, so that no sum over words refuses it.
//
// What a sentence does not say itself, it has from what it continues (a pronoun, a label, a
// definite description), from the year that was named last in its section, and from its headings.
// Where it says something else, or nothing bears what the question names, it is no answer.

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/answer/pieces.h"
#include "knowledge/answer/sentence_pool.h"
#include "knowledge/extract.h"

namespace strata::knowledge {

// Of one question and pool; not thread-safe. References outlive it. The cost of a check is linear
// in the words of the sentence and of the few that it continues.
class ConstraintCheck {
 public:
  ConstraintCheck(const SentencePool& pool, const std::vector<SourcePassage>& passages);

  bool IsAgainst(std::size_t sentence);

  // The words of the question that the sources say of other things only: "cancelled" of Bruno,
  // where the question is about Anna. As bits.
  std::uint64_t OfOthers();

 private:
  // What a text says of a constraint: nothing, what is asked, or something else.
  enum class Says : std::uint8_t { kNothing, kAsked, kOther };

  const std::vector<Piece>& PiecesOf(std::size_t sentence);
  const std::vector<Piece>& HeadingsOf(std::size_t sentence);
  // The sentence before in the section, of a row the one before its table; itself for none.
  std::size_t Before(std::size_t sentence) const;
  std::uint64_t Around(std::size_t sentence) const;

  template <class Reads>
  bool Fails(std::size_t sentence, std::size_t back_max, Reads reads);
  bool FailsDesignators(std::size_t sentence);
  bool FailsIdentifiers(std::size_t sentence);
  // What the sentence itself says of designators, identifiers and names.
  bool IsOfOther(std::size_t sentence);
  bool FailsYears(std::size_t sentence);
  bool FailsNumbers(std::size_t sentence);
  bool FailsNames(std::size_t sentence);
  bool FailsName(const AskedName& name, std::size_t sentence);
  bool HasOtherFirstName(const AskedName& name, std::size_t sentence);
  bool HasOtherLastName(const AskedName& name, std::size_t sentence);
  bool HasOtherObject(const AskedName& name, std::size_t sentence);
  bool HasOtherSubject(const AskedName& name, std::size_t sentence);
  bool HasOtherInItsPlace(const AskedName& name, std::size_t sentence);
  bool IsContrary(std::size_t sentence);
  bool HasOtherParticle(std::size_t sentence);
  // "How wide …" - "It is 40 metres long": a length, but not the one asked for.
  bool HasOtherMeasure(std::size_t sentence);
  bool LacksKind(std::size_t sentence);
  bool LacksPrice(std::size_t sentence);
  bool LacksAgent(std::size_t sentence);
  bool IsOfOtherPeriod(std::size_t sentence);

  bool IsForeignName(const std::vector<Piece>& pieces, std::size_t i);
  void ReadSpelling();

  const SentencePool& pool_;
  const std::vector<SourcePassage>& passages_;
  bool strict_;  // little is said: each part of the question counts
  std::map<std::size_t, std::vector<Piece>> pieces_;
  std::map<std::size_t, std::vector<Piece>> headings_;  // by section
  // Words written with capitals inside sentences, and those in small letters; filled at first use.
  bool spelling_read_ = false;
  std::set<std::string, std::less<>> capitals_;
  std::set<std::string, std::less<>> small_;
  bool others_read_ = false;
  std::uint64_t others_ = 0;
};

// Whether each part of the question is a condition: it is short, and a little less short where it
// asks for a fact.
bool IsStrict(const Question& question);

}  // namespace strata::knowledge
