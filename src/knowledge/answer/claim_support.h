#pragma once
// Which source sentences support a claim: how much of its words, numbers and meaning they hold
// together, chosen greedily.

#include <cstddef>
#include <map>
#include <vector>

#include "knowledge/answer/claim.h"
#include "knowledge/answer/claim_sources.h"

namespace strata::knowledge {

inline constexpr std::size_t kClaimPlacesMax = 3;

// Of source sentences: each as a whole, and of a table's row its longer cells.
using SourceVectors = std::map<std::size_t, std::vector<std::vector<float>>>;

// A view of one claim and its sources.
class ClaimSupport {
 public:
  using Places = std::vector<std::size_t>;  // source sentences

  ClaimSupport(const Claim& claim, const ClaimSources& sources, const SourceVectors& vectors)
      : claim_(claim), sources_(sources), vectors_(vectors) {}

  // The share of the claim's words that the places hold, or what stands around them.
  double Cover(const Places& places) const;
  // The candidates that support it best together; whether they do is to be asked. Empty without
  // any.
  Places Choose() const;
  bool Supports(const Places& places) const;
  // Adds the best place of each other document that supports the claim by itself.
  void AddOtherDocuments(Places& places) const;

 private:
  double Cosine(const Places& places) const;
  std::vector<bool> NumbersHeld(const Places& places) const;
  double NumbersMissing(const Places& places) const;
  double Threshold() const;
  double Support(const Places& places) const;
  bool BringsNumber(const Places& places, std::size_t i) const;
  double Gain(const Places& places, std::size_t i) const;
  bool IsContradicted(const Places& places) const;
  std::size_t PassageOf(std::size_t i) const { return claim_.pool.sentences[i].passage; }
  const std::vector<ClaimNumber>& NumbersOfPlace(std::size_t i) const {
    return sources_.FactsOf(i).numbers;
  }

  const Claim& claim_;
  const ClaimSources& sources_;
  const SourceVectors& vectors_;
};

}  // namespace strata::knowledge
