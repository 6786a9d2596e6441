#pragma once
// Appending many short texts to one string: room is made once for several of them, so that each
// costs its copy and little more. For hot paths: log lines, traces, heads of HTTP messages.

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/json_plain.h"
#include "base/json_text.h"

namespace strata {

// Writes behind what `out` holds; `out` is whole again after Finish, and not to be used before.
class TextWriter {
 public:
  // `room`: bytes that will usually do.
  TextWriter(std::string& out, std::size_t room) : out_(out), size_(out.size()) { Grow(room); }
  ~TextWriter() { Finish(); }
  TextWriter(const TextWriter&) = delete;
  TextWriter& operator=(const TextWriter&) = delete;

  TextWriter& Raw(std::string_view text) {
    Need(text.size());
    Put(text);
    return *this;
  }
  TextWriter& Raw(char c) {
    Need(1);
    data_[size_++] = c;
    return *this;
  }
  TextWriter& Integer(std::int64_t value) {
    constexpr std::size_t kDigitsMax = 20;
    Need(kDigitsMax);
    auto* end = std::to_chars(data_ + size_, data_ + size_ + kDigitsMax, value).ptr;
    size_ = static_cast<std::size_t>(end - data_);
    return *this;
  }
  // As a quoted JSON string, see AppendJsonString.
  TextWriter& Json(std::string_view text) {
    if (JsonPlainPrefix(text) < text.size()) return JsonEscaped(text);
    Need(text.size() + 2);
    data_[size_++] = '"';
    Put(text);
    data_[size_++] = '"';
    return *this;
  }

  void Finish() { out_.resize(size_); }

 private:
  void Need(std::size_t bytes) {
    if (capacity_ - size_ < bytes) Grow(bytes);
  }
  // Texts of up to 32 bytes, as nearly all are, are copied without a call.
  void Put(std::string_view text) {
    Copy(data_ + size_, text.data(), text.size());
    size_ += text.size();
  }
  static void Copy(char* to, const char* from, std::size_t size) {
    constexpr std::size_t kTwoWords = 16;
    if (size > 2 * kTwoWords) {
      std::memcpy(to, from, size);
    } else if (size >= kTwoWords) {
      CopyEnds<kTwoWords>(to, from, size);
    } else if (size >= 8) {
      CopyEnds<8>(to, from, size);
    } else if (size >= 4) {
      CopyEnds<4>(to, from, size);
    } else {
      for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
    }
  }
  // The first and the last N bytes, which may overlap.
  template <std::size_t N>
  static void CopyEnds(char* to, const char* from, std::size_t size) {
    char first[N];
    char last[N];
    std::memcpy(first, from, N);
    std::memcpy(last, from + size - N, N);
    std::memcpy(to, first, N);
    std::memcpy(to + size - N, last, N);
  }

  void Grow(std::size_t bytes);
  TextWriter& JsonEscaped(std::string_view text);

  std::string& out_;
  char* data_ = nullptr;
  std::size_t size_;
  std::size_t capacity_ = 0;
};

}  // namespace strata
