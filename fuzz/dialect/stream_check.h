#pragma once
// Feeds a stream decoder in two parts, and checks what domain/stream.h promises of the events:
// blocks one after the other, numbered from 0, nothing after StreamEnd.

#include <cstdlib>
#include <string_view>
#include <variant>

#include "dialect/stream.h"

namespace strata::dialect {

class EventOrder {
 public:
  void Check(const domain::StreamEvent& event) {
    if (ended_) std::abort();
    if (const auto* start = std::get_if<domain::BlockStart>(&event)) {
      if (open_ || start->index != next_) std::abort();
      open_ = true;
      ++next_;
    } else if (const auto* stop = std::get_if<domain::BlockStop>(&event)) {
      if (!open_ || stop->index != next_ - 1) std::abort();
      open_ = false;
    } else if (std::holds_alternative<domain::StreamEnd>(event)) {
      if (open_) std::abort();
      ended_ = true;
    } else if (!std::holds_alternative<domain::StreamStart>(event) && !open_) {
      std::abort();
    }
  }

 private:
  bool open_ = false;
  bool ended_ = false;
  int next_ = 0;
};

inline void DecodeStream(StreamDecoder& decoder, std::string_view bytes) {
  if (bytes.empty()) return;
  EventOrder order;
  const auto cut = static_cast<unsigned char>(bytes.back()) % bytes.size();
  for (auto part : {bytes.substr(0, cut), bytes.substr(cut)}) {
    auto events = decoder.Feed(part);
    if (!events) return;
    for (const auto& event : *events) order.Check(event);
  }
  auto rest = decoder.Finish();
  if (!rest) return;
  for (const auto& event : *rest) order.Check(event);
}

}  // namespace strata::dialect
