// Heads of upstream answers, and the chunked coding.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http1/chunked.h"
#include "net/http1/head.h"

namespace {

using strata::net::http1::ChunkDecoder;

std::string Decode(std::string_view stream, std::size_t size) {
  ChunkDecoder decoder;
  std::string out;
  while (!stream.empty()) {
    auto piece = stream.substr(0, size);
    stream.remove_prefix(piece.size());
    for (bool more = true; more;) {
      std::string_view data;
      switch (decoder.Next(piece, data)) {
        case ChunkDecoder::Step::kData:
          out += data;
          break;
        case ChunkDecoder::Step::kNeedMore:
          more = false;
          break;
        case ChunkDecoder::Step::kEnd:
          return out + "<end>";
        case ChunkDecoder::Step::kFailed:
          return out + "<failed>";
      }
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::size_t scanned = 0;
  auto end = strata::net::http1::FindHeadEnd(stream, scanned);
  if (end != stream.npos) {
    strata::net::http1::ResponseHead head;
    strata::net::http1::Framing framing;
    (void)strata::net::http1::ParseResponseHead(stream.substr(0, end), head, framing);
    stream.remove_prefix(end);
  }
  if (Decode(stream, stream.size() + 1) != Decode(stream, data[0] % 8 + 1u)) std::abort();
  return 0;
}
