#include "text/offsets.h"

#include <algorithm>

#include "base/utf8.h"

namespace strata::text {
namespace {

constexpr std::size_t kBlockBytes = 64;

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// A malformed byte is a sequence of one.
std::size_t StepSize(std::string_view text, std::size_t at) {
  return std::max<std::size_t>(Utf8SequenceSize(text, at), 1);
}

}  // namespace

CodePointOffsets::CodePointOffsets(std::string_view text) : text_(text) {
  if (IsAscii(text)) {
    code_points_ = text.size();
    return;
  }
  blocks_.reserve(text.size() / kBlockBytes + 1);
  Block now;
  while (now.byte < text.size()) {
    if (now.byte / kBlockBytes == blocks_.size()) blocks_.push_back(now);
    now.byte += StepSize(text, now.byte);
    now.code_points += 1;
  }
  code_points_ = now.code_points;
}

// The last sequence that begins at or before `byte` (< text size) and what lies before it.
CodePointOffsets::Block CodePointOffsets::At(std::size_t byte) const {
  std::size_t number = std::min(byte / kBlockBytes, blocks_.size() - 1);
  if (blocks_[number].byte > byte) number -= 1;
  Block at = blocks_[number];
  while (at.byte < byte) {
    std::size_t step = StepSize(text_, at.byte);
    if (at.byte + step > byte && byte < text_.size()) break;
    at.byte += step;
    at.code_points += 1;
  }
  return at;
}

std::size_t CodePointOffsets::FromByte(std::size_t byte) const {
  byte = std::min(byte, text_.size());
  return blocks_.empty() ? byte : At(byte).code_points;
}

std::size_t CodePointOffsets::ToByte(std::size_t code_point) const {
  if (code_point >= code_points_) return text_.size();
  if (blocks_.empty()) return code_point;
  auto after = std::ranges::upper_bound(blocks_, code_point, {}, &Block::code_points);
  Block at = *std::prev(after);
  for (; at.code_points < code_point; at.code_points += 1) at.byte += StepSize(text_, at.byte);
  return at.byte;
}

}  // namespace strata::text
