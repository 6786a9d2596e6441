#include "base/text_writer.h"

#include <algorithm>

namespace strata {

void TextWriter::Grow(std::size_t bytes) {
  const auto wanted = std::max({size_ + bytes, 2 * capacity_, out_.capacity()});
  // Of libstdc++ 12 the function is told the new capacity, which may be more.
  out_.resize_and_overwrite(wanted, [wanted](char*, std::size_t) { return wanted; });
  data_ = out_.data();
  capacity_ = wanted;
}

TextWriter& TextWriter::JsonEscaped(std::string_view text) {
  out_.resize(size_);
  AppendJsonString(out_, text);
  size_ = out_.size();
  data_ = out_.data();
  capacity_ = size_;
  Grow(0);
  return *this;
}

}  // namespace strata
