#include "dialect/responses/wire_items.h"

#include <algorithm>
#include <utility>

#include "dialect/json_scan.h"
#include "dialect/wire.h"

namespace strata::dialect::responses {
namespace {

// The event that `rest` begins with, taken from it; "" when there is no whole one.
std::string_view TakeEvent(std::string_view& rest) {
  for (std::string_view mark : {"\n\n", "\r\n\r\n"}) {
    const auto at = rest.find(mark);
    if (at == rest.npos) continue;
    auto event = rest.substr(0, at + mark.size());
    rest.remove_prefix(event.size());
    return event;
  }
  return std::exchange(rest, {});
}

}  // namespace

void WireItems::Follow(std::string_view bytes) {
  place_.Note(bytes);
  while (!bytes.empty()) OnEvent(TakeEvent(bytes));
}

WireItem& WireItems::At(std::int64_t index) {
  auto at = std::ranges::lower_bound(items_, index, {}, &WireItem::index);
  if (at == items_.end() || at->index != index) at = items_.insert(at, {.index = index});
  return *at;
}

void WireItems::OnEvent(std::string_view event) {
  std::string scratch;
  auto data = ScanObject(SseDataOf(event, scratch));
  if (!data) return;
  const auto type = ScannedString(data->TextAt("type")).value_or("");
  auto index = ScannedInteger(data->TextAt("output_index"));
  auto item = ScanObject(data->TextAt("item"));
  if (!index) return;
  if (type == "response.output_item.added" && item) {
    At(*index).id = ScannedString(item->TextAt("id")).value_or("");
  } else if (type == "response.output_item.done" && item) {
    At(*index).json = data->TextAt("item");
  } else if (type == "response.content_part.added") {
    ++At(*index).parts;
  }
}

}  // namespace strata::dialect::responses
