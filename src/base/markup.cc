#include "base/markup.h"

namespace strata {

void AppendMarkup(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\t':
      case '\n':
      case '\r':
        out += c;
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
}

std::string MarkupOf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  AppendMarkup(out, text);
  return out;
}

}  // namespace strata
