#pragma once
// Writes the head of an HTTP/1.1 answer.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace strata::net::http1 {

struct HeadSpec {
  int status = 200;
  std::string_view date;                      // "" leaves the field out
  std::optional<std::size_t> content_length;  // nullopt: streamed
  bool chunked = false;
  bool keep_alive = true;
};

// Replaces `out`. Framing fields of `headers` (content-length, transfer-encoding, connection) are
// dropped: they are written from `spec`. So are fields whose name or value could not be sent
// (control characters), which keeps a value that holds CRLF from adding fields.
void WriteResponseHead(const HeadSpec& spec, const Headers& headers, std::string& out);

// Fields that describe the connection, not the message; HTTP/2 forbids them.
bool IsConnectionField(std::string_view name);

}  // namespace strata::net::http1
