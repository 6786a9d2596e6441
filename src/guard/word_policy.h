#pragma once
// Denied words and phrases.
//
// Compared without case, accents, compatibility forms and invisible characters, as whole words
// (parts of words in scripts that write none), with any spaces and punctuation between the words of
// a phrase.

#include <memory>
#include <string>
#include <vector>

#include "guard/policy.h"

namespace strata::guard {

struct WordPolicySpec {
  std::string name;
  std::vector<std::string> words;
  Action action = Action::kBlock;
  std::string mask = "[removed]";  // Action::kMask
  bool input = true;
  bool output = true;
  friend bool operator==(const WordPolicySpec&, const WordPolicySpec&) = default;
};

// kInvalidArgument names the member: no name, or one with , or =, no words, a word without a letter
// or digit, too many (10,000) or too long ones (200 bytes), neither side.
Result<std::shared_ptr<const Policy>> MakeWordPolicy(WordPolicySpec spec);

}  // namespace strata::guard
