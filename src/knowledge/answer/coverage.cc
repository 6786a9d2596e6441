#include "knowledge/answer/coverage.h"

#include <algorithm>
#include <array>

#include "knowledge/answer/contrasts.h"
#include "knowledge/answer/loose_words.h"
#include "knowledge/answer/tokens.h"
#include "knowledge/answer/word_forms.h"
#include "text/normalize.h"
#include "text/search_words.h"

namespace strata::knowledge {
namespace {

// How much a word counts that stands in the surroundings.
constexpr double kInHeading = 0.8;
constexpr double kInSubject = 0.9;    // what a pronoun at the beginning stands for
constexpr double kInDescribed = 0.6;  // … or a definite description
constexpr double kKept = 0.5;         // of PoolSentence::inherit
constexpr double kInNeighbour = 0.35;
constexpr double kInPassage = 0.25;
constexpr double kInSources = 0.7;  // what they speak of throughout

// Cosines of word vectors: below kFar two words have nothing to do with each other, from kNear on
// they mean the same.
constexpr double kFar = 0.45;
constexpr double kNear = 0.75;
// The vector of a word that is put together of pieces says less.
constexpr double kFarInParts = 0.65;

// "The usual fee" where only the fee is spoken of.
constexpr double kLooseAdjective = 0.7;

// What a sentence that answers may leave out, in words: less than one of a short question, most of
// a long one, whose words say the same thing several ways. Grows with the square of its length,
// slower where a fact is asked for; a table's row must hold what its columns are asked for.
constexpr double kMissingMax = 0.6;
constexpr double kMissingOfFact = 0.08;
constexpr double kMissingOfOther = 0.13;
// A word that neither the sentence nor anything near it holds is too much where there are so few.
constexpr double kFewWords = 3.5;
constexpr double kMissingOfFew = 0.95;
constexpr double kMissingOfNobody = 0.5;

// Nouns behind prepositions and the attribute that is asked for must be covered this well.
constexpr double kBorne = 0.65;
constexpr double kSaid = 0.75;
constexpr double kBoundSalience = 0.8;

bool Has(std::uint64_t words, std::size_t word) { return (words >> word & 1U) != 0; }

bool SaysWhatMayBe(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kModal = {
      "must", "may", "can", "cannot", "should", "not", "no", "never", "only", "welcome", "except"};
  return std::ranges::any_of(Tokens(text),
                             [](const Token& token) { return IsOneOf(token.lower, kModal); });
}

// "In the sauna", "at the pool", with a word that the question does not hold.
bool NamesPlace(std::string_view text, const std::vector<std::string>& said) {
  constexpr auto kPrepositions = std::to_array<std::string_view>(
      {"in", "at", "on", "inside", "near", "im", "am", "auf", "bei"});
  constexpr auto kArticles =
      std::to_array<std::string_view>({"the", "a", "an", "our", "der", "die", "das", "dem", "den"});
  const auto tokens = Tokens(text);
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (!IsOneOf(tokens[i].lower, kPrepositions)) continue;
    const auto at = i + (IsOneOf(tokens[i + 1].lower, kArticles) ? 2 : 1);
    if (at >= tokens.size() || tokens[at].digits || text::IsStopWord(tokens[at].lower)) continue;
    if (std::ranges::find(said, text::FoldAccents(tokens[at].lower)) == said.end()) return true;
  }
  return false;
}

// 1: every fifth sentence holds it, and two at least.
std::vector<double> Topics(const SentencePool& pool) {
  const auto all = std::max(2.0, 0.2 * static_cast<double>(pool.sentences.size()));
  std::vector<double> topics;
  for (std::size_t i = 0; i < pool.question.words.size(); ++i) {
    const auto holding = std::ranges::count_if(
        pool.sentences, [&](const PoolSentence& sentence) { return Has(sentence.words, i); });
    topics.push_back(std::min(1.0, static_cast<double>(holding) / all));
  }
  return topics;
}

// Whether something that the question cannot do without is not borne by the sentence.
bool LacksBound(const std::vector<double>& cover, const PoolSentence& sentence,
                const Question& question) {
  const auto& constraints = question.constraints;
  for (std::size_t i = 0; i < cover.size(); ++i) {
    const auto& word = question.words[i];
    const auto objects = sentence.relational ? std::uint64_t{0} : constraints.objects;
    const bool wanted = Has(constraints.bound | constraints.attribute | objects, i);
    if (!wanted || word.framing || word.cue || word.salience < kBoundSalience) continue;
    if (cover[i] < kBorne) return true;
  }
  return false;
}

// Whether it leaves out what the sources say of other things than the one that is asked about.
bool LacksSaid(const std::vector<double>& cover, std::uint64_t of_others,
               const Question& question) {
  for (std::size_t i = 0; i < cover.size(); ++i) {
    const auto& word = question.words[i];
    if (!Has(of_others, i) || word.framing || word.cue || word.name) continue;
    if (word.salience >= kBoundSalience && cover[i] < kSaid) return true;
  }
  return false;
}

// What a sentence with these first words begins with, behind an article; empty for a number.
std::string_view ItemOf(const std::vector<Token>& first) {
  constexpr auto kArticles = std::to_array<std::string_view>(
      {"the", "our", "der", "die", "das", "le", "la", "les", "el", "il"});
  if (first.empty()) return {};
  const bool article = IsOneOf(first[0].lower, kArticles);
  if (article && first.size() < 2) return {};
  const auto& item = first[article ? 1 : 0];
  return item.digits ? std::string_view() : std::string_view(item.lower);
}

// Part of a name is enough: "Loos" for Pieter Loos.
void JoinNames(const Question& question, std::vector<double>& cover) {
  for (const auto& name : question.constraints.names) {
    double best = 0;
    for (std::size_t i = 0; i < cover.size(); ++i) {
      if (Has(name.words, i)) best = std::max(best, cover[i]);
    }
    for (std::size_t i = 0; i < cover.size(); ++i) {
      if (Has(name.words, i)) cover[i] = best;
    }
  }
}

}  // namespace

