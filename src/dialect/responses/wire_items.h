#pragma once
// The output items of a provider's own stream as its events tell of them, so that an encoder can go
// on behind events that have left.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/responses_wire.h"

namespace strata::dialect::responses {

struct WireItem {
  std::int64_t index = 0;  // output_index
  std::string id = {};
  std::string json = {};  // the whole item; "" while it is open
  std::size_t parts = 0;  // of its content, so far
};

class WireItems {
 public:
  explicit WireItems(WirePlace place) : place_(std::move(place)) {}

  void Follow(std::string_view bytes);  // whole events, in order

  const WirePlace& place() const { return place_; }
  const std::vector<WireItem>& items() const { return items_; }  // in the order of their places

 private:
  void OnEvent(std::string_view event);
  WireItem& At(std::int64_t index);

  WirePlace place_;
  std::vector<WireItem> items_;
};

}  // namespace strata::dialect::responses
