#include "base/json_text.h"

#include "base/json_plain.h"
#include "base/utf8.h"

namespace strata {

void AppendJsonString(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;  // start of the run that needs no escape
  std::size_t i = JsonPlainPrefix(text);
  if (i == text.size()) {
    out.append(text) += '"';
    return;
  }
  auto flush = [&](std::size_t end) { out.append(text.substr(plain, end - plain)); };
  for (; i < text.size(); i += JsonPlainPrefix(text.substr(i))) {
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
    plain = ++i;
  }
  flush(text.size());
  out += '"';
}

std::string JsonString(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  AppendJsonString(out, text);
  return out;
}

}  // namespace strata