Coverage::Coverage(const SentencePool& pool, const std::vector<SourcePassage>& passages,
                   const vector::StaticEmbedder* vectors)
    : pool_(pool), passages_(passages), vectors_(vectors), topic_(Topics(pool)) {
  for (const auto words : pool.around) said_ |= words;
}

const Coverage::WordVector& Coverage::VectorOf(const std::string& word) {
  auto [at, fresh] = known_.try_emplace(word);
  if (fresh) {
    at->second.values.resize(static_cast<std::size_t>(vectors_->dimensions()));
    at->second.whole = vectors_->Embed(word, at->second.values) == 1;
  }
  return at->second;
}

double Coverage::Near(std::size_t word, std::string_view text) {
  const auto& asked = pool_.question.words[word];
  if (!vectors_ || asked.name || asked.framing) return 0;
  const auto& vector = VectorOf(asked.surface);
  const bool has_contrary = HasContrary(asked.surface);
  double best = 0;
  for (const auto& token : Tokens(text)) {
    if (token.digits || text::IsStopWord(token.lower)) continue;
    const auto& other = VectorOf(token.lower);
    double cosine = 0;
    for (std::size_t i = 0; i < vector.values.size(); ++i) {
      cosine += static_cast<double>(vector.values[i]) * other.values[i];
    }
    const bool whole = vector.whole && other.whole;
    const double near = (cosine - (whole ? kFar : kFarInParts)) / (kNear - kFar);
    if (near <= best || (has_contrary && AreContrary(asked.surface, token.lower))) continue;
    best = near;
  }
  return std::clamp(best, 0.0, 1.0);
}

// Whether it begins with something that the question does not speak of: "The library is …".
bool Coverage::BeginsWithItem(std::size_t index) const {
  const auto first = Tokens(TextOf(pool_.sentences[index], passages_), 2);
  const auto item = ItemOf(first);
  if (item.empty() || text::IsStopWord(item)) return false;
  return std::ranges::none_of(pool_.question.words, [&](const QuestionWord& word) {
    return word.surface == item || word.stem == StemOf(item) || AreContrary(word.surface, item);
  });
}

// Whether the text says the contrary of one of these words of the question.
bool Coverage::SaysContrary(std::string_view text, std::uint64_t words) const {
  const auto tokens = Tokens(text);
  for (std::size_t i = 0; i < pool_.question.words.size(); ++i) {
    const auto& asked = pool_.question.words[i].surface;
    if (!Has(words, i) || !HasContrary(asked)) continue;
    const auto contrary = [&](const Token& token) { return AreContrary(asked, token.lower); };
    if (std::ranges::any_of(tokens, contrary)) return true;
  }
  return false;
}

