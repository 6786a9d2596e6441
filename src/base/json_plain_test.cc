#include "base/json_plain.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json_text.h"

namespace strata {
namespace {

// Each byte value, at each place of the steps of 16 and of 8 and behind them.
TEST(JsonPlainPrefix, StopsAtTheFirstByteThatNeedsALook) {
  for (int value = 0; value < 256; ++value) {
    auto c = static_cast<char>(value);
    bool plain = value >= 0x20 && value < 0x80 && c != '"' && c != '\\';
    for (std::size_t at = 0; at < 28; ++at) {
      std::string text(30, 'a');
      text[at] = c;
      EXPECT_EQ(JsonPlainPrefix(text), plain ? text.size() : at) << value << " at " << at;
      text[29] = '"';
      EXPECT_EQ(JsonPlainPrefix(text), plain ? 29 : at) << value << " at " << at;
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
