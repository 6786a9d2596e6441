#include "base/encoding.h"

#include <gtest/gtest.h>

#include "base/hmac.h"
#include "base/rng.h"

namespace strata {
namespace {

TEST(Base64, MatchesRfc4648Vectors) {
  EXPECT_EQ(Base64Encode(""), "");
  EXPECT_EQ(Base64Encode("f"), "Zg==");
  EXPECT_EQ(Base64Encode("fo"), "Zm8=");
  EXPECT_EQ(Base64Encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64Decode("Zm9vYg=="), "foob");
  EXPECT_EQ(Base64Decode("Zm9vYg"), "foob");
}

TEST(Base64, RefusesWhatIsNotBase64) {
  EXPECT_FALSE(Base64Decode("Zg===").has_value());
  EXPECT_FALSE(Base64Decode("Z").has_value());
  EXPECT_FALSE(Base64Decode("Zm 9v").has_value());
}

TEST(Encodings, RoundTripRandomBytes) {
  Rng rng(7);
  for (int i = 0; i < 200; ++i) {
    std::string bytes(rng.Below(70), '\0');
    for (auto& c : bytes) c = static_cast<char>(rng.Below(256));
    EXPECT_EQ(Base64Decode(Base64Encode(bytes)), bytes);
    EXPECT_EQ(HexDecode(HexEncode(bytes)), bytes);
    EXPECT_EQ(PercentDecode(PercentEncode(bytes)), bytes);
  }
}

TEST(PercentDecode, RefusesBrokenEscapes) {
  EXPECT_FALSE(PercentDecode("%4").has_value());
  EXPECT_FALSE(PercentDecode("%zz").has_value());
  EXPECT_EQ(PercentDecode("a%3Ab"), "a:b");
}

TEST(Crc32, MatchesTheIeeeCheckValueAndCanContinue) {
  EXPECT_EQ(Crc32("123456789"), 0xCBF43926U);
  EXPECT_EQ(Crc32("456789", Crc32("123")), 0xCBF43926U);
}

// Each way of computing it takes lengths of its own: all of them must agree with one bit at a time.
TEST(Crc32, IsTheSameForEveryLengthAndSeed) {
  auto bit_by_bit = [](std::string_view bytes, std::uint32_t seed) {
    std::uint32_t crc = ~seed;
    for (unsigned char byte : bytes) {
      crc ^= byte;
      for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? 0xEDB88320U ^ (crc >> 1) : crc >> 1;
    }
    return ~crc;
  };
  std::string bytes;
  for (std::uint32_t i = 0; bytes.size() <= 700; ++i) {
    for (std::uint32_t seed : {0U, 0xFFFFFFFFU, 0x12345678U}) {
      ASSERT_EQ(Crc32(bytes, seed), bit_by_bit(bytes, seed)) << bytes.size() << " bytes";
    }
    bytes += static_cast<char>(i * 2654435761U >> 24);
  }
}

TEST(Sha256, MatchesTheFipsVector) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(HmacSha256, MatchesRfc4231WithShortAndLongKeys) {
  EXPECT_EQ(HexEncode(AsBytes(HmacSha256(std::string(20, '\x0b'), "Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(
      HexEncode(AsBytes(HmacSha256(std::string(131, '\xaa'),
                                   "Test Using Larger Than Block-Size Key - Hash Key First"))),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, ThatWasPreparedSignsAnyNumberOfMessages) {
  for (std::size_t size : {0, 20, 64, 65, 131}) {
    const std::string key(size, 'k');
    const auto prepared = PrepareHmacKey(key);
    for (std::string_view message : {"", "Hi There", "another"}) {
      EXPECT_EQ(HmacSha256With(prepared, message), HmacSha256(key, message));
    }
    EXPECT_NE(HmacSha256With(prepared, "a"), HmacSha256With(prepared, "b"));
  }
  EXPECT_EQ(HexEncode(AsBytes(HmacSha256With(PrepareHmacKey(std::string(20, '\x0b')), "Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

TEST(Hash64, DependsOnEveryByteAndTheSeed) {
  EXPECT_NE(Hash64("abcdefghijklmnopq"), Hash64("abcdefghijklmnopr"));
  EXPECT_NE(Hash64("a"), Hash64("a", 1));
  EXPECT_NE(Hash64(std::string_view("\0", 1)), Hash64(""));
}

TEST(ConstantTimeEqual, ComparesContentAndLength) {
  EXPECT_TRUE(ConstantTimeEqual("secret", "secret"));
  EXPECT_FALSE(ConstantTimeEqual("secret", "secreT"));
  EXPECT_FALSE(ConstantTimeEqual("secret", "secre"));
}

}  // namespace
}  // namespace strata
