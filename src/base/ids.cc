#include "base/ids.h"

#include <array>
#include <cstdint>

#include "base/clock.h"
#include "base/rng.h"

namespace strata {
namespace {

// A request makes several ids; one system call fills a thread's block of 512 bytes.
class RandomBlock {
 public:
  std::uint8_t NextByte() {
    if (used_ == block_.size()) {
      SecureRandom(block_);
      used_ = 0;
    }
    return block_[used_++];
  }

 private:
  std::array<std::uint8_t, 512> block_;
  std::size_t used_ = 512;
};

thread_local RandomBlock random_block;

constexpr char kDigits[] = "0123456789abcdef";

void PutHex(char* out, std::uint8_t byte) {
  out[0] = kDigits[byte >> 4];
  out[1] = kDigits[byte & 15];
}

void PutRandomHex(char* out, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) PutHex(out + 2 * i, random_block.NextByte());
}

}  // namespace

// Milliseconds since 1970 come first, so that the indexes of ledger and traces are appended to.
// Each random id would change a page of its own.
RequestId NewRequestId() {
  constexpr std::size_t kTimeBytes = 6;
  constexpr std::size_t kBytes = 16;
  const auto ms = static_cast<std::uint64_t>(ToUnixMicros(SystemClock().Wall()) / 1000);
  std::string id(2 * kBytes, '0');
  for (std::size_t i = 0; i < kTimeBytes; ++i) {
    PutHex(id.data() + 2 * i, static_cast<std::uint8_t>(ms >> (8 * (kTimeBytes - 1 - i))));
  }
  PutRandomHex(id.data() + 2 * kTimeBytes, kBytes - kTimeBytes);
  return {std::move(id)};
}

std::string NewSpanId() {
  std::string id(16, '0');
  PutRandomHex(id.data(), 8);
  return id;
}

std::string NewResourceId(std::size_t length) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string out;
  while (out.size() < length) {
    auto byte = random_block.NextByte();
    if (byte < 252)
      out += kAlphabet[byte % 36];  // 252 = 7 * 36: no letter is likelier than another
  }
  return out;
}

}  // namespace strata
