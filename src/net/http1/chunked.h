#pragma once
// The chunked transfer coding (RFC 9112 §7.1), decoded in place from pieces of any size.

#include <cstdint>
#include <string_view>

namespace strata::net::http1 {

class ChunkDecoder {
 public:
  enum class Step : std::uint8_t { kData, kNeedMore, kEnd, kFailed };

  // Takes bytes off the front of `in`. kData: `data` is the next piece of the body (a view into
  // `in`); call again. kEnd: the body and its trailer are complete, `in` holds what follows.
  // Trailer fields are dropped. Sizes are at most 15 hex digits; extensions and trailer are
  // bounded.
  Step Next(std::string_view& in, std::string_view& data);

 private:
  enum class State : std::uint8_t {
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerStart,
    kTrailerLine,
    kTrailerLf,
    kLastLf,
    kEnd,
    kFailed
  };
  bool TakeByte(char byte);  // false: malformed
  bool TakeSizeByte(char byte);

  State state_ = State::kSize;
  std::uint64_t left_ = 0;
  int digits_ = 0;
  std::uint32_t overhead_ = 0;  // bytes of extensions and trailer of this body
};

}  // namespace strata::net::http1