// Whether a heading names the asked word and what the sentence begins with as two things: "Library
// and café".
bool Coverage::HeadingNamesBoth(std::size_t word, std::size_t index) const {
  constexpr auto kJoints =
      std::to_array<std::string_view>({"and", "or", "und", "oder", "et", "y", "e"});
  const auto& sentence = pool_.sentences[index];
  const auto& passage = passages_[sentence.passage];
  const auto first = Tokens(TextOf(sentence, passages_), 2);
  const auto item = StemOf(ItemOf(first));
  const auto& asked = pool_.question.words[word].stem;
  const auto names_both = [&](std::string_view heading) {
    bool holds_item = false;
    bool holds_asked = false;
    bool joint = heading.contains(',') || heading.contains('&');
    for (const auto& token : Tokens(heading)) {
      const auto stem = StemOf(token.lower);
      holds_item = holds_item || stem == item;
      holds_asked = holds_asked || stem == asked;
      joint = joint || IsOneOf(token.lower, kJoints);
    }
    return joint && holds_item && holds_asked;
  };
  for (auto at = sentence.section; pool_.sections[at].level > 0; at = pool_.sections[at].parent) {
    if (names_both(pool_.sections[at].heading)) return true;
  }
  return names_both(passage.title) || std::ranges::any_of(passage.headings, names_both);
}

// "Library: closed on Mondays", below a title that names library and café, where "the café" is what
// is asked about and another sentence says when that closes, or opens: the title says nothing of
// which of them this one speaks.
bool Coverage::IsOfOtherItem(std::size_t word, std::size_t index) const {
  const auto& sentences = pool_.sentences;
  const auto& sentence = sentences[index];
  const auto taken_up = sentence.leans || sentence.labelled ? sentence.carried | sentence.inherited
                                                            : std::uint64_t{0};
  if (Has(sentence.words | taken_up, word)) return false;
  std::uint64_t says = sentence.words & ~pool_.headings[sentence.passage];
  for (std::size_t i = 0; i < pool_.question.words.size(); ++i) {
    if (pool_.question.words[i].cue) says &= ~(std::uint64_t{1} << i);
  }
  const bool row = !sentence.label.empty();
  if (says == 0 || (!row && !BeginsWithItem(index))) return false;
  if (!row && HeadingNamesBoth(word, index)) return true;
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const auto& other = sentences[i];
    if (i == index || other.heading || other.passage != sentence.passage) continue;
    if (!Has(other.words, word)) continue;
    if ((other.words & says) != 0 || SaysContrary(TextOf(other, passages_), says)) return true;
  }
  return false;
}

double Coverage::Surroundings(std::size_t word, std::size_t index) {
  const auto& sentences = pool_.sentences;
  const auto& sentence = sentences[index];
  const auto& passage = passages_[sentence.passage];
  double cover = kInSources * topic_[word];
  const auto headings = pool_.headings[sentence.passage] | pool_.sections[sentence.section].words;
  if (Has(headings, word)) cover = std::max(cover, kInHeading);
  for (const auto& heading : passage.headings) {
    cover = std::max(cover, kInHeading * Near(word, heading));
  }
  const bool pronoun = sentence.leans || sentence.labelled || sentence.refers;
  const double subject = pronoun ? kInSubject : kInDescribed;
  if (Has(sentence.carried, word)) cover = std::max(cover, subject);
  // "Its shop closes" is of another thing already: what other links than pronouns have handed on is
  // loosened.
  const bool kept = !sentence.owned || sentence.inherit >= kKept;
  const double inherited = kept ? subject : std::min(subject, kInDescribed);
  if (Has(sentence.inherited, word)) cover = std::max(cover, inherited);
  const bool row = !sentence.label.empty();
  for (const std::size_t beside : {index - 1, index + 1}) {
    if (row || beside >= sentences.size() || sentences[beside].passage != sentence.passage)
      continue;
    if (Has(sentences[beside].words, word)) cover = std::max(cover, kInNeighbour);
  }
  if (Has(pool_.around[sentence.passage], word)) cover = std::max(cover, kInPassage);
  if (cover > kInNeighbour && IsOfOtherItem(word, index)) return kInNeighbour;
  return cover;
}

// An adjective that no passage uses tells nothing apart, unless the sentence says by another word
// which thing it speaks of.
double Coverage::OfLooseAdjective(std::size_t word, std::size_t index) const {
  const auto& asked = pool_.question.words[word];
  if (asked.loose_before.empty()) return 0;
  const auto& sentence = pool_.sentences[index];
  const auto tokens = Tokens(TextOf(sentence, passages_));
  if (HasPeriod(asked.surface, tokens)) return 1;
  if (Has(said_, word) || HasOtherPeriod(asked.surface, tokens)) return 0;
  const auto& said = pool_.question.said;
  if (IsModifiedOtherwise(asked.loose_before, tokens, said)) return 0;
  const bool goes_on = sentence.carry > 0 && index > 0;
  const auto before =
      goes_on ? Tokens(TextOf(pool_.sentences[index - 1], passages_)) : std::vector<Token>();
  return IsModifiedOtherwise(asked.loose_before, before, said) ? 0 : kLooseAdjective;
}

