#include "base/json_plain.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json_text.h"

namespace strata {
namespace {

// Each byte value, at each place of texts of each length: they are looked through in steps.
TEST(JsonPlainPrefix, StopsAtTheFirstByteThatNeedsALook) {
  for (int value = 0; value < 256; ++value) {
    auto c = static_cast<char>(value);
    bool plain = value >= 0x20 && value < 0x80 && c != '"' && c != '\\';
    for (std::size_t size = 1; size <= 36; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text(size, 'a');
        text[at] = c;
        EXPECT_EQ(JsonPlainPrefix(text), plain ? size : at) << value << " at " << at;
        if (at == size - 1) continue;
        text.back() = '"';
        EXPECT_EQ(JsonPlainPrefix(text), plain ? size - 1 : at) << value << " at " << at;
      }
    }
  }
  EXPECT_EQ(JsonPlainPrefix(""), 0U);
}

TEST(JsonString, EscapesWhatMustBeAndRepairsUtf8) {
  EXPECT_EQ(JsonString("plain text of more than eight bytes"),
            "\"plain text of more than eight bytes\"");
  EXPECT_EQ(JsonString("a\"b\\c\n\x01 é\xff"), "\"a\\\"b\\\\c\\n\\u0001 é\\ufffd\"");
}

}  // namespace
}  // namespace strata
