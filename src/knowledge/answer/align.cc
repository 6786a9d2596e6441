#include "knowledge/answer/align.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <ranges>
#include <set>
#include <utility>

#include "base/log.h"
#include "knowledge/answer/amounts.h"
#include "knowledge/answer/claim_clauses.h"
#include "knowledge/answer/opposition.h"
#include "knowledge/answer/score_pool.h"
#include "knowledge/answer/select_sentences.h"
#include "knowledge/answer/table_rows.h"
#include "knowledge/answer/tokens.h"
#include "text/language.h"
#include "text/search_words.h"
#include "text/sentences.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kPlacesMax = 3;
constexpr std::size_t kCandidatesMax = 12;  // source sentences looked at, the best by words

// How much a word of the claim counts that a place holds only around itself.
constexpr double kInHeading = 0.8;
constexpr double kInLeanedOn = 0.7;
constexpr double kInPassage = 0.4;
constexpr double kInDocument = 0.3;
// Names and numbers say more than other words.
constexpr double kNameWeight = 1.4;
constexpr double kNumberWordWeight = 2;

constexpr double kCosineWeight = 0.8;
constexpr double kTopicWeight = 0.3;    // what the place shares with question and sentence before
constexpr double kNumberWeight = 0.25;  // all numbers missing, while the first place is chosen
constexpr double kSupported = 1.0;      // with vectors
constexpr double kSupportedByWords = 0.62;
// A further place must cover this much that the others do not.
constexpr double kGainMin = 0.12;
// … and bring the meaning nearer by so much when it is one word; a number may take it farther.
constexpr double kMuchNearer = 0.1;
constexpr double kFartherMax = 0.05;
// Cover of all candidates together below which vectors cannot help.
constexpr double kHopeless = 0.15;

using Bits = std::uint64_t;

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

std::string_view TextAt(std::string_view text, text::TextSpan span) {
  return text.substr(span.begin, span.end - span.begin);
}

// Whether a sentence is a line of its own that ends as no sentence does.
bool IsHeading(std::string_view text, const PoolSentence& sentence) {
  constexpr std::size_t kBytesMax = 120;
  const auto [begin, end] = sentence.span;
  if (!sentence.label.empty() || sentence.features.complete > 0 || end - begin > kBytesMax) {
    return false;
  }
  const auto line = TextAt(text, sentence.span);
  if (line.starts_with("- ") || line.starts_with("* ") || line.find('\n') != line.npos)
    return false;
  const bool begins = begin == 0 || text.substr(0, begin).ends_with("\n\n");
  return begins && text.substr(end).starts_with("\n\n");
}

// The words of the question that stand at `text`.
Bits WordsAt(const Question& question, std::string_view text) {
  thread_local text::SearchWordMaker maker;
  Bits bits = 0;
  maker.ForEach(text, [&](const text::SearchWord& word) {
    const auto at = std::ranges::find(question.words, word.word, &QuestionWord::stem);
    if (at != question.words.end()) bits |= Bits{1} << (at - question.words.begin());
  });
  return bits;
}

// The sentence as it is embedded; of a table's row also each cell that says something by itself.
std::vector<std::string> EmbeddedTexts(const SentencePool& pool, std::size_t index,
                                       const std::vector<SourcePassage>& passages) {
  constexpr std::size_t kCellWordsMin = 4;
  constexpr std::size_t kCellsMax = 4;
  const auto& sentence = pool.sentences[index];
  std::vector<std::string> texts = {EmbeddedText(pool, index, passages)};
  if (sentence.label.empty()) return texts;
  for (auto& cell : TableCells(TextAt(passages[sentence.passage].text, sentence.span))) {
    if (texts.size() > kCellsMax) break;
    if (Tokens(cell, kCellWordsMin).size() == kCellWordsMin) texts.push_back(std::move(cell));
  }
  return texts;
}

bool SameDocument(const SourcePassage& a, const SourcePassage& b) {
  return a.origin.document_id == b.origin.document_id &&
         a.origin.source_uri == b.origin.source_uri && a.title == b.title;
}

}  // namespace

// One sentence of the answer against all source sentences.
struct Aligner::Claim {
  struct Place {
    Bits own = 0;
    Bits heading = 0;
    Bits leaned = 0;
    double topic = 0;
  };
  std::string text;
  SentencePool pool;
  std::vector<double> weights;
  std::vector<ClaimNumber> numbers;
  std::vector<Bounds> bounds;
  std::vector<Bits> number_words;  // the words of each number
  std::set<std::size_t> opposed;   // candidates that speak against it
  Bits names = 0;                  // capitalised words; none in German, where every noun is
  std::vector<Place> places;
  std::vector<Bits> document;  // of each passage, what its document's passages hold
  std::vector<std::size_t> candidates;
  std::vector<float> vector;  // empty without an embedder
};

