#pragma once
// Puts blocks together to a ParsedDocument: the one place that computes offsets and holds the
// limits.

#include <string>
#include <string_view>

#include "domain/document.h"
#include "knowledge/parser.h"

namespace strata::knowledge {

// Owned by one parse. Errors are sticky: parsers look at full() in their loops and leave; Finish
// then returns the error.
class DocumentBuilder {
 public:
  explicit DocumentBuilder(const ParseLimits& limits) : limits_(limits) {}

  // Appends a block. Malformed UTF-8 and control characters other than newline and tab are
  // replaced, white space around is cut, a block without text is left out.
  void Add(domain::BlockType type, int level, std::string_view text);

  // Appends a block of a page format. `part.lines` hold offsets within `part.text`, which must be
  // clean already (CleanText): it is taken as it is.
  void AddLaidOut(domain::DocumentPart part);

  void Fail(Error error);
  bool full() const { return error_.has_value(); }
  bool empty() const { return document_.parts.empty(); }
  const ParseLimits& limits() const { return limits_; }

  void SetTitle(std::string_view title);
  void SetLanguage(
      std::string_view tag);  // BCP 47; the primary subtag is kept if it has two letters
  void AddMetadata(std::string_view key, std::string_view value);
  bool has_title() const { return !document_.title.empty(); }
  void SetPageCount(int pages) { document_.page_count = pages; }

  // Title falls back to the first heading, but not of page formats.
  Result<domain::ParsedDocument> Finish() &&;

 private:
  bool Reserve(std::size_t bytes);

  const ParseLimits limits_;
  domain::ParsedDocument document_;
  std::string metadata_;  // members written so far, without braces
  std::optional<Error> error_;
};

// Valid UTF-8 without control characters (newline and tab stay), "\r\n" and "\r" as "\n". O(n).
std::string CleanText(std::string_view text);

// Runs of white space, newlines included, become one space; none at the ends.
std::string CollapseSpace(std::string_view text);

// Without white space at the ends.
std::string_view TrimSpace(std::string_view text);

}  // namespace strata::knowledge
