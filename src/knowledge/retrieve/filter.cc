#include "knowledge/filter.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "base/format_message.h"
#include "base/json_text.h"
#include "base/utf8.h"

namespace strata::knowledge {
namespace {

namespace json = boost::json;
using Op = Filter::Op;

constexpr std::size_t kKeyMax = 100;  // code points
constexpr std::size_t kListMax = 1000;

constexpr std::pair<std::string_view, Op> kOps[] = {
    {"andAll", Op::kAndAll},
    {"orAll", Op::kOrAll},
    {"equals", Op::kEquals},
    {"notEquals", Op::kNotEquals},
    {"greaterThan", Op::kGreaterThan},
    {"greaterThanOrEquals", Op::kGreaterThanOrEquals},
    {"lessThan", Op::kLessThan},
    {"lessThanOrEquals", Op::kLessThanOrEquals},
    {"in", Op::kIn},
    {"notIn", Op::kNotIn},
    {"startsWith", Op::kStartsWith},
    {"stringContains", Op::kStringContains},
    {"listContains", Op::kListContains},
};

bool IsGroup(Op op) { return op == Op::kAndAll || op == Op::kOrAll; }

std::optional<MetadataScalar> ToScalar(const json::value& value) {
  if (value.is_bool()) return value.get_bool();
  if (value.is_number()) return value.to_number<MetadataNumber>();
  if (value.is_string()) return std::string(value.get_string());
  return std::nullopt;
}

std::optional<MetadataValue> ToValue(const json::value& value) {
  if (auto scalar = ToScalar(value)) {
    return std::visit([](auto& member) -> MetadataValue { return std::move(member); }, *scalar);
  }
  if (!value.is_array()) return std::nullopt;
  std::vector<MetadataScalar> list;
  for (const auto& member : value.get_array()) {
    auto scalar = ToScalar(member);
    if (!scalar) return std::nullopt;
    list.push_back(std::move(*scalar));
  }
  return list;
}

Result<json::value> ParseJson(std::string_view text, std::string_view field) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 2 * kFilterDepthMax + 8;
  json::value value;
  try {
    value = json::parse(text, error, json::storage_ptr(), options);
  } catch (const std::exception& e) {
    return Fail(InvalidArgument(std::string(field), e.what()));
  }
  if (error)
    return Fail(
        InvalidArgument(std::string(field), FormatMessage("not JSON: {}", Own(error.message()))));
  return value;
}

// Parses one filter object and, recursively, its members.
class FilterParser {
 public:
  Result<Filter> Parse(const json::value& value, const std::string& field, int depth) {
    if (depth > kFilterDepthMax) {
      return Fail(
          InvalidArgument(field, FormatMessage("nested deeper than {} levels", kFilterDepthMax)));
    }
    if (++nodes_ > kFilterNodesMax) {
      return Fail(InvalidArgument(
          field, FormatMessage("more than {} conditions in one filter", kFilterNodesMax)));
    }
    if (!value.is_object() || value.get_object().size() != 1) {
      return Fail(InvalidArgument(field, "expected an object with exactly one operator"));
    }
    const auto& member = *value.get_object().begin();
    const auto* found = std::ranges::find(kOps, std::string_view(member.key()),
                                          &std::pair<std::string_view, Op>::first);
    if (found == std::end(kOps)) {
      return Fail(InvalidArgument(
          field, "unknown operator " + JsonString(std::string_view(member.key()).substr(0, 100)) +
                     "; known: andAll, orAll, equals, notEquals, greaterThan, "
                     "greaterThanOrEquals, lessThan, lessThanOrEquals, in, notIn, startsWith, "
                     "stringContains, listContains"));
    }
    const std::string inner = field + "." + std::string(found->first);
    if (IsGroup(found->second)) return Group(found->second, member.value(), inner, depth);
    return Comparison(found->second, member.value(), inner);
  }

 private:
  Result<Filter> Group(Op op, const json::value& value, const std::string& field, int depth) {
    if (!value.is_array() || value.get_array().size() < 2) {
      return Fail(InvalidArgument(field, "expected a list of two or more filters"));
    }
    Filter filter;
    filter.op = op;
    std::size_t index = 0;
    for (const auto& member : value.get_array()) {
      STRATA_TRY(auto parsed, Parse(member, field + "[" + std::to_string(index) + "]", depth + 1));
      filter.members.push_back(std::move(parsed));
      ++index;
    }
    return filter;
  }

  static Result<Filter> Comparison(Op op, const json::value& value, const std::string& field) {
    const auto* object = value.if_object();
    const auto* key = object ? object->if_contains("key") : nullptr;
    const auto* operand = object ? object->if_contains("value") : nullptr;
    if (!key || !operand) {
      return Fail(InvalidArgument(field, "expected an object with key and value"));
    }
    if (!key->is_string() || key->get_string().empty() ||
        CodePointCount(key->get_string()) > kKeyMax) {
      return Fail(InvalidArgument(field + ".key", "expected a string of 1 to 100 characters"));
    }
    auto parsed = ToValue(*operand);
    if (!parsed) {
      return Fail(InvalidArgument(field + ".value",
                                  "expected a string, number, boolean or a list of those"));
    }
    STRATA_CHECK_OK(CheckOperand(op, *parsed, field + ".value"));
    Filter filter;
    filter.op = op;
    filter.key = std::string(key->get_string());
    filter.value = std::move(*parsed);
    return filter;
  }

