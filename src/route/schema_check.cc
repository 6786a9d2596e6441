#include "route/schema_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/utf8.h"

namespace strata::route {
namespace {

using dialect::JsonValue;

constexpr int kDepthMax = 64;

std::optional<double> NumberOf(const JsonValue* value) {
  const auto* number = value == nullptr ? nullptr : std::get_if<JsonValue::Number>(&value->data);
  double parsed = 0;
  if (number == nullptr) return std::nullopt;
  std::from_chars(number->text.data(), number->text.data() + number->text.size(), parsed);
  return parsed;
}

bool IsOfType(const JsonValue& value, std::string_view type) {
  if (type == "object") return value.object() != nullptr;
  if (type == "array") return value.array() != nullptr;
  if (type == "string") return value.string() != nullptr;
  if (type == "boolean") return std::holds_alternative<bool>(value.data);
  if (type == "null") return value.is_null();
  auto number = NumberOf(&value);
  if (type == "number") return number.has_value();
  if (type == "integer") return number && std::floor(*number) == *number;
  return true;
}

bool Equal(const JsonValue& a, const JsonValue& b) {
  auto left = NumberOf(&a);
  auto right = NumberOf(&b);
  return left && right ? *left == *right : a.Dump() == b.Dump();
}

class Checker {
 public:
  explicit Checker(const JsonValue& root) : root_(root) {}

  std::string Check(const JsonValue& value, const JsonValue& schema, const std::string& at,
                    int depth) const {
    if (depth > kDepthMax) return at + ": nested too deeply to check";
    if (const auto* fits = std::get_if<bool>(&schema.data)) {
      return *fits ? std::string() : at + ": nothing may stand here";
    }
    if (const auto* reference = schema.Find("$ref")) {
      const auto* target = Resolve(reference->string());
      return target == nullptr ? std::string() : Check(value, *target, at, depth + 1);
    }
    for (auto check : {&Checker::Type, &Checker::Values, &Checker::Bounds}) {
      if (auto problem = (this->*check)(value, schema, at); !problem.empty()) return problem;
    }
    for (auto check : {&Checker::Members, &Checker::Items, &Checker::Branches}) {
      if (auto problem = (this->*check)(value, schema, at, depth); !problem.empty()) return problem;
    }
    return {};
  }

 private:
  // "#/$defs/address"; nullptr when it leads nowhere.
  const JsonValue* Resolve(const std::string* reference) const {
    if (reference == nullptr || !reference->starts_with("#")) return nullptr;
    const auto* at = &root_;
    std::string_view rest = std::string_view(*reference).substr(1);
    while (!rest.empty() && at != nullptr) {
      rest.remove_prefix(1);
      auto end = rest.find('/');
      at = at->Find(rest.substr(0, end));
      rest = end == rest.npos ? std::string_view() : rest.substr(end);
    }
    return at;
  }

  std::string Type(const JsonValue& value, const JsonValue& schema, const std::string& at) const {
    const auto* type = schema.Find("type");
    if (type == nullptr) return {};
    if (const auto* one = type->string()) {
      return IsOfType(value, *one) ? std::string() : fmt::format("{}: expected {}", at, *one);
    }
    const auto* several = type->array();
    auto fits = [&](const JsonValue& t) { return t.string() && IsOfType(value, *t.string()); };
    if (several == nullptr || std::ranges::any_of(*several, fits)) return {};
    return fmt::format("{}: expected one of the types {}", at, type->Dump());
  }

  std::string Values(const JsonValue& value, const JsonValue& schema, const std::string& at) const {
    if (const auto* only = schema.Find("const"); only != nullptr && !Equal(value, *only)) {
      return fmt::format("{}: expected {}", at, only->Dump());
    }
    const auto* allowed = schema.Find("enum");
    if (allowed == nullptr || allowed->array() == nullptr) return {};
    auto same = [&](const JsonValue& one) { return Equal(value, one); };
    if (std::ranges::any_of(*allowed->array(), same)) return {};
    return fmt::format("{}: expected one of {}", at, allowed->Dump());
  }

