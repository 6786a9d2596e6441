#pragma once
// Blocks to document parts: lines joined to running text, words that a line end broke made whole,
// every line with its bytes and its box.

#include <string>
#include <unordered_set>
#include <vector>

#include "domain/document.h"
#include "knowledge/parse/pdf/blocks.h"

namespace strata::knowledge::pdf {

// The words that stand unbroken in the document: whether "inter-\nnational" is "international" or
// "inter-national" is decided by which of them occurs elsewhere.
class Vocabulary {
 public:
  void Add(const std::vector<Line>& lines);
  // `before` ends with '-'. True when the hyphen is to go.
  bool DropsHyphen(std::string_view before, std::string_view after) const;

 private:
  std::unordered_set<std::string> words_;  // lower case, at most 200,000
};

domain::DocumentPart PartOf(const Block& block, const Vocabulary& vocabulary);

// A part of one line as it stands, for running headers and footers.
domain::DocumentPart PartOfLine(const Line& line, domain::BlockType type);

}  // namespace strata::knowledge::pdf
