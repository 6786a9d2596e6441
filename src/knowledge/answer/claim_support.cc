#include "knowledge/answer/claim_support.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "knowledge/answer/amounts.h"
#include "knowledge/answer/claim_facts.h"

namespace strata::knowledge {
namespace {

using Bits = Claim::Bits;

// How much a word of the claim counts that a place holds only around itself.
constexpr double kInHeading = 0.8;
constexpr double kInPassage = 0.4;
constexpr double kInDocument = 0.3;

constexpr double kCosineWeight = 0.8;
constexpr double kNumberWeight = 0.25;  // all numbers missing, while the first place is chosen
constexpr double kSupported = 1.0;      // with vectors
constexpr double kSupportedByWords = 0.62;
// A further place must cover this much that the others do not.
constexpr double kGainMin = 0.12;
// … and bring the meaning nearer by so much when it is one word; a number may take it farther.
constexpr double kMuchNearer = 0.1;
constexpr double kFartherMax = 0.05;

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
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

}  // namespace

double ClaimSupport::Cover(const Places& places) const {
  Bits numbers = 0;  // also those that come of several places: a sum, say
  const auto held_numbers = NumbersHeld(places);
  for (std::size_t n = 0; n < held_numbers.size(); ++n) {
    if (held_numbers[n]) numbers |= claim_.number_words[n];
  }
  double cover = 0;
  for (std::size_t word = 0; word < claim_.weights.size(); ++word) {
    const Bits bit = Bits{1} << word;
    double held = (numbers & bit) != 0 ? 1 : 0;
    for (const std::size_t i : places) {
      const auto& place = claim_.places[i];
      const std::size_t passage = PassageOf(i);
      if ((place.own & bit) != 0) held = std::max(held, 1.0);
      if ((place.heading & bit) != 0) held = std::max(held, kInHeading);
      if ((place.leaned & bit) != 0) held = std::max(held, kClaimInLeanedOn);
      if ((claim_.pool.around[passage] & bit) != 0) held = std::max(held, kInPassage);
      if ((claim_.document[sources_.DocumentOf(passage)] & bit) != 0)
        held = std::max(held, kInDocument);
    }
    cover += held * claim_.weights[word];
  }
  return cover;
}

// Of the claim's vector and the sum of the places' vectors.
double ClaimSupport::Cosine(const Places& places) const {
  std::vector<float> sum(claim_.vector.size(), 0.0F);
  for (const std::size_t i : places) {
    const auto at = vectors_.find(i);
    if (at == vectors_.end()) continue;  // of another claim, which words decided
    const auto& vector = *std::ranges::max_element(
        at->second, {}, [&](const auto& said) { return Dot(claim_.vector, said); });
    for (std::size_t d = 0; d < sum.size(); ++d) sum[d] += vector[d];
  }
  const double length = std::sqrt(Dot(sum, sum));
  return length > 0 ? Dot(claim_.vector, sum) / length : 0;
}

// Which of the claim's numbers the places hold, their titles and headings counted.
std::vector<bool> ClaimSupport::NumbersHeld(const Places& places) const {
  std::vector<bool> out;
  if (claim_.numbers.empty()) return out;
  std::vector<ClaimNumber> held;
  std::vector<ClaimNumber> above;
  for (const std::size_t i : places) {
    const auto& around = sources_.NumbersAround(PassageOf(i));
    const auto& facts = sources_.FactsOf(i);
    held.insert(held.end(), facts.numbers.begin(), facts.numbers.end());
    above.insert(above.end(), around.begin(), around.end());
    if (facts.heading == SIZE_MAX) continue;
    const auto& heading = NumbersOfPlace(facts.heading);
    above.insert(above.end(), heading.begin(), heading.end());
  }
  for (const auto& number : claim_.numbers) {
    out.push_back(HoldsNumber(held, number) || HoldsHeadingNumber(above, number) ||
                  LiesBeyond(claim_.bounds, number, held));
  }
  return out;
}

double ClaimSupport::NumbersMissing(const Places& places) const {
  const auto held = NumbersHeld(places);
  if (held.empty()) return 0;
  const auto missing = static_cast<double>(std::ranges::count(held, false));
  return missing / static_cast<double>(held.size());
}

double ClaimSupport::Threshold() const {
  return claim_.vector.empty() ? kSupportedByWords : kSupported;
}

// How well the places support the claim together.
double ClaimSupport::Support(const Places& places) const {
  double support = Cover(places);
  if (!claim_.vector.empty()) support += kCosineWeight * Cosine(places);
  return support;
}

// Whether the place holds a number of the claim that the chosen ones do not, or makes one with
// them.
bool ClaimSupport::BringsNumber(const Places& places, std::size_t i) const {
  constexpr double kDerivedMin = 100;
  auto more = places;
  more.push_back(i);
  const auto before = NumbersHeld(places);
  const auto after = NumbersHeld(more);
  for (std::size_t n = 0; n < before.size(); ++n) {
    if (before[n] || !after[n]) continue;
    const auto& number = claim_.numbers[n];
    if (number.readings.front() >= kDerivedMin || HoldsCount(NumbersOfPlace(i), number))
      return true;
  }
  return false;
}

// What a place adds to the chosen ones: a number, or words of which they hold nothing themselves,
// as long as the meaning comes nearer. 0 for nothing.
double ClaimSupport::Gain(const Places& places, std::size_t i) const {
  Bits own = 0;
  bool leaned_on = false;  // by one that is chosen
  for (const std::size_t at : places) {
    own |= claim_.places[at].own | claim_.places[at].heading;
    leaned_on = leaned_on || (at == i + 1 && claim_.pool.sentences[at].leans);
  }
  auto more = places;
  more.push_back(i);
  const bool vectors = !claim_.vector.empty();
  const double nearer = vectors ? Cosine(more) - Cosine(places) : 0;
  const Bits fresh = claim_.places[i].own & ~own & ~claim_.names;
  const double words = Share(fresh, claim_.weights);
  const double topic = kClaimTopicWeight * claim_.places[i].topic;
  if (nearer >= -kFartherMax && BringsNumber(places, i)) return 1 + words + nearer + topic;
  // What is not supported is not so by more places that are each about another half of it.
  if (words < kGainMin || Support(places) < Threshold()) return 0;
  const auto contradicts = [&](const ClaimNumber& number) {
    return Contradicts(NumbersOfPlace(i), number);
  };
  if (std::ranges::any_of(claim_.numbers, contradicts)) return 0;
  const bool several = std::popcount(fresh) >= 2;
  const bool adds = several ? nearer > 0 || leaned_on || !vectors : nearer >= kMuchNearer;
  return adds ? words + nearer + topic : 0;
}

ClaimSupport::Places ClaimSupport::Choose() const {
  Places places;
  double best = -1;
  for (const std::size_t i : claim_.candidates) {
    const double support = Support({i}) + kClaimTopicWeight * claim_.places[i].topic -
                           kNumberWeight * NumbersMissing({i});
    if (support <= best) continue;
    best = support;
    places = {i};
  }
  while (!places.empty() && places.size() < kClaimPlacesMax) {
    const auto gain = [&](std::size_t i) { return Gain(places, i); };
    const auto next = std::ranges::max_element(claim_.candidates, {}, gain);
    if (gain(*next) <= 0) break;
    places.push_back(*next);
  }
  return places;
}

// Whether the chosen places hold a small number of the claim only for something else ("three
// monthly rents" for "three months"), while a place that says more of the claim counts the same
// thing otherwise ("six months").
bool ClaimSupport::IsContradicted(const Places& places) const {
  const double support = Support(places);
  return std::ranges::any_of(claim_.numbers, [&](const ClaimNumber& number) {
    const auto counts = [&](std::size_t i) { return HoldsCount(NumbersOfPlace(i), number); };
    if (std::ranges::any_of(places, counts)) return false;
    return std::ranges::any_of(claim_.candidates, [&](std::size_t i) {
      return Contradicts(NumbersOfPlace(i), number) && Support({i}) > support;
    });
  });
}

bool ClaimSupport::Supports(const Places& places) const {
  const auto opposed = [&](std::size_t i) { return claim_.opposed.contains(i); };
  if (places.empty() || std::ranges::any_of(places, opposed)) return false;
  if (NumbersMissing(places) > 0) return false;
  return Support(places) >= Threshold() && !IsContradicted(places);
}

void ClaimSupport::AddOtherDocuments(Places& places) const {
  const auto document = [&](std::size_t i) { return sources_.DocumentOf(PassageOf(i)); };
  for (const std::size_t i : claim_.candidates) {
    if (places.size() >= kClaimPlacesMax) return;
    const bool cited = std::ranges::any_of(
        places, [&](std::size_t place) { return document(place) == document(i); });
    if (!cited && Supports({i})) places.push_back(i);
  }
}

}  // namespace strata::knowledge