namespace {

// Whether a word says nothing that a place could hold: denials are compared by themselves.
bool SaysNothing(const QuestionWord& word, std::string_view language) {
  return word.surface == "s" || IsNegation(word.surface) || IsFunctionWord(word.surface, language);
}

// Of the claim's words, summing to 1. A word that no passage holds is mostly another word for one
// that they hold, so that it counts like those; names and numbers say more than other words.
std::vector<double> WeightsOf(const SentencePool& pool, Bits names, Bits numbers,
                              std::string_view language) {
  Bits held = 0;
  for (const Bits words : pool.around) held |= words;
  double sum = 0;
  double count = 0;
  for (std::size_t i = 0; i < pool.weights.size(); ++i) {
    if ((held >> i & 1U) == 0) continue;
    sum += pool.weights[i];
    ++count;
  }
  auto weights = pool.weights;
  double total = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (SaysNothing(pool.question.words[i], language)) {
      weights[i] = 0;
    } else if ((numbers >> i & 1U) != 0) {
      weights[i] *= kNumberWordWeight;
    } else if ((names >> i & 1U) != 0) {
      weights[i] *= kNameWeight;
    } else if ((held >> i & 1U) == 0 && count > 0) {
      weights[i] = std::min(weights[i], sum / count);
    }
    total += weights[i];
  }
  for (auto& weight : weights) weight = total > 0 ? weight / total : 0;
  return weights;
}

// "Less than five minutes" holds where the place says four. What is bounded by the number itself,
// "up to five", says more than any lower one.
bool LiesBeyond(const std::vector<Bounds>& bounds, const ClaimNumber& number,
                const std::vector<ClaimNumber>& held) {
  const auto bound = std::ranges::find(bounds, number.begin, &Bounds::begin);
  if (bound == bounds.end() || bound->Hold(number.readings.front())) return false;
  return std::ranges::any_of(held, [&](const ClaimNumber& other) {
    return bound->of.unit != 0 && UnitsOf(other.next) == bound->of.unit &&
           bound->Hold(other.readings.front());
  });
}

// "Neither pump may …", "both leases": of several things, each of which has a place of its own.
bool IsOfSeveral(std::string_view claim) {
  constexpr std::size_t kFirst = 2;
  constexpr auto kSeveral = std::to_array<std::string_view>(
      {"both", "neither", "either", "each", "all", "beide", "keiner", "keine", "jede", "jeder"});
  return std::ranges::any_of(Tokens(claim, kFirst),
                             [&](const Token& token) { return IsOneOf(token.lower, kSeveral); });
}

double Share(Bits words, const std::vector<double>& weights) {
  double share = 0;
  for (; words != 0; words &= words - 1) {
    share += weights[static_cast<std::size_t>(std::countr_zero(words))];
  }
  return share;
}

}  // namespace

// Where a name or a day may stand that the sentence does not say itself.
std::string Aligner::AroundOf(const SentencePool& pool, std::size_t i) const {
  const auto& sentence = pool.sentences[i];
  const auto& passage = passages_[sentence.passage];
  std::string around(passage.title);
  for (const auto& heading : passage.headings) around += "\n" + heading;
  const auto add = [&](std::size_t at) {
    around += '\n';
    around += TextAt(passage.text, pool.sentences[at].span);
  };
  if (facts_[i].heading != SIZE_MAX) add(facts_[i].heading);
  if (sentence.leans && i > 0 && pool.sentences[i - 1].passage == sentence.passage) add(i - 1);
  return around;
}

// The places that may support the claim, the best by words first.
std::vector<std::size_t> Aligner::CandidatesOf(const Claim& claim) const {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < claim.places.size(); ++i) {
    const auto& place = claim.places[i];
    const double own = Share(place.own, claim.weights);
    if (own == 0 || facts_[i].is_heading) continue;
    const double around = Share((place.heading | place.leaned) & ~place.own, claim.weights);
    order.emplace_back(-(own + kInLeanedOn * around + kTopicWeight * place.topic), i);
  }
  std::ranges::sort(order);
  order.resize(std::min(order.size(), kCandidatesMax));
  std::vector<std::size_t> candidates;
  candidates.reserve(order.size());
  for (const auto& entry : order) candidates.push_back(entry.second);
  return candidates;
}

