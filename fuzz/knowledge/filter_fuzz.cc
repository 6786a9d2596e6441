// A filter of Retrieve over a document's metadata: the first line is the filter, the rest the
// metadata. What both accept must combine as the grammar says.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "knowledge/filter.h"

using namespace strata::knowledge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto line = bytes.substr(0, bytes.find('\n'));
  auto filter = ParseFilter(line);
  auto metadata = ParseMetadata({std::string(bytes.substr(std::min(size, line.size() + 1)))});
  if (!filter || !metadata) return 0;
  const bool alone = Matches(*filter, *metadata);
  Filter group;
  group.members = {*filter, std::move(*filter)};
  for (auto op : {Filter::Op::kAndAll, Filter::Op::kOrAll}) {
    group.op = op;
    if (Matches(group, *metadata) != alone) std::abort();
  }
  return 0;
}
