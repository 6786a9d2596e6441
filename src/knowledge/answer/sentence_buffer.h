#pragma once
// Cuts a text that is being written into whole sentences.

#include <string>
#include <string_view>
#include <vector>

namespace strata::knowledge {

class SentenceBuffer {
 public:
  void Add(std::string_view text) { held_ += text; }
  // The sentences that are complete, each with the white space before it; the rest is held.
  std::vector<std::string> TakeWhole();
  // What is left.
  std::string TakeRest();

 private:
  std::string held_;
};

}  // namespace strata::knowledge
