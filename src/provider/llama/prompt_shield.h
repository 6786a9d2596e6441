#pragma once
// Keeps text that came with a request from turning into control tokens: "<|im_end|>" in a document
// must stay ten letters, or the document could forge a turn of the conversation.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct llama_vocab;

namespace strata::provider::llama {

// For one prompt. Usage: Mask every text from outside, render the template with the results, then
// Tokenize what it made.
class PromptShield {
 public:
  // `control_texts`: how the vocabulary's control tokens are spelled (ControlTexts); outlives this.
  explicit PromptShield(const std::vector<std::string>& control_texts)
      : control_texts_(control_texts) {}

  // `text` with every spelling of a control token replaced by a marker.
  std::string Mask(std::string_view text);

  // Pieces of `prompt` in order; `literal` ones are text from outside, in their own spelling.
  struct Piece {
    std::string text;
    bool literal = false;
  };
  std::vector<Piece> Split(std::string_view prompt) const;

  // Control tokens only where the template put them.
  std::vector<std::int32_t> Tokenize(const llama_vocab& vocab, std::string_view prompt) const;

 private:
  const std::vector<std::string>& control_texts_;
  std::vector<std::string> masked_;  // marker number → original spelling
};

// Longest first, so that the longest spelling at a place is found.
std::vector<std::string> ControlTexts(const llama_vocab& vocab);

}  // namespace strata::provider::llama
