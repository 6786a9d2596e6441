#pragma once
// Metadata of documents and the filters over it: the whole grammar of Bedrock's RetrievalFilter,
// parsed and evaluated here. Pure functions; values are immutable after parsing.

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/span.h"

namespace strata::knowledge {

// Holds every integer of 64 bits exactly, so that two identifiers beyond 2^53 stay two, and every
// double as well.
using MetadataNumber = long double;
static_assert(std::numeric_limits<MetadataNumber>::digits >= 64);
using MetadataScalar = std::variant<bool, MetadataNumber, std::string>;
using MetadataValue = std::variant<bool, MetadataNumber, std::string, std::vector<MetadataScalar>>;
using Metadata = std::map<std::string, MetadataValue, std::less<>>;

// The filterable members of a JSON object: booleans, numbers, strings and lists of those. Other
// members (null, objects, mixed nesting) stay in the JSON text that is shown but match no filter.
// "" gives no members. kInvalidArgument: not a JSON object.
Result<Metadata> ParseMetadata(const JsonText& json);

struct Filter {
  enum class Op : std::uint8_t {
    kAndAll,
    kOrAll,
    kEquals,
    kNotEquals,
    kGreaterThan,
    kGreaterThanOrEquals,
    kLessThan,
    kLessThanOrEquals,
    kIn,
    kNotIn,
    kStartsWith,
    kStringContains,
    kListContains,
  };
  Op op = Op::kAndAll;
  std::string key;              // comparisons
  MetadataValue value = false;  // comparisons; a list for kIn and kNotIn
  std::vector<Filter> members;  // kAndAll, kOrAll: two or more
};

// Limits of one filter; beyond them it is refused.
inline constexpr int kFilterDepthMax = 16;
inline constexpr std::size_t kFilterNodesMax = 1024;
inline constexpr std::size_t kFilterBytesMax = 256 * 1024;

std::string_view OpName(Filter::Op op);  // "andAll", "equals", …

// `json`: one filter object. Errors name the offending member below `field`
// ("filter.andAll[1].in").
Result<Filter> ParseFilter(std::string_view json, std::string_view field = "filter");

// Semantics: a comparison on an absent key is false, except notEquals and notIn, which are true.
// Values of different types are never equal and never ordered. Numbers and strings have an order
// (strings bytewise, so ISO dates compare as dates). stringContains looks into a string or into
// each string of a list; listContains looks for an equal member of a list.
bool Matches(const Filter& filter, const Metadata& metadata);

}  // namespace strata::knowledge
