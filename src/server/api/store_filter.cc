#include "server/api/store_filter.h"

#include <array>
#include <limits>
#include <utility>

#include "base/format_message.h"

namespace strata::server {
namespace {

using dialect::JsonField;
using knowledge::Filter;

constexpr double kNumberMax = 1e300;
constexpr std::size_t kValuesMax = 1000;  // of `in` and `nin`

constexpr std::array<std::pair<std::string_view, Filter::Op>, 8> kComparisons = {{
    {"eq", Filter::Op::kEquals},
    {"ne", Filter::Op::kNotEquals},
    {"gt", Filter::Op::kGreaterThan},
    {"gte", Filter::Op::kGreaterThanOrEquals},
    {"lt", Filter::Op::kLessThan},
    {"lte", Filter::Op::kLessThanOrEquals},
    {"in", Filter::Op::kIn},
    {"nin", Filter::Op::kNotIn},
}};

Result<knowledge::MetadataScalar> ReadScalar(const JsonField& field) {
  if (field.present() && field.value().string() != nullptr) return *field.value().string();
  if (auto flag = field.Bool(); flag.has_value()) return *flag;
  if (auto whole = field.Integer(std::numeric_limits<std::int64_t>::min(),
                                 std::numeric_limits<std::int64_t>::max());
      whole.has_value()) {
    return static_cast<knowledge::MetadataNumber>(*whole);
  }
  if (auto number = field.Double(-kNumberMax, kNumberMax); number.has_value()) return *number;
  return Fail(field.Wrong("expected a string, a number or a boolean"));
}

Result<Filter> ReadComparison(const JsonField& field, Filter::Op op) {
  STRATA_CHECK_OK(field.OnlyMembers({"type", "key", "value"}));
  Filter out;
  out.op = op;
  auto key = field.Get("key");
  STRATA_TRY(out.key, key.NonEmptyString());
  auto value = field.Get("value");
  if (op != Filter::Op::kIn && op != Filter::Op::kNotIn) {
    STRATA_TRY(auto scalar, ReadScalar(value));
    std::visit([&](auto& member) { out.value = std::move(member); }, scalar);
    return out;
  }
  if (!value.ExpectArray() || value.size() == 0 || value.size() > kValuesMax) {
    return Fail(value.Wrong(FormatMessage("expected a list of 1 to {} values", kValuesMax)));
  }
  std::vector<knowledge::MetadataScalar> list;
  for (std::size_t i = 0; i < value.size(); ++i) {
    auto item = value.Item(i);
    STRATA_TRY(auto scalar, ReadScalar(item));
    list.push_back(std::move(scalar));
  }
  out.value = std::move(list);
  return out;
}

Result<Filter> Read(const JsonField& field, int depth, std::size_t& nodes) {
  STRATA_CHECK_OK(field.ExpectObject());
  if (depth > knowledge::kFilterDepthMax || ++nodes > knowledge::kFilterNodesMax) {
    return Fail(Error(Code::kTooLarge,
                      FormatMessage("a filter may be {} deep and hold {} comparisons",
                                    knowledge::kFilterDepthMax, knowledge::kFilterNodesMax))
                    .AtField(field.Place()));
  }
  auto type = field.Get("type");
  STRATA_TRY(auto name,
             type.OneOf({"eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "and", "or"}));
  for (const auto& [comparison, op] : kComparisons) {
    if (name == comparison) return ReadComparison(field, op);
  }
  STRATA_CHECK_OK(field.OnlyMembers({"type", "filters"}));
  auto members = field.Get("filters");
  if (!members.ExpectArray() || members.size() == 0) {
    return Fail(members.Wrong("expected a list of filters"));
  }
  Filter out;
  out.op = name == "and" ? Filter::Op::kAndAll : Filter::Op::kOrAll;
  for (std::size_t i = 0; i < members.size(); ++i) {
    auto member = members.Item(i);
    STRATA_TRY(auto filter, Read(member, depth + 1, nodes));
    out.members.push_back(std::move(filter));
  }
  return out;
}

}  // namespace

Result<Filter> ReadStoreFilter(const JsonField& field) {
  std::size_t nodes = 0;
  return Read(field, 1, nodes);
}

}  // namespace strata::server