Aligner::Aligner(std::string question, std::vector<SourcePassage> passages,
                 std::shared_ptr<provider::Embedder> embedder)
    : question_(std::move(question)),
      passages_(std::move(passages)),
      embedder_(std::move(embedder)) {
  for (std::size_t i = 0; i < passages_.size(); ++i) {
    auto numbers = NumbersOf(passages_[i].title);
    for (const auto& heading : passages_[i].headings) {
      for (auto& number : NumbersOf(heading)) numbers.push_back(std::move(number));
    }
    around_.push_back(std::move(numbers));
    std::size_t first = 0;
    while (!SameDocument(passages_[first], passages_[i])) ++first;
    document_.push_back(first);
  }
}

void Aligner::ReadFacts(const SentencePool& pool) {
  if (facts_.size() == pool.sentences.size()) return;
  std::size_t heading = SIZE_MAX;
  for (std::size_t i = 0; i < pool.sentences.size(); ++i) {
    const auto& sentence = pool.sentences[i];
    if (i > 0 && pool.sentences[i - 1].passage != sentence.passage) heading = SIZE_MAX;
    const auto text = passages_[sentence.passage].text;
    const bool row = !sentence.label.empty();
    const auto said = row ? std::string_view(sentence.label) : TextAt(text, sentence.span);
    facts_.push_back({.numbers = NumbersOf(said),
                      .units = UnitsOf(said),
                      .is_heading = IsHeading(text, sentence),
                      .heading = heading});
    if (facts_.back().is_heading) heading = i;
  }
}

// `context`: what says which document is meant.
Aligner::Claim Aligner::ReadClaim(std::string_view text, const std::string& context) {
  Claim claim;
  claim.text = std::string(text);
  claim.pool = BuildPool(claim.text, passages_);
  claim.numbers = NumbersOf(claim.text);
  claim.bounds = BoundsIn(claim.text);
  ReadFacts(claim.pool);
  const auto& pool = claim.pool;
  const auto topic = BuildPool(context, passages_);
  std::vector<std::uint64_t> units;  // of each word
  units.reserve(pool.question.words.size());
  for (const auto& word : pool.question.words) units.push_back(UnitsOf(word.surface));
  for (const auto& number : claim.numbers) {
    const auto text = std::string_view(claim.text).substr(number.begin, number.end - number.begin);
    claim.number_words.push_back(WordsAt(pool.question, text));
  }
  claim.document.resize(passages_.size());
  for (std::size_t i = 0; i < passages_.size(); ++i) {
    claim.document[document_[i]] |= pool.around[i];
  }
  for (std::size_t i = 0; i < pool.sentences.size(); ++i) {
    const auto& source = pool.sentences[i];
    Claim::Place place{.own = source.words,
                       .heading = pool.headings[source.passage],
                       .leaned = source.carried | source.inherited,
                       .topic = topic.sentences[i].features.context};
    if (facts_[i].heading != SIZE_MAX) {
      place.heading |= pool.sentences[facts_[i].heading].words;
    }
    for (std::size_t n = 0; n < claim.numbers.size(); ++n) {
      if (HoldsNumber(facts_[i].numbers, claim.numbers[n])) place.own |= claim.number_words[n];
    }
    for (std::size_t word = 0; word < units.size(); ++word) {
      if ((units[word] & facts_[i].units) != 0) place.own |= Bits{1} << word;
    }
    claim.places.push_back(place);
  }
  const auto language = text::GuessLanguage(claim.text);
  Bits numbers = 0;
  for (const Bits words : claim.number_words) numbers |= words;
  for (std::size_t word = 0; word < pool.question.words.size(); ++word) {
    if (pool.question.words[word].name && language != "de") claim.names |= Bits{1} << word;
  }
  // "Studio Halvard pays": the first word belongs to the name behind it.
  const auto first = Tokens(claim.text, 2);
  const bool leads = first.size() == 2 && first[0].capitalised && first[1].capitalised &&
                     first[1].before == ' ' && !pool.question.words.empty() &&
                     pool.question.words[0].surface == first[0].lower;
  if (leads && language != "de") claim.names |= 1U;
  claim.names &= ~numbers;
  claim.weights = WeightsOf(pool, claim.names, numbers, language);
  claim.candidates = CandidatesOf(claim);
  const Opposition opposition(claim.text);
  for (const std::size_t i : claim.candidates) {
    const auto& source = pool.sentences[i];
    const bool row = !source.label.empty();
    const auto said =
        row ? std::string_view(source.label) : TextAt(passages_[source.passage].text, source.span);
    if (opposition.By(said, AroundOf(pool, i), row)) claim.opposed.insert(i);
  }
  std::erase_if(claim.candidates, [&](std::size_t i) { return claim.opposed.contains(i); });
  return claim;
}