  static Result<> CheckOperand(Op op, const MetadataValue& value, const std::string& field) {
    const auto* list = std::get_if<std::vector<MetadataScalar>>(&value);
    if (list && list->size() > kListMax) {
      return Fail(InvalidArgument(field, FormatMessage("more than {} members", kListMax)));
    }
    switch (op) {
      case Op::kIn:
      case Op::kNotIn:
        if (!list || list->empty()) return Fail(InvalidArgument(field, "expected a list"));
        return {};
      case Op::kStartsWith:
      case Op::kStringContains:
        if (!std::holds_alternative<std::string>(value)) {
          return Fail(InvalidArgument(field, "expected a string"));
        }
        return {};
      case Op::kGreaterThan:
      case Op::kGreaterThanOrEquals:
      case Op::kLessThan:
      case Op::kLessThanOrEquals:
        if (!std::holds_alternative<MetadataNumber>(value) &&
            !std::holds_alternative<std::string>(value)) {
          return Fail(InvalidArgument(field, "expected a number or a string"));
        }
        return {};
      case Op::kListContains:
        if (list) return Fail(InvalidArgument(field, "expected a string, number or boolean"));
        return {};
      default:
        return {};
    }
  }

  std::size_t nodes_ = 0;
};

bool EqualsScalar(const MetadataValue& value, const MetadataScalar& scalar) {
  return std::visit(
      [&](const auto& member) {
        using T = std::decay_t<decltype(member)>;
        const auto* same = std::get_if<T>(&value);
        return same && *same == member;
      },
      scalar);
}

bool InList(const MetadataValue& value, const MetadataValue& list) {
  return std::ranges::any_of(
      std::get<std::vector<MetadataScalar>>(list),
      [&](const MetadataScalar& member) { return EqualsScalar(value, member); });
}

// a < b as -1, equal 0, a > b 1; nullopt: no order between them.
std::optional<int> Order(const MetadataValue& a, const MetadataValue& b) {
  if (const auto *x = std::get_if<MetadataNumber>(&a), *y = std::get_if<MetadataNumber>(&b);
      x && y) {
    return *x < *y ? -1 : *x > *y ? 1 : 0;
  }
  if (const auto *x = std::get_if<std::string>(&a), *y = std::get_if<std::string>(&b); x && y) {
    const int order = x->compare(*y);
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  return std::nullopt;
}

bool StringContains(const MetadataValue& value, const std::string& needle) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return text->find(needle) != std::string::npos;
  }
  const auto* list = std::get_if<std::vector<MetadataScalar>>(&value);
  return list && std::ranges::any_of(*list, [&](const MetadataScalar& member) {
           const auto* text = std::get_if<std::string>(&member);
           return text && text->find(needle) != std::string::npos;
         });
}

bool ListContains(const MetadataValue& value, const MetadataValue& wanted) {
  const auto* list = std::get_if<std::vector<MetadataScalar>>(&value);
  return list && std::ranges::any_of(*list, [&](const MetadataScalar& member) {
           return EqualsScalar(wanted, member);
         });
}

bool StartsWith(const MetadataValue& value, const MetadataValue& prefix) {
  const auto* text = std::get_if<std::string>(&value);
  return text && text->starts_with(std::get<std::string>(prefix));
}

bool Compare(const Filter& filter, const MetadataValue& value) {
  const auto order = [&] { return Order(value, filter.value); };
  switch (filter.op) {
    case Op::kEquals:
      return value == filter.value;
    case Op::kNotEquals:
      return value != filter.value;
    case Op::kGreaterThan:
      return order().value_or(0) > 0;
    case Op::kGreaterThanOrEquals:
      return order().value_or(-1) >= 0;
    case Op::kLessThan:
      return order().value_or(0) < 0;
    case Op::kLessThanOrEquals:
      return order().value_or(1) <= 0;
    case Op::kIn:
      return InList(value, filter.value);
    case Op::kNotIn:
      return !InList(value, filter.value);
    case Op::kStartsWith:
      return StartsWith(value, filter.value);
    case Op::kStringContains:
      return StringContains(value, std::get<std::string>(filter.value));
    case Op::kListContains:
      return ListContains(value, filter.value);
    case Op::kAndAll:
    case Op::kOrAll:
      break;
  }
  return false;
}

}  // namespace

std::string_view OpName(Filter::Op op) {
  const auto* found = std::ranges::find(kOps, op, &std::pair<std::string_view, Op>::second);
  return found == std::end(kOps) ? std::string_view() : found->first;
}

Result<Metadata> ParseMetadata(const JsonText& text) {
  Metadata metadata;
  if (text.text.empty()) return metadata;
  STRATA_TRY(auto value, ParseJson(text.text, "metadata"));
  if (!value.is_object()) return Fail(InvalidArgument("metadata", "expected a JSON object"));
  for (const auto& member : value.get_object()) {
    if (auto parsed = ToValue(member.value())) {
      metadata.insert_or_assign(std::string(member.key()), std::move(*parsed));
    }
  }
  return metadata;
}

Result<Filter> ParseFilter(std::string_view text, std::string_view field) {
  if (text.size() > kFilterBytesMax) {
    return Fail(InvalidArgument(std::string(field),
                                FormatMessage("longer than {} bytes", kFilterBytesMax)));
  }
  STRATA_TRY(auto value, ParseJson(text, field));
  return FilterParser().Parse(value, std::string(field), 1);
}

bool Matches(const Filter& filter, const Metadata& metadata) {
  const auto matches = [&](const Filter& member) { return Matches(member, metadata); };
  if (filter.op == Op::kAndAll) return std::ranges::all_of(filter.members, matches);
  if (filter.op == Op::kOrAll) return std::ranges::any_of(filter.members, matches);
  const auto found = metadata.find(filter.key);
  if (found == metadata.end()) {
    return filter.op == Op::kNotEquals || filter.op == Op::kNotIn;
  }
  return Compare(filter, found->second);
}

}  // namespace strata::knowledge
