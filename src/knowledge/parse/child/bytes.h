#pragma once
// Little-endian numbers and length-prefixed strings in a byte string.

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace strata::knowledge::child {

class ByteWriter {
 public:
  void Number(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out_ += static_cast<char>(value >> (8 * i));
  }
  void U8(std::uint8_t value) { Number(value, 1); }
  void U32(std::uint32_t value) { Number(value, 4); }
  void U64(std::uint64_t value) { Number(value, 8); }
  void F32(float value) { U32(std::bit_cast<std::uint32_t>(value)); }
  void Text(std::string_view text) {
    U64(text.size());
    out_ += text;
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

// Reads past the end give zero and make ok() false for good.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t Number(int bytes) {
    if (rest_.size() < static_cast<std::size_t>(bytes)) {
      Break();
      return 0;
    }
    std::uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
    }
    rest_.remove_prefix(static_cast<std::size_t>(bytes));
    return value;
  }
  std::uint8_t U8() { return static_cast<std::uint8_t>(Number(1)); }
  std::uint32_t U32() { return static_cast<std::uint32_t>(Number(4)); }
  std::uint64_t U64() { return Number(8); }
  float F32() { return std::bit_cast<float>(U32()); }

  std::string_view Text() {
    const std::uint64_t size = U64();
    if (size > rest_.size()) {
      Break();
      return {};
    }
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }

  // A count of elements of at least `bytes_each` bytes; 0 and broken when so many cannot follow.
  std::size_t Count(std::size_t bytes_each) {
    const std::uint64_t count = U64();
    if (count > rest_.size() / bytes_each) {
      Break();
      return 0;
    }
    return count;
  }

  bool ok() const { return ok_; }
  bool AtEnd() const { return ok_ && rest_.empty(); }

 private:
  void Break() {
    ok_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace strata::knowledge::child