double Aligner::Cover(const Claim& claim, const Chosen& chosen) const {
  Bits numbers = 0;  // also those that come of several places: a sum, say
  const auto held_numbers = NumbersHeld(claim, chosen);
  for (std::size_t n = 0; n < held_numbers.size(); ++n) {
    if (held_numbers[n]) numbers |= claim.number_words[n];
  }
  double cover = 0;
  for (std::size_t word = 0; word < claim.weights.size(); ++word) {
    const Bits bit = Bits{1} << word;
    double held = (numbers & bit) != 0 ? 1 : 0;
    for (const std::size_t i : chosen) {
      const auto& place = claim.places[i];
      const std::size_t passage = claim.pool.sentences[i].passage;
      if ((place.own & bit) != 0) held = std::max(held, 1.0);
      if ((place.heading & bit) != 0) held = std::max(held, kInHeading);
      if ((place.leaned & bit) != 0) held = std::max(held, kInLeanedOn);
      if ((claim.pool.around[passage] & bit) != 0) held = std::max(held, kInPassage);
      if ((claim.document[document_[passage]] & bit) != 0) held = std::max(held, kInDocument);
    }
    cover += held * claim.weights[word];
  }
  return cover;
}

// Of the claim's vector and the sum of the places' vectors.
double Aligner::Cosine(const Claim& claim, const Chosen& chosen) const {
  std::vector<float> sum(claim.vector.size(), 0.0F);
  for (const std::size_t i : chosen) {
    const auto at = vectors_.find(i);
    if (at == vectors_.end()) continue;  // of another claim, which words decided
    const auto& vector = *std::ranges::max_element(
        at->second, {}, [&](const auto& said) { return Dot(claim.vector, said); });
    for (std::size_t d = 0; d < sum.size(); ++d) sum[d] += vector[d];
  }
  const double length = std::sqrt(Dot(sum, sum));
  return length > 0 ? Dot(claim.vector, sum) / length : 0;
}

// Which of the claim's numbers the places hold, their titles and headings counted.
std::vector<bool> Aligner::NumbersHeld(const Claim& claim, const Chosen& chosen) const {
  std::vector<bool> out;
  if (claim.numbers.empty()) return out;
  std::vector<ClaimNumber> held;
  std::vector<ClaimNumber> above;
  for (const std::size_t i : chosen) {
    const auto& around = around_[claim.pool.sentences[i].passage];
    held.insert(held.end(), facts_[i].numbers.begin(), facts_[i].numbers.end());
    above.insert(above.end(), around.begin(), around.end());
    if (facts_[i].heading == SIZE_MAX) continue;
    const auto& heading = facts_[facts_[i].heading].numbers;
    above.insert(above.end(), heading.begin(), heading.end());
  }
  for (const auto& number : claim.numbers) {
    out.push_back(HoldsNumber(held, number) || HoldsHeadingNumber(above, number) ||
                  LiesBeyond(claim.bounds, number, held));
  }
  return out;
}

double Aligner::NumbersMissing(const Claim& claim, const Chosen& chosen) const {
  const auto held = NumbersHeld(claim, chosen);
  if (held.empty()) return 0;
  const auto missing = static_cast<double>(std::ranges::count(held, false));
  return missing / static_cast<double>(held.size());
}

double Aligner::Threshold(const Claim& claim) {
  return claim.vector.empty() ? kSupportedByWords : kSupported;
}

// How well the chosen places support the claim together.
double Aligner::Support(const Claim& claim, const Chosen& chosen) const {
  double support = Cover(claim, chosen);
  if (!claim.vector.empty()) support += kCosineWeight * Cosine(claim, chosen);
  return support;
}

// Whether the place holds a number of the claim that the chosen ones do not, or makes one with
// them.
bool Aligner::BringsNumber(const Claim& claim, const Chosen& chosen, std::size_t i) const {
  constexpr double kDerivedMin = 100;
  auto more = chosen;
  more.push_back(i);
  const auto before = NumbersHeld(claim, chosen);
  const auto after = NumbersHeld(claim, more);
  for (std::size_t n = 0; n < before.size(); ++n) {
    if (before[n] || !after[n]) continue;
    const auto& number = claim.numbers[n];
    if (number.readings.front() >= kDerivedMin || HoldsCount(facts_[i].numbers, number))
      return true;
  }
  return false;
}

