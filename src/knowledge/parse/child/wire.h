#pragma once
// What parent and child say to each other over the pipes: one request in, one answer out, both
// little-endian, length-prefixed and versioned.
//
// The child has read a hostile document, so the answer is decoded as hostile: every count is
// checked against the bytes that are left before anything is allocated, every offset against the
// text.

#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "knowledge/page_render.h"
#include "knowledge/parser.h"

namespace strata::knowledge::child {

struct ParseRequest {
  std::string name;
  std::string media_type;
  ParseLimits limits;
  std::string bytes;
};

struct RenderRequest {
  ParseLimits limits;
  RenderInput input;
};

using Request = std::variant<ParseRequest, RenderRequest>;

// The statuses that a child ends with; all but kDone without an answer. Numbers of sysexits.h.
enum ExitStatus : int {
  kDone = 0,
  kBadRequest = 64,  // EX_USAGE
  kNoMemory = 71,    // EX_OSERR: it needed more than its limit
  kBrokenPipe = 74,  // EX_IOERR
};

std::string EncodeRequest(const Request& request);
Result<Request> DecodeRequest(std::string_view bytes);

// The limits of render requests; the child holds them again.
Result<> CheckRender(const RenderInput& input);

std::string EncodeError(const Error& error);
std::string EncodeDocument(const domain::ParsedDocument& document);
std::string EncodePage(const RenderedPage& page);

// The error that the child reported, or kCorruption when the bytes are not an answer of the kind
// that was asked for, or break document_check.h or `limits`.
Result<domain::ParsedDocument> DecodeDocument(std::string_view bytes, const ParseLimits& limits);
Result<RenderedPage> DecodePage(std::string_view bytes);

}  // namespace strata::knowledge::child
