#include "base/json_text.h"

#include "base/json_plain.h"
#include "base/utf8.h"

namespace strata {

namespace {

// `plain`: bytes at the beginning of `text` that are known to need no escape.
void AppendEscaped(std::string& out, std::string_view text, std::size_t plain) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t from = 0;  // start of the run that needs no escape
  auto flush = [&](std::size_t end) { out.append(text.substr(from, end - from)); };
  for (auto i = plain; i < text.size(); i += JsonPlainPrefix(text.substr(i))) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      if (auto size = Utf8SequenceSize(text, i); size != 0) {
        i += size;
        continue;
      }
      flush(i);
      out += "\\ufffd";
    } else {
      flush(i);
      switch (c) {
        case '"':
          out += "\\\"";
          break;
        case '\\':
          out += "\\\\";
          break;
        case '\n':
          out += "\\n";
          break;
        case '\r':
          out += "\\r";
          break;
        case '\t':
          out += "\\t";
          break;
        default:
          out += "\\u00";
          out += kHex[c >> 4];
          out += kHex[c & 15];
      }
    }
    from = ++i;
  }
  flush(text.size());
  out += '"';
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  const auto plain = JsonPlainPrefix(text);
  if (plain < text.size()) return AppendEscaped(out, text, plain);
  const auto at = out.size();
  const auto end = at + text.size() + 2;
  // Of libstdc++ 12 the function is told the new capacity, which may be more.
  out.resize_and_overwrite(end, [&](char* bytes, std::size_t) {
    bytes[at] = '"';
    text.copy(bytes + at + 1, text.size());
    bytes[end - 1] = '"';
    return end;
  });
}

std::string JsonString(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  AppendJsonString(out, text);
  return out;
}

}  // namespace strata
