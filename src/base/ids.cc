#include "base/ids.h"

#include <array>
#include <cstdint>

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

std::string RandomHex(std::size_t bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(bytes * 2, '0');
  for (std::size_t i = 0; i < bytes; ++i) {
    auto byte = random_block.NextByte();
    out[2 * i] = kDigits[byte >> 4];
    out[2 * i + 1] = kDigits[byte & 15];
  }
  return out;
}

}  // namespace

RequestId NewRequestId() { return {RandomHex(16)}; }
std::string NewSpanId() { return RandomHex(8); }

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
