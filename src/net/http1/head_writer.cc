#include "net/http1/head_writer.h"

#include <charconv>

#include "base/log.h"
#include "net/http1/head.h"

namespace strata::net::http1 {
namespace {

void AppendNumber(std::string& out, std::size_t value) {
  char digits[24];
  const auto* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

}  // namespace

bool IsConnectionField(std::string_view name) {
  return SameHeader(name, "connection") || SameHeader(name, "transfer-encoding") ||
         SameHeader(name, "keep-alive") || SameHeader(name, "upgrade") ||
         SameHeader(name, "proxy-connection");
}

void WriteResponseHead(const HeadSpec& spec, const Headers& headers, std::string& out) {
  out.assign("HTTP/1.1 ");
  AppendNumber(out, static_cast<std::size_t>(spec.status));
  out.append(" ").append(ReasonPhrase(spec.status)).append("\r\n");
  for (const auto& [name, value] : headers.fields()) {
    if (IsConnectionField(name) || SameHeader(name, "content-length")) continue;
    if (!IsToken(name) || !IsFieldValue(value)) {
      Log(Level::kWarning, "net.field_dropped", {{"status", spec.status}});
      continue;
    }
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (!spec.date.empty()) out.append("date: ").append(spec.date).append("\r\n");
  bool bodiless = spec.status == 204 || spec.status == 304;
  if (spec.content_length && !bodiless) {
    out.append("content-length: ");
    AppendNumber(out, *spec.content_length);
    out.append("\r\n");
  } else if (spec.chunked && !bodiless) {
    out.append("transfer-encoding: chunked\r\n");
  }
  if (!spec.keep_alive) out.append("connection: close\r\n");
  out.append("\r\n");
}

}  // namespace strata::net::http1
