#include "net/http1/head_writer.h"

#include "base/log.h"
#include "base/text_writer.h"
#include "net/http1/head.h"

namespace strata::net::http1 {

bool IsConnectionField(std::string_view name) {
  switch (name.size()) {
    case std::string_view("upgrade").size():
      return SameHeader(name, "upgrade");
    case std::string_view("connection").size():
      return SameHeader(name, "connection") || SameHeader(name, "keep-alive");
    case std::string_view("proxy-connection").size():
      return SameHeader(name, "proxy-connection");
    case std::string_view("transfer-encoding").size():
      return SameHeader(name, "transfer-encoding");
    default:
      return false;
  }
}

void WriteResponseHead(const HeadSpec& spec, const Headers& headers, std::string& out) {
  constexpr std::size_t kUsualBytes = 768;
  out.clear();
  TextWriter writer(out, kUsualBytes);
  writer.Raw("HTTP/1.1 ").Integer(spec.status).Raw(' ');
  writer.Raw(ReasonPhrase(spec.status)).Raw("\r\n");
  for (const auto& [name, value] : headers.fields()) {
    if (IsConnectionField(name) || SameHeader(name, "content-length")) continue;
    if (!IsToken(name) || !IsFieldValue(value)) {
      Log(Level::kWarning, "net.field_dropped", {{"status", spec.status}});
      continue;
    }
    writer.Raw(name).Raw(": ").Raw(value).Raw("\r\n");
  }
  if (!spec.date.empty()) writer.Raw("date: ").Raw(spec.date).Raw("\r\n");
  bool bodiless = spec.status == 204 || spec.status == 304;
  if (spec.content_length && !bodiless) {
    writer.Raw("content-length: ").Integer(static_cast<std::int64_t>(*spec.content_length));
    writer.Raw("\r\n");
  } else if (spec.chunked && !bodiless) {
    writer.Raw("transfer-encoding: chunked\r\n");
  }
  if (!spec.keep_alive) writer.Raw("connection: close\r\n");
  writer.Raw("\r\n");
}

}  // namespace strata::net::http1