// What a place adds to the chosen ones: a number, or words of which they hold nothing themselves,
// as long as the meaning comes nearer. 0 for nothing.
double Aligner::Gain(const Claim& claim, const Chosen& chosen, std::size_t i) const {
  Bits own = 0;
  bool leaned_on = false;  // by one that is chosen
  for (const std::size_t at : chosen) {
    own |= claim.places[at].own | claim.places[at].heading;
    leaned_on = leaned_on || (at == i + 1 && claim.pool.sentences[at].leans);
  }
  auto more = chosen;
  more.push_back(i);
  const bool vectors = !claim.vector.empty();
  const double nearer = vectors ? Cosine(claim, more) - Cosine(claim, chosen) : 0;
  const Bits fresh = claim.places[i].own & ~own & ~claim.names;
  const double words = Share(fresh, claim.weights);
  const double topic = kTopicWeight * claim.places[i].topic;
  if (nearer >= -kFartherMax && BringsNumber(claim, chosen, i)) return 1 + words + nearer + topic;
  // What is not supported is not so by more places that are each about another half of it.
  if (words < kGainMin || Support(claim, chosen) < Threshold(claim)) return 0;
  const auto contradicts = [&](const ClaimNumber& number) {
    return Contradicts(facts_[i].numbers, number);
  };
  if (std::ranges::any_of(claim.numbers, contradicts)) return 0;
  const bool several = std::popcount(fresh) >= 2;
  const bool adds = several ? nearer > 0 || leaned_on || !vectors : nearer >= kMuchNearer;
  return adds ? words + nearer + topic : 0;
}

Aligner::Chosen Aligner::Choose(const Claim& claim) const {
  Chosen chosen;
  double best = -1;
  for (const std::size_t i : claim.candidates) {
    const double support = Support(claim, {i}) + kTopicWeight * claim.places[i].topic -
                           kNumberWeight * NumbersMissing(claim, {i});
    if (support <= best) continue;
    best = support;
    chosen = {i};
  }
  while (!chosen.empty() && chosen.size() < kPlacesMax) {
    const auto gain = [&](std::size_t i) { return Gain(claim, chosen, i); };
    const auto next = std::ranges::max_element(claim.candidates, {}, gain);
    if (gain(*next) <= 0) break;
    chosen.push_back(*next);
  }
  return chosen;
}

// Whether the chosen places hold a small number of the claim only for something else ("three
// monthly rents" for "three months"), while a place that says more of the claim counts the same
// thing otherwise ("six months").
bool Aligner::IsContradicted(const Claim& claim, const Chosen& chosen) const {
  const double support = Support(claim, chosen);
  return std::ranges::any_of(claim.numbers, [&](const ClaimNumber& number) {
    const auto counts = [&](std::size_t i) { return HoldsCount(facts_[i].numbers, number); };
    if (std::ranges::any_of(chosen, counts)) return false;
    return std::ranges::any_of(claim.candidates, [&](std::size_t i) {
      return Contradicts(facts_[i].numbers, number) && Support(claim, {i}) > support;
    });
  });
}

bool Aligner::Supports(const Claim& claim, const Chosen& chosen) const {
  const auto opposed = [&](std::size_t i) { return claim.opposed.contains(i); };
  if (chosen.empty() || std::ranges::any_of(chosen, opposed)) return false;
  if (NumbersMissing(claim, chosen) > 0) return false;
  return Support(claim, chosen) >= Threshold(claim) && !IsContradicted(claim, chosen);
}

