#include "provider/llama/text_release.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace strata::provider::llama {
namespace {

// Bytes at the end of `text` that begin a sequence which further bytes may complete: 0..3.
std::size_t OpenSequenceBytes(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0U) == 0x80U) continue;  // a continuation byte: look further back
    std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 1;
    return length > back && byte <= 0xF4 ? back : 0;
  }
  return 0;
}

}  // namespace

TextRelease::TextRelease(std::vector<std::string> stop_sequences)
    : stops_(std::move(stop_sequences)) {
  std::erase(stops_, "");
}

bool TextRelease::FindStop(std::size_t& at) {
  at = std::string::npos;
  for (const auto& stop : stops_) {
    auto found = pending_.find(stop);
    if (found < at ||
        (found == at && found != std::string::npos && stop.size() > stop_sequence_.size())) {
      at = found;
      stop_sequence_ = stop;
    }
  }
  return at != std::string::npos;
}

std::size_t TextRelease::HeldBytes() const {
  std::size_t held = OpenSequenceBytes(pending_);
  for (const auto& stop : stops_) {
    for (auto size = std::min(stop.size() - 1, pending_.size()); size > held; --size) {
      if (pending_.ends_with(std::string_view(stop).substr(0, size))) {
        held = size;
        break;
      }
    }
  }
  return held;
}

std::string TextRelease::Push(std::string_view bytes) {
  if (stopped_) return {};
  pending_ += bytes;
  std::size_t shown = 0;
  if (FindStop(shown)) {
    stopped_ = true;
  } else {
    shown = pending_.size() - HeldBytes();
  }
  auto out = ReplaceInvalidUtf8(std::string_view(pending_).substr(0, shown));
  pending_.erase(0, shown);
  shown_bytes_ += shown;
  return out;
}

std::string TextRelease::Finish() {
  if (stopped_) return {};
  pending_.resize(pending_.size() - OpenSequenceBytes(pending_));
  shown_bytes_ += pending_.size();
  return ReplaceInvalidUtf8(std::exchange(pending_, {}));
}

}  // namespace strata::provider::llama
