#pragma once
// Documents as knowledge bases see them: parsed blocks with their place on the page, and the chunks
// cut from them.

#include <cstdint>
#include <string>
#include <vector>

#include "base/labels.h"
#include "base/span.h"
#include "domain/citation.h"

namespace strata::domain {

enum class BlockType : std::uint8_t {
  kHeading,
  kParagraph,
  kListItem,
  kTable,
  kCode,
  kCaption,
  kPageHeader,
  kPageFooter
};

// One block of a parsed document, in reading order. `text` is UTF-8; tables are GitHub-flavoured
// Markdown.
struct DocumentPart {
  BlockType type = BlockType::kParagraph;
  int level = 0;  // heading depth from 1; list nesting from 0
  std::string text;
  // Byte offsets of this block in ParsedDocument::text; end is exclusive.
  std::size_t start = 0;
  std::size_t end = 0;
  std::vector<PageRegion> pages;
  // For page formats: the line boxes of the block with the bytes of `ParsedDocument::text` that
  // each holds, so that a citation of part of a block marks only its lines.
  struct Line {
    std::size_t start = 0;
    std::size_t end = 0;
    int page = 0;
    Box box;
  };
  std::vector<Line> lines;
};

struct ParsedDocument {
  std::string title;
  std::string language;  // ISO 639-1, "" unknown
  std::string text;      // all block texts with white space between: the text that offsets refer to
  std::vector<DocumentPart> parts;
  int page_count = 0;  // 0: the format has no pages
  // What the document says of itself (Markdown front matter, HTML meta, PDF information): a flat
  // JSON object of strings, "" for none.
  JsonText metadata;
};

// A piece of a document that is indexed and cited. Its id is a hash of source, span and recipe, so
// that a repeat is harmless.
struct Chunk {
  std::string id;
  std::string document_id;
  std::size_t start = 0;  // bytes of ParsedDocument::text; end is exclusive
  std::size_t end = 0;
  std::string text;  // exactly those bytes
  // What stands before `text` when it is embedded and searched: the heading path, and the header
  // row for the later pieces of a split table. "" for none.
  std::string context;
  std::vector<std::string> headings;  // from the document's title down
  std::vector<PageRegion> pages;
  std::int64_t tokens = 0;  // word pieces of the embedder
};

// What a source says of an item, before it is parsed.
struct SourceItem {
  std::string uri;      // stable identity: "s3://bucket/key", "file:///…"
  std::string version;  // changes when the bytes do (size, mtime and hash, or an ETag)
  std::string media_type;
  std::uint64_t bytes = 0;
  JsonText metadata;  // JSON object from the sidecar FILE.metadata.json, "" for none
  std::vector<std::string> principals;  // who may read it; empty: everybody in the workspace
  LabelSet labels;
};

}  // namespace strata::domain