// "The cellar has three machines. A wash costs 2 euros.": where, the sentence before says, when
// this one says all the rest, what is asked for among it, and names no place of its own.
void Coverage::LendPlace(std::size_t index, std::vector<double>& cover) const {
  const auto& sentence = pool_.sentences[index];
  if (sentence.features.measure <= 0 || index == 0 || !sentence.label.empty()) return;
  const auto& before = pool_.sentences[index - 1];
  if (before.section != sentence.section ||
      (before.features.measure > 0 && before.met == sentence.met))
    return;
  const auto bound = pool_.question.constraints.bound;
  bool says = false;
  for (std::size_t i = 0; i < cover.size(); ++i) {
    const auto& word = pool_.question.words[i];
    if (Has(bound, i)) {
      if (!Has(sentence.words | before.words, i)) return;
      continue;
    }
    if (cover[i] < kSaid && !word.framing) return;
    says = says || (!word.cue && Has(sentence.words, i));
  }
  if (!says || NamesPlace(TextOf(sentence, passages_), pool_.question.said)) return;
  for (std::size_t i = 0; i < cover.size(); ++i) {
    if (Has(bound, i)) cover[i] = std::max(cover[i], kSaid);
  }
}

bool Coverage::Speaks(std::size_t index) {
  const auto& sentence = pool_.sentences[index];
  const auto text = TextOf(sentence, passages_);
  auto own = sentence.words | sentence.carried | sentence.inherited;
  // A heading over everything, such as a title, tells no sentence from another.
  auto everywhere = ~std::uint64_t{0};
  for (const auto words : pool_.headings) everywhere &= words;
  own |= (pool_.headings[sentence.passage] & ~everywhere) | pool_.sections[sentence.section].words;
  bool asked = false;
  for (std::size_t i = 0; i < pool_.question.words.size(); ++i) {
    if (pool_.question.words[i].cue) continue;
    asked = true;
    if (Has(own, i) || Near(i, text) > 0) return true;
  }
  return !asked;
}

std::vector<double> Coverage::Of(std::size_t index) {
  const auto& sentence = pool_.sentences[index];
  const bool held = sentence.features.kind > 0 || sentence.features.measure > 0;
  // A number alone is no price.
  const bool money = (pool_.question.asked & kMoney) != 0 && sentence.met == kNumber;
  const bool fits = held && !money && Speaks(index);
  const bool dated = (sentence.met & kDate) != 0;
  std::vector<double> cover;
  for (std::size_t i = 0; i < pool_.question.words.size(); ++i) {
    // "How long": a length is what it asks for.
    const auto& word = pool_.question.words[i];
    const auto text = TextOf(sentence, passages_);
    const bool here = Has(sentence.words, i) || (word.cue && fits) ||
                      (word.permission && SaysWhatMayBe(text)) ||
                      (dated && SaysByException(word.surface, text));
    double near = Near(i, text);
    // Goats are near sheep, and not counted with them.
    if (Has(pool_.question.constraints.counted, i) && near < 1) near = 0;
    const double around = std::max(Surroundings(i, index), OfLooseAdjective(i, index));
    cover.push_back(here ? 1 : std::max(near, around));
  }
  LendPlace(index, cover);
  JoinNames(pool_.question, cover);
  return cover;
}

bool Covers(const PoolSentence& sentence, const Question& question) {
  if (sentence.against) return false;
  const double asked = LengthOf(question);
  const bool strict = question.closed || !sentence.label.empty();
  const double share = strict ? kMissingOfFact : kMissingOfOther;
  double missing_max = std::max(kMissingMax, share * asked * asked);
  if (asked <= kFewWords) missing_max = std::min(missing_max, kMissingOfFew);
  // Someone is asked for, and it names nobody.
  if (question.asked == kPerson && sentence.features.kind < 0) {
    missing_max = std::min(missing_max, kMissingOfNobody);
  }
  return sentence.missing <= missing_max;
}

void SetCoverage(std::span<const std::size_t> candidates, Coverage& coverage,
                 ConstraintCheck& constraints, SentencePool& pool) {
  const double asked = LengthOf(pool.question);
  const bool strict = IsStrict(pool.question);
  for (const auto index : candidates) {
    auto& sentence = pool.sentences[index];
    const auto cover = coverage.Of(index);
    sentence.missing = 0;
    for (std::size_t i = 0; i < cover.size(); ++i) {
      sentence.missing += pool.question.words[i].salience * (1 - cover[i]);
    }
    sentence.cover = asked > 0 ? 1 - sentence.missing / asked : 0;
    sentence.against = (strict && LacksBound(cover, sentence, pool.question)) ||
                       LacksSaid(cover, constraints.OfOthers(), pool.question) ||
                       constraints.IsAgainst(index);
  }
}

}  // namespace strata::knowledge
