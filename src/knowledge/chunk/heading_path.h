#pragma once
// The headings above a place in a document.

#include <string>
#include <vector>

#include "knowledge/chunker.h"

namespace strata::knowledge {

// Fed with a document's headings in order.
class HeadingPath {
 public:
  explicit HeadingPath(std::string title) : title_(std::move(title)) {}

  void Enter(int level, const std::string& text);

  // Title first; the title is left out where the first heading repeats it.
  std::vector<std::string> Names() const;

  // Names() as one line "a > b > c" for embedding. The last heading is left out when `own_heading`
  // says that the chunk's text begins with it.
  enum class OwnHeading : unsigned char { kNo, kYes };
  std::string Line(OwnHeading own_heading) const;

  int level() const { return open_.empty() ? 0 : open_.back().level; }

 private:
  struct Open {
    int level = 0;
    std::string text;
  };
  std::string title_;
  std::vector<Open> open_;
};

// The end of `line` that has at most `tokens_max`: whole path members are dropped from the front,
// then words; "" when nothing fits.
std::string FitPath(std::string line, std::int64_t tokens_max, const TokenCounter& count);

}  // namespace strata::knowledge
