// JSON strings, markup and UTF-8 offsets.

#include <gtest/gtest.h>

#include "base/json_text.h"
#include "base/markup.h"
#include "base/text_writer.h"
#include "base/utf8.h"

namespace strata {
namespace {

TEST(JsonString, EscapesControlsQuotesAndKeepsUnicode) {
  EXPECT_EQ(JsonString("a\"b\\c\n\t\x01"), R"("a\"b\\c\n\t\u0001")");
  EXPECT_EQ(JsonString("grün 日本 😀"), "\"grün 日本 😀\"");
}

TEST(JsonString, ReplacesMalformedUtf8SoThatOutputIsAlwaysValid) {
  EXPECT_EQ(JsonString("a\xC3(b"), "\"a\\ufffd(b\"");
  EXPECT_EQ(JsonString("\xED\xA0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");  // a surrogate
  EXPECT_EQ(JsonString("x\xF0\x9F"), "\"x\\ufffd\\ufffd\"");           // cut short
}

TEST(Markup, HasNothingThatEndsAnAttributeOrAnElement) {
  EXPECT_EQ(MarkupOf("a<b title=\"x\" y='&'>"), "a&lt;b title=&quot;x&quot; y=&#39;&amp;&#39;&gt;");
  EXPECT_EQ(MarkupOf("grün\n日本\t😀"), "grün\n日本\t😀");
  EXPECT_EQ(MarkupOf(std::string_view("a\0b\x1b\x7f", 5)), "a b  ");
}

TEST(Utf8, RefusesOverlongSurrogatesAndOutOfRange) {
  EXPECT_TRUE(IsValidUtf8("é日😀"));
  EXPECT_FALSE(IsValidUtf8("\xC0\xAF"));
  EXPECT_FALSE(IsValidUtf8("\xE0\x80\xAF"));
  EXPECT_FALSE(IsValidUtf8("\xF4\x90\x80\x80"));
  EXPECT_FALSE(IsValidUtf8("\x80"));
}

TEST(Utf8, CountsAndFindsCodePoints) {
  std::string_view text = "aé日😀b";
  EXPECT_EQ(CodePointCount(text), 5U);
  EXPECT_EQ(ByteOffset(text, 3), 6U);
  EXPECT_EQ(ByteOffset(text, 99), text.size());
  EXPECT_EQ(Utf8Prefix(text, 5), "aé");
  EXPECT_EQ(Utf8Prefix(text, 6), "aé日");
}

// ASCII is skipped eight bytes at a time: what stands behind it counts at every place.
TEST(Utf8, IsJudgedTheSameWhateverStandsBefore) {
  for (std::size_t before = 0; before < 20; ++before) {
    const std::string ascii(before, 'a');
    EXPECT_TRUE(IsValidUtf8(ascii + "é日b"));
    EXPECT_FALSE(IsValidUtf8(ascii + "\xFF" + "bc"));
    EXPECT_EQ(CodePointCount(ascii + "é日b"), before + 3);
    EXPECT_EQ(ReplaceInvalidUtf8(ascii + "é\xFF" + "bc"), ascii + "é\uFFFDbc");
    EXPECT_EQ(JsonString(ascii), "\"" + ascii + "\"");
  }
}

// Longer than any small block, so that memory grows between two texts.
TEST(JsonString, IsAppendedWholeWhereMemoryGrows) {
  std::string out;
  std::string expected;
  for (std::size_t size = 0; size < 300; ++size) {
    const std::string text(size, 't');
    AppendJsonString(out, text);
    expected += "\"" + text + "\"";
    ASSERT_EQ(out, expected);
  }
}

TEST(Utf8, AppendsEverySize) {
  std::string out;
  for (char32_t c : {U'a', U'é', U'日', U'😀', char32_t{0xD800}}) AppendUtf8(out, c);
  EXPECT_EQ(out, "aé日😀\xEF\xBF\xBD");
}

// Room that is too small at every place, and texts of every way of copying.
TEST(TextWriter, WritesWhatAppendingWrites) {
  for (std::size_t room : {0, 1, 7, 64, 4096}) {
    std::string out = "begun ";
    std::string expected = out;
    TextWriter writer(out, room);
    for (std::size_t size = 0; size < 70; ++size) {
      const std::string text(size, static_cast<char>('a' + size % 26));
      writer.Raw(text).Raw(',').Json(text).Integer(static_cast<std::int64_t>(size) * -1000003);
      expected +=
          text + "," + JsonString(text) + std::to_string(-1000003LL * static_cast<long>(size));
      writer.Json(text + "\"\xC3").Raw(';');
      expected += JsonString(text + "\"\xC3") + ";";
    }
    writer.Finish();
    EXPECT_EQ(out, expected);
  }
}

}  // namespace
}  // namespace strata
