// A model's answer to the question for a filter. What is taken must filter by declared attributes
// alone, and must not let anything through that the caller's own filter keeps out.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/filter_writer.h"

using namespace strata::knowledge;

namespace {

const std::vector<FilterAttribute> kAttributes = {
    {.key = "year", .type = FilterAttribute::Type::kNumber, .description = ""},
    {.key = "team", .type = FilterAttribute::Type::kString, .description = ""},
    {.key = "final", .type = FilterAttribute::Type::kBoolean, .description = ""},
    {.key = "tags", .type = FilterAttribute::Type::kStringList, .description = ""}};

bool IsDeclared(const Filter& filter) {
  if (!filter.members.empty()) return std::ranges::all_of(filter.members, IsDeclared);
  return std::ranges::find(kAttributes, filter.key, &FilterAttribute::key) != kAttributes.end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view answer(reinterpret_cast<const char*>(data), size);
  auto written = ReadWrittenFilter(answer, kAttributes);
  if (!written || !*written) return 0;
  if (!IsDeclared(**written)) std::abort();
  const auto own = *ParseFilter(R"({"equals": {"key": "owner", "value": "me"}})");
  const auto both = Both(own, std::move(*written));
  if (Matches(*both, *ParseMetadata({R"({"owner": "you", "year": 1, "team": "a"})"}))) std::abort();
  return 0;
}