  std::string Bounds(const JsonValue& value, const JsonValue& schema, const std::string& at) const {
    auto outside = [&](std::string_view least, std::string_view most, double size) {
      auto low = NumberOf(schema.Find(least));
      auto high = NumberOf(schema.Find(most));
      return (low && size < *low) || (high && size > *high);
    };
    if (auto number = NumberOf(&value); number && outside("minimum", "maximum", *number)) {
      return at + ": out of range";
    }
    if (const auto* text = value.string();
        text && outside("minLength", "maxLength", static_cast<double>(CodePointCount(*text)))) {
      return at + ": too short or too long";
    }
    if (const auto* list = value.array();
        list && outside("minItems", "maxItems", static_cast<double>(list->size()))) {
      return at + ": too few or too many items";
    }
    return {};
  }

  std::string Members(const JsonValue& value, const JsonValue& schema, const std::string& at,
                      int depth) const {
    const auto* object = value.object();
    if (object == nullptr) return {};
    if (const auto* required = schema.Find("required"); required && required->array()) {
      for (const auto& name : *required->array()) {
        if (name.string() && value.Find(*name.string()) == nullptr) {
          return fmt::format("{}: lacks {}", at, *name.string());
        }
      }
    }
    const auto* known = schema.Find("properties");
    const auto* others = schema.Find("additionalProperties");
    for (const auto& member : *object) {
      const auto* own = known == nullptr ? nullptr : known->Find(member.key);
      if (own == nullptr) own = others;
      if (own == nullptr) continue;
      auto problem = Check(member.value, *own, at + "." + member.key, depth + 1);
      if (!problem.empty()) return problem;
    }
    return {};
  }

  std::string Items(const JsonValue& value, const JsonValue& schema, const std::string& at,
                    int depth) const {
    const auto* list = value.array();
    const auto* items = schema.Find("items");
    if (list == nullptr || items == nullptr) return {};
    for (std::size_t i = 0; i < list->size(); ++i) {
      auto problem = Check((*list)[i], *items, fmt::format("{}[{}]", at, i), depth + 1);
      if (!problem.empty()) return problem;
    }
    return {};
  }

  std::string Branches(const JsonValue& value, const JsonValue& schema, const std::string& at,
                       int depth) const {
    auto fitting = [&](const JsonValue& list) {
      return std::ranges::count_if(*list.array(), [&](const JsonValue& one) {
        return Check(value, one, at, depth + 1).empty();
      });
    };
    auto list_of = [&](std::string_view name) {
      const auto* list = schema.Find(name);
      return list != nullptr && list->array() != nullptr ? list : nullptr;
    };
    if (const auto* all = list_of("allOf")) {
      for (const auto& one : *all->array()) {
        if (auto problem = Check(value, one, at, depth + 1); !problem.empty()) return problem;
      }
    }
    if (const auto* any = list_of("anyOf"); any != nullptr && fitting(*any) == 0) {
      return at + ": fits none of the alternatives";
    }
    if (const auto* one = list_of("oneOf"); one != nullptr && fitting(*one) != 1) {
      return at + ": fits not exactly one of the alternatives";
    }
    return {};
  }

  const JsonValue& root_;
};

}  // namespace

std::string SchemaProblem(const JsonValue& value, const JsonValue& schema) {
  return Checker(schema).Check(value, schema, "$", 0);
}

std::string AnswerProblem(std::string_view answer, std::string_view schema) {
  auto value = dialect::ParseJson(answer);
  if (!value.has_value()) return "the answer is no JSON";
  if (schema.empty()) return {};
  auto rules = dialect::ParseJson(schema);
  return rules.has_value() ? SchemaProblem(*value, *rules) : std::string();
}

}  // namespace strata::route