// Vectors of the claims and their candidates, where words alone do not decide.
Task<Result<>> Aligner::AddVectors(std::vector<Claim>& claims, RequestContext& ctx) {
  if (!embedder_) co_return Result<>{};
  std::vector<Claim*> open;
  std::vector<std::string> texts;
  std::vector<std::size_t> missing;
  for (auto& claim : claims) {
    if (claim.candidates.empty() || Cover(claim, claim.candidates) < kHopeless) continue;
    open.push_back(&claim);
    texts.push_back(claim.text);
  }
  if (open.empty()) co_return Result<>{};
  for (const auto* claim : open) {
    for (const std::size_t i : claim->candidates) {
      if (vectors_.contains(i)) continue;
      vectors_[i];
      for (auto& text : EmbeddedTexts(claim->pool, i, passages_)) {
        missing.push_back(i);
        texts.push_back(std::move(text));
      }
    }
  }
  const auto count = texts.size();
  auto rows = co_await embedder_->Embed(std::move(texts), provider::EmbedPurpose::kDocument, ctx);
  const bool done = rows.has_value() && rows->count() == count;
  if (!done) {
    for (const std::size_t i : missing) vectors_.erase(i);
  }
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  if (!done) {
    Log(Level::kWarning, "align.embed_failed",
        {{"error", rows.has_value() ? "wrong shape" : rows.error().message()}});
    co_return Result<>{};
  }
  const auto vector = [&](std::size_t row) {
    return std::vector<float>(rows->row(row).begin(), rows->row(row).end());
  };
  for (std::size_t i = 0; i < open.size(); ++i) open[i]->vector = vector(i);
  for (std::size_t i = 0; i < missing.size(); ++i) {
    vectors_[missing[i]].push_back(vector(open.size() + i));
  }
  co_return Result<>{};
}

// Adds the best place of each other document that supports the claim by itself.
void Aligner::AddOtherDocuments(const Claim& claim, Chosen& places) const {
  const auto document = [&](std::size_t i) { return document_[claim.pool.sentences[i].passage]; };
  for (const std::size_t i : claim.candidates) {
    if (places.size() >= kPlacesMax) return;
    const bool cited = std::ranges::any_of(
        places, [&](std::size_t place) { return document(place) == document(i); });
    if (!cited && Supports(claim, {i})) places.push_back(i);
  }
}

// What supports the sentence: places that support it as a whole, and for each clause that these do
// not support its own. Without the former every clause must have its own.
Aligner::Chosen Aligner::PlacesOf(const std::vector<Claim>& claims) const {
  auto places = Choose(claims.front());
  const bool whole = Supports(claims.front(), places);
  if (!whole) places.clear();
  if (whole && IsOfSeveral(claims.front().text)) AddOtherDocuments(claims.front(), places);
  for (const auto& clause : claims | std::views::drop(1)) {
    if (Supports(clause, places)) continue;
    const auto own = Choose(clause);
    if (!Supports(clause, own)) {
      if (whole) continue;
      return {};
    }
    for (const std::size_t i : own) {
      if (places.size() < kPlacesMax && std::ranges::find(places, i) == places.end()) {
        places.push_back(i);
      }
    }
  }
  return places;
}

std::vector<domain::Citation> Aligner::Cite(const std::vector<Claim>& claims) const {
  std::vector<domain::Citation> citations;
  for (const std::size_t i : PlacesOf(claims)) {
    const auto& source = claims.front().pool.sentences[i];
    citations.push_back(CiteSpan(passages_[source.passage], source.span));
  }
  return citations;
}

// The sentence, and behind it its clauses when it has several.
std::vector<Aligner::Claim> Aligner::ReadClaims(std::string sentence) {
  std::vector<Claim> claims;
  sentence = WithoutMarks(sentence);
  const auto claim = ClaimOf(sentence);
  const auto marks = sentence.substr(0, sentence.size() - claim.size());
  claims.push_back(ReadClaim(claim, previous_ + "\n" + marks + "\n" + question_));
  const auto clauses = ClausesOf(claims.front().text);
  if (clauses.size() > 1) {
    const auto context = previous_ + "\n" + sentence + "\n" + question_;
    for (const auto clause : clauses) claims.push_back(ReadClaim(clause, context));
  }
  previous_ = std::move(sentence);
  return claims;
}

Task<Result<std::vector<domain::Citation>>> Aligner::Align(std::string sentence,
                                                           RequestContext& ctx) {
  auto claims = ReadClaims(std::move(sentence));
  STRATA_CO_CHECK_OK(co_await AddVectors(claims, ctx));
  co_return Cite(claims);
}

std::vector<domain::Citation> Aligner::AlignByWords(std::string sentence) {
  return Cite(ReadClaims(std::move(sentence)));
}

std::vector<std::string> SentenceBuffer::TakeWhole() {
  std::vector<std::string> whole;
  const auto spans = text::SplitSentences(held_);
  if (spans.size() < 2) return whole;
  std::size_t at = 0;
  for (std::size_t i = 0; i + 1 < spans.size(); ++i) {
    whole.push_back(held_.substr(at, spans[i].end - at));
    at = spans[i].end;
  }
  held_.erase(0, at);
  return whole;
}

std::string SentenceBuffer::TakeRest() { return std::exchange(held_, {}); }

}  // namespace strata::knowledge
