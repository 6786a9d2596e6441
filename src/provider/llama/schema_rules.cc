#include "provider/llama/schema_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/format_message.h"
#include "provider/llama/schema_pattern.h"

namespace strata::provider::llama {
namespace {

namespace json = boost::json;

constexpr std::string_view kRoot = "strata_root";

constexpr auto kNever = std::to_array<std::string_view>({"not",
                                                         "if",
                                                         "then",
                                                         "else",
                                                         "contains",
                                                         "minContains",
                                                         "maxContains",
                                                         "multipleOf",
                                                         "patternProperties",
                                                         "propertyNames",
                                                         "minProperties",
                                                         "maxProperties",
                                                         "dependentRequired",
                                                         "dependentSchemas",
                                                         "dependencies",
                                                         "unevaluatedProperties",
                                                         "unevaluatedItems",
                                                         "additionalItems",
                                                         "$dynamicRef",
                                                         "$recursiveRef"});
constexpr auto kBounds =
    std::to_array<std::string_view>({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"});
// Say something about a value; everything else that is not named here or above is an annotation.
constexpr auto kAssertions = std::to_array<std::string_view>({"type",
                                                              "properties",
                                                              "required",
                                                              "additionalProperties",
                                                              "items",
                                                              "prefixItems",
                                                              "minItems",
                                                              "maxItems",
                                                              "pattern",
                                                              "minLength",
                                                              "maxLength",
                                                              "minimum",
                                                              "maximum",
                                                              "exclusiveMinimum",
                                                              "exclusiveMaximum",
                                                              "enum",
                                                              "const",
                                                              "anyOf",
                                                              "oneOf",
                                                              "allOf",
                                                              "$ref"});
constexpr auto kMapsOfSchemas =
    std::to_array<std::string_view>({"properties", "$defs", "definitions"});
constexpr auto kListsOfSchemas =
    std::to_array<std::string_view>({"anyOf", "oneOf", "allOf", "prefixItems"});

bool Has(std::span<const std::string_view> list, std::string_view key) {
  return std::ranges::find(list, key) != list.end();
}

class Rules {
 public:
  explicit Rules(std::string_view field) : field_(field) {}

  Result<> Apply(json::value& schema, const std::string& path) {
    auto* object = schema.if_object();
    if (object == nullptr) return {};  // the converter says what it expects
    for (const auto& member : *object) {
      const bool harmless = member.key() == "additionalItems" && member.value().is_bool();
      if (Has(kNever, member.key()) && !harmless) return Refuse(path, member.key());
    }
    const auto* unique = object->if_contains("uniqueItems");
    if (unique != nullptr && *unique != json::value(false)) return Refuse(path, "uniqueItems");
    STRATA_CHECK_OK(CheckBounds(*object, path));
    STRATA_CHECK_OK(CheckRequired(*object, path));
    STRATA_CHECK_OK(CheckNeighbours(*object, path));
    STRATA_CHECK_OK(TakePattern(*object, path));
    return ApplyInside(*object, path);
  }

  bool refers_to_root() const { return refers_to_root_; }

 private:
  Result<> Refuse(const std::string& path, std::string_view key,
                  const Message& why = "cannot be enforced on the answer") const {
    auto where = path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
    if (where.size() > 300) where = where.substr(0, 300) + "…";
    return Fail(InvalidArgument(field_, FormatMessage("{} {}", where, why)));
  }

  // Ranges are followed for integers only.
  Result<> CheckBounds(const json::object& schema, const std::string& path) const {
    const auto* type = schema.if_contains("type");
    const bool integer = type != nullptr && *type == json::value("integer");
    for (const auto key : kBounds) {
      if (schema.contains(key) && !integer)
        return Refuse(path, key, "is enforced for integers only");
    }
    return {};
  }

  Result<> CheckRequired(const json::object& schema, const std::string& path) const {
    const auto* required = schema.if_contains("required");
    if (required == nullptr || !required->is_array()) return {};
    const auto* properties = schema.if_contains("properties");
    for (const auto& name : required->get_array()) {
      const bool known = name.is_string() && properties != nullptr && properties->is_object() &&
                         properties->get_object().contains(name.get_string());
      if (!known) return Refuse(path, "required", "names a property that properties does not hold");
    }
    return {};
  }

  // The converter looks at one of these and passes over what stands beside it.
  Result<> CheckNeighbours(const json::object& schema, const std::string& path) const {
    for (const std::string_view first :
         {"$ref", "anyOf", "oneOf", "enum", "const", "pattern", "allOf"}) {
      if (!schema.contains(first)) continue;
      const bool typed =
          first == "enum" || first == "const" || first == "pattern" || first == "allOf";
      for (const auto& member : schema) {
        const std::string_view key = member.key();
        if (key == first || !Has(kAssertions, key) || (key == "type" && typed)) continue;
        return Refuse(path, key, FormatMessage("cannot be enforced beside {}", Own(first)));
      }
    }
    const auto* all = schema.if_contains("allOf");
    if (all == nullptr || !all->is_array()) return {};
    for (const auto& part : all->get_array()) {
      const auto* object = part.if_object();
      const bool merged =
          object != nullptr && (object->contains("properties") || object->contains("$ref"));
      if (!merged) return Refuse(path, "allOf", "is enforced for parts with properties only");
    }
    return {};
  }

  Result<> TakePattern(json::object& schema, const std::string& path) {
    auto* pattern = schema.if_contains("pattern");
    if (pattern == nullptr) return {};
    if (!pattern->is_string()) return Refuse(path, "pattern", "is not a string");
    auto plain = PlainPattern(pattern->get_string());
    if (!plain.has_value()) return Refuse(path, "pattern", plain.error().words());
    *pattern = *plain;
    return {};
  }

  Result<> ApplyInside(json::object& schema, const std::string& path) {
    const auto under = [&](std::string_view key) {
      return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
    };
    for (auto& member : schema) {
      const std::string_view key = member.key();
      auto& value = member.value();
      if (key == "$ref" && value == json::value("#")) {
        refers_to_root_ = true;
        value = fmt::format("#/$defs/{}", kRoot);
      } else if (Has(kMapsOfSchemas, key) && value.is_object()) {
        for (auto& [name, part] : value.get_object()) {
          STRATA_CHECK_OK(Apply(part, under(fmt::format("{}.{}", key, std::string_view(name)))));
        }
      } else if ((Has(kListsOfSchemas, key) || key == "items") && value.is_array()) {
        std::size_t number = 0;
        for (auto& part : value.get_array()) {
          STRATA_CHECK_OK(Apply(part, under(fmt::format("{}[{}]", key, number++))));
        }
      } else if (key == "items" || key == "additionalProperties") {
        STRATA_CHECK_OK(Apply(value, under(key)));
      }
    }
    return {};
  }

  std::string_view field_;
  bool refers_to_root_ = false;
};

// Finds references that lead back to themselves before any value is begun: no answer would ever
// satisfy them, and their grammar has no end.
class Circles {
 public:
  Circles(const json::value& root, std::string_view field) : root_(root), field_(field) {}

  Result<> Check(const json::value& value, const std::string& path) {
    if (const auto* list = value.if_array()) {
      for (std::size_t i = 0; i < list->size(); ++i) {
        STRATA_CHECK_OK(Check((*list)[i], fmt::format("{}[{}]", path, i)));
      }
    }
    const auto* object = value.if_object();
    if (object == nullptr) return {};
    const auto under = [&](std::string_view key) {
      return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
    };
    if (object->contains("$ref") && LeadsBack(*object)) {
      return Fail(InvalidArgument(
          std::string(field_),
          FormatMessage("{} leads back to itself with no value in between; expected a property, an "
                        "item or another kind of value on the way",
                        under("$ref").substr(0, 300))));
    }
    for (const auto& member : *object) {
      STRATA_CHECK_OK(Check(member.value(), under(member.key())));
    }
    return {};
  }

 private:
  bool LeadsBack(const json::object& schema) {
    if (std::ranges::find(way_, &schema) != way_.end()) return true;
    if (settled_.contains(&schema)) return false;
    way_.push_back(&schema);
    const auto* target = Target(schema);
    bool back = target != nullptr && LeadsBack(*target);
    for (const auto key : {"anyOf", "oneOf", "allOf"}) {
      const auto* parts = schema.if_contains(key);
      if (back || parts == nullptr || !parts->is_array()) continue;
      back = std::ranges::any_of(parts->get_array(), [&](const json::value& part) {
        return part.is_object() && LeadsBack(part.get_object());
      });
    }
    way_.pop_back();
    if (!back) settled_.insert(&schema);
    return back;
  }

  // null: none, or one that leads nowhere, which the converter says.
  const json::object* Target(const json::object& schema) const {
    const auto* reference = schema.if_contains("$ref");
    if (reference == nullptr || !reference->is_string()) return nullptr;
    std::string_view pointer = reference->get_string();
    if (!pointer.starts_with('#')) return nullptr;
    boost::system::error_code error;
    const auto* target = root_.find_pointer(pointer.substr(1), error);
    return target == nullptr ? nullptr : target->if_object();
  }

  const json::value& root_;
  std::string_view field_;
  std::vector<const json::object*> way_;
  std::set<const json::object*> settled_;  // that lead nowhere back
};

}  // namespace

Result<> MakeEnforceable(json::value& schema, std::string_view field) {
  STRATA_CHECK_OK(Circles(schema, field).Check(schema, ""));
  Rules rules(field);
  STRATA_CHECK_OK(rules.Apply(schema, ""));
  if (!rules.refers_to_root()) return {};
  // References to the root lead to a named part; the other named parts stay where they are.
  json::object parts;
  auto& root = schema.get_object();
  if (auto* own = root.if_contains("$defs"); own != nullptr && own->is_object()) {
    parts = std::move(own->get_object());
    root.erase("$defs");
  }
  json::object whole;
  if (auto* own = root.if_contains("definitions"); own != nullptr) {
    whole["definitions"] = std::move(*own);
    root.erase("definitions");
  }
  parts[kRoot] = std::move(root);
  whole["$defs"] = std::move(parts);
  whole["$ref"] = fmt::format("#/$defs/{}", kRoot);
  schema = std::move(whole);
  return {};
}

}  // namespace strata::provider::llama
