#pragma once
// A citation: which place of which source supports a span of the answer.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/span.h"

namespace strata::domain {

// A rectangle on a page, PDF points, origin at the bottom left.
struct Box {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  friend bool operator==(const Box&, const Box&) = default;
};

// Where a passage stands in its document. Pages count from 1; 0 means the format has no pages.
struct PageRegion {
  int page = 0;
  std::vector<Box> boxes;
  friend bool operator==(const PageRegion&, const PageRegion&) = default;
};

// What source_start and source_end count: code points of the document's text; nothing, as `pages`
// says it; pieces (DocumentBlock::chunks) of a document; pieces of a search result, whose number is
// document_index; nothing, as source_uri says it.
enum class CitationPlace : std::uint8_t { kText, kPages, kChunks, kSearchResult, kWeb };

struct Citation {
  std::string title;        // of the source document
  std::string source_uri;   // "s3://docs/a.pdf", "file:///…", "https://…", or a custom id
  std::string document_id;  // ours; empty when the source came with the request
  std::string chunk_id;
  std::string quoted;      // the supporting text, as it stands in the source
  int document_index = 0;  // of the request's documents, or of the retrieved references, from 0
  CitationPlace place = CitationPlace::kText;
  std::int64_t source_start = 0;  // see CitationPlace; end is exclusive
  std::int64_t source_end = 0;
  std::vector<PageRegion> pages;
  // The part of the answer that it supports, code points of the *text block* it is attached to; end
  // is exclusive.
  std::int64_t answer_start = 0;
  std::int64_t answer_end = 0;
  double score = 0;   // retrieval score of the chunk, for RetrieveAndGenerate
  JsonText metadata;  // JSON object of the document's metadata, "" for none

  friend bool operator==(const Citation&, const Citation&) = default;
};

}  // namespace strata::domain
