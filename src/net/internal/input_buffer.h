#pragma once
// Bytes of a connection that were read and not yet taken. Only for .cc files: it needs Asio.

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace strata::net {

// Bytes read and not yet taken: one growing block. Nothing moves while a read into it is pending.
class InputBuffer {
 public:
  // `read_bytes`: size of the first block.
  explicit InputBuffer(std::size_t read_bytes) : read_bytes_(read_bytes) {}

  std::string_view view() const { return std::string_view(bytes_).substr(begin_, end_ - begin_); }
  std::size_t size() const { return end_ - begin_; }
  void ShrinkTo(std::string_view rest) { begin_ = end_ - rest.size(); }
  // Where `part` of the view may be written to.
  char* Writable(std::string_view part) { return bytes_.data() + (part.data() - bytes_.data()); }
  void Filled(std::size_t bytes) { end_ += bytes; }
  void Clear() { begin_ = end_ = 0; }

  // Room for a read, at least 1 byte. Moves what is held to the front, and doubles when full.
  boost::asio::mutable_buffer Room() {
    if (begin_ == end_) {
      Clear();
    } else if (end_ == bytes_.size()) {
      bytes_.erase(0, begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == bytes_.size()) bytes_.resize(std::max(read_bytes_, bytes_.size() * 2));
    return boost::asio::buffer(bytes_) + end_;
  }
  void Assign(std::string bytes) {
    bytes_ = std::move(bytes);
    begin_ = 0;
    end_ = bytes_.size();
  }

 private:
  std::size_t read_bytes_;
  std::string bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace strata::net
