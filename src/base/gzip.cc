#include "base/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

namespace strata {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 18;

// Inflates all members to `out`, at most a piece beyond `bytes_max`; the last state of zlib.
int Inflate(z_stream& stream, std::string_view bytes, std::size_t bytes_max, std::string& out) {
  std::string buffer(std::clamp<std::size_t>(bytes_max, 1, kPiece), '\0');
  int state = Z_OK;
  while (state == Z_OK && out.size() <= bytes_max) {
    if (stream.avail_in == 0) {
      const auto taken = std::min<std::size_t>(bytes.size(), kPiece);
      // zlib does not write through it.
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream.avail_in = static_cast<uInt>(taken);
      bytes.remove_prefix(taken);
    }
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    state = inflate(&stream, Z_NO_FLUSH);
    out.append(buffer, 0, buffer.size() - stream.avail_out);
    const bool more = stream.avail_in > 0 || !bytes.empty();
    if (state == Z_STREAM_END && more) state = inflateReset(&stream);
  }
  return state;
}

}  // namespace

Result<std::string> Gunzip(std::string_view bytes, std::size_t bytes_max) {
  z_stream stream{};
  constexpr int kGzipOnly = 16;
  if (inflateInit2(&stream, kGzipOnly + MAX_WBITS) != Z_OK) {
    return Fail(Internal("zlib has no memory"));
  }
  std::string out;
  const int state = Inflate(stream, bytes, bytes_max, out);
  inflateEnd(&stream);
  if (out.size() > bytes_max) {
    return Fail(Code::kTooLarge, fmt::format("inflates to more than {} bytes", bytes_max));
  }
  if (state != Z_STREAM_END) return Fail(Code::kCorruption, "the gzip data is broken or cut off");
  return out;
}

}  // namespace strata
