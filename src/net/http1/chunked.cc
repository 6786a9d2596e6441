#include "net/http1/chunked.h"

#include <algorithm>

namespace strata::net::http1 {
namespace {

constexpr int kDigitsMax = 15;
constexpr std::uint32_t kOverheadMax = 64 * 1024;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

ChunkDecoder::Step ChunkDecoder::Next(std::string_view& in, std::string_view& data) {
  while (true) {
    if (state_ == State::kEnd) return Step::kEnd;
    if (state_ == State::kFailed) return Step::kFailed;
    if (in.empty()) return Step::kNeedMore;
    if (state_ == State::kData) {
      auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
      data = in.substr(0, size);
      in.remove_prefix(size);
      left_ -= size;
      if (left_ == 0) state_ = State::kDataCr;
      return Step::kData;
    }
    char byte = in.front();
    in.remove_prefix(1);
    if (!TakeByte(byte)) state_ = State::kFailed;
  }
}

bool ChunkDecoder::TakeSizeByte(char byte) {
  if (int digit = HexDigit(byte); digit >= 0) {
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    return ++digits_ <= kDigitsMax;
  }
  if (digits_ == 0) return false;
  if (byte == '\r') {
    state_ = State::kSizeLf;
    return true;
  }
  state_ = State::kExtension;
  return byte == ';' || byte == ' ' || byte == '\t';
}

bool ChunkDecoder::TakeByte(char byte) {
  auto expect = [&](char wanted, State next) {
    state_ = next;
    return byte == wanted;
  };
  switch (state_) {
    case State::kSize:
      return TakeSizeByte(byte);
    case State::kExtension:
      if (byte == '\r') state_ = State::kSizeLf;
      return byte != '\n' && ++overhead_ <= kOverheadMax;
    case State::kSizeLf:
      digits_ = 0;
      return expect('\n', left_ == 0 ? State::kTrailerStart : State::kData);
    case State::kDataCr:
      return expect('\r', State::kDataLf);
    case State::kDataLf:
      return expect('\n', State::kSize);
    case State::kTrailerStart:
      state_ = byte == '\r' ? State::kLastLf : State::kTrailerLine;
      return byte != '\n' && ++overhead_ <= kOverheadMax;
    case State::kTrailerLine:
      if (byte == '\r') state_ = State::kTrailerLf;
      return byte != '\n' && ++overhead_ <= kOverheadMax;
    case State::kTrailerLf:
      return expect('\n', State::kTrailerStart);
    case State::kLastLf:
      return expect('\n', State::kEnd);
    case State::kData:
    case State::kEnd:
    case State::kFailed:
      return false;
  }
  return false;
}

}  // namespace strata::net::http1
