#pragma once
// What a transport still has to write. Only for .cc files: it needs Asio.

#include <array>
#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <span>

#include "net/internal/transport.h"

namespace strata::net {

// What is left to write of up to kWritePiecesMax pieces; a buffer sequence for Asio.
class WritePieces {
 public:
  void Assign(std::span<const boost::asio::const_buffer> pieces) {
    count_ = 0;
    begin_ = 0;
    for (const auto& piece : pieces) {
      if (piece.size() > 0 && count_ < kWritePiecesMax) pieces_[count_++] = piece;
    }
  }
  void Consume(std::size_t bytes) {
    while (begin_ < count_ && bytes >= pieces_[begin_].size()) bytes -= pieces_[begin_++].size();
    if (begin_ < count_) pieces_[begin_] += bytes;
  }
  bool empty() const { return begin_ == count_; }
  std::span<const boost::asio::const_buffer> rest() const {
    return std::span(pieces_).subspan(begin_, count_ - begin_);
  }

 private:
  std::array<boost::asio::const_buffer, kWritePiecesMax> pieces_;
  std::size_t begin_ = 0;
  std::size_t count_ = 0;
};

}  // namespace strata::net
