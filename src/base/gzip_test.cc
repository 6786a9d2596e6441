#include "base/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace strata {
namespace {

std::string Gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  std::string in = text;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(Gunzip, GivesBackWhatWasPacked) {
  EXPECT_EQ(*Gunzip(Gzip("hello"), 5), "hello");
  EXPECT_EQ(*Gunzip(Gzip(""), 0), "");
  std::string large(std::size_t{3} << 20, 'x');
  for (std::size_t i = 0; i < large.size(); i += 7) large[i] = static_cast<char>(i * 2654435761U);
  EXPECT_EQ(*Gunzip(Gzip(large), large.size()), large);
  EXPECT_EQ(*Gunzip(Gzip("two ") + Gzip("members"), 100), "two members");
}

TEST(Gunzip, StopsAtTheBound) {
  EXPECT_EQ(Gunzip(Gzip("hello"), 4).error().code(), Code::kTooLarge);
  EXPECT_EQ(Gunzip(Gzip(std::string(std::size_t{64} << 20, '\0')), 1000).error().code(),
            Code::kTooLarge);
}

TEST(Gunzip, RefusesWhatIsBrokenOrCutOff) {
  const auto packed = Gzip("some text that is long enough to be cut");
  for (std::size_t size = 0; size < packed.size(); ++size) {
    EXPECT_FALSE(Gunzip(packed.substr(0, size), 1000).has_value()) << size;
  }
  auto broken = packed;
  broken[broken.size() - 5] ^= 1;  // of the checksum
  EXPECT_EQ(Gunzip(broken, 1000).error().code(), Code::kCorruption);
  EXPECT_EQ(Gunzip(packed + "more", 1000).error().code(), Code::kCorruption);
  EXPECT_EQ(Gunzip("plain text", 1000).error().code(), Code::kCorruption);
}

}  // namespace
}  // namespace strata
