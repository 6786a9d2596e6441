#pragma once
// Heads of HTTP/1.1 messages (RFC 9112): start line and fields. Strict, as leniency is how requests
// are smuggled: lines end with CRLF, no folding, no space before a colon.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace strata::net::http1 {

// What to answer to input that cannot be served; `message` is for the JSON body.
struct Failure {
  int status;
  std::string_view message;
};

// Offset just past the blank line that ends a head, npos while it has not come. `scanned`: bytes
// already searched; updated. O(new bytes).
std::size_t FindHeadEnd(std::string_view bytes, std::size_t& scanned);

// How the body of a message is delimited.
struct Framing {
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
  bool keep_alive = true;
  bool expects_continue = false;
  bool http10 = false;
};

// `head` ends with the blank line. Fills method, target, authority and headers of `request`.
std::optional<Failure> ParseRequestHead(std::string_view head, HttpRequest& request,
                                        Framing& framing);

struct ResponseHead {
  int status = 0;
  Headers headers;
};
std::optional<Failure> ParseResponseHead(std::string_view head, ResponseHead& response,
                                         Framing& framing);

// RFC 9110 token: methods and field names.
bool IsToken(std::string_view text);

// Bytes that a field value may hold: no controls but tab.
bool IsFieldValue(std::string_view text);

// "OK", "Not Found"; "Unknown" for statuses that nobody registered.
std::string_view ReasonPhrase(int status);

}  // namespace strata::net::http1
