#pragma once
// A Parser turns the bytes of a document into blocks with their place: ParsedDocument.
//
// The product's parser is ChildParser: it never looks at a document in the server's own process but
// starts one child per document, under seccomp, memory, time and output limits. The child is
// trusted with nothing: what it answers is decoded like any other outside bytes. Formats: plain
// text, Markdown, HTML, CSV and TSV, PDF.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/options.h"
#include "base/pool.h"
#include "base/result.h"
#include "base/task.h"
#include "domain/document.h"

namespace strata::knowledge {

// What one parse may use. Going past any of them is an error that names the limit, never a partial
// document.
struct ParseLimits {
  std::size_t input_bytes_max = 64u << 20;
  std::size_t text_bytes_max = 32u << 20;  // of ParsedDocument::text
  std::size_t parts_max = 500'000;
  int pages_max = 5'000;
  int nesting_max = 400;                                // of HTML elements and Markdown blocks
  std::size_t memory_bytes_max = std::size_t{2} << 30;  // address space of the child
  std::chrono::milliseconds time_max{60'000};           // wall clock, and CPU rounded up to seconds
};

// One document to parse.
struct ParseInput {
  std::string name;        // for messages and for the extension: a URI or a file name
  std::string media_type;  // "application/pdf"; "" or "application/octet-stream": by name and bytes
  std::string bytes;
};

// Thread-safe; one object serves all ingestion jobs.
class Parser {
 public:
  virtual ~Parser() = default;

  // The returned document obeys parse/document_check.h: parts in text order, offsets of every part
  // and line exact, all text valid UTF-8. Running headers and footers of pages stand behind the
  // body, so the body reads on across page breaks.
  // Errors, each naming the document: kUnsupported (names the formats that are supported),
  // kInvalidArgument (broken, truncated, encrypted, or the child died of it), kTooLarge (a limit of
  // size or memory), kDeadlineExceeded (time limit, or `ctx`'s deadline), kCancelled, kUnavailable
  // (no child could be started).
  // `ctx` must outlive the task.
  virtual Task<Result<domain::ParsedDocument>> Parse(ParseInput input, RequestContext& ctx) = 0;

  // Changes whenever the same bytes may be read otherwise, by another release or under other
  // limits: until then a document that was refused for what it holds is refused again.
  virtual std::string Version() const = 0;
};

struct ChildParserOptions {
  // The program that calls ParseWorkerMain when its first argument is "parse-worker". The default
  // is this very executable.
  std::string program = "/proc/self/exe";
  ParseLimits limits;
};

// `pool` runs the waiting and the decoding; it bounds how many children live at once and outlives
// the parser.
std::unique_ptr<Parser> MakeChildParser(Pool& pool, ChildParserOptions options);

// The media types that can be parsed, and the sentence that error messages name them with.
bool IsParsable(std::string_view media_type);
std::string_view SupportedFormats();

// By the bytes' signature first, then by the extension of `name`; "application/octet-stream" when
// neither says. Only the first 4 KiB of `bytes` are looked at.
std::string DetectMediaType(std::string_view name, std::string_view bytes);

// Options named kb.parse.*.
OptionTable ParseOptionTable();
ParseLimits ParseLimitsFrom(const Options& options);

}  // namespace strata::knowledge
