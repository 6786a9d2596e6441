#include "dialect/json/schema.h"

#include "dialect/json_value.h"

namespace strata::dialect {
namespace {

bool IsFalse(const JsonValue* value) {
  const auto* boolean = value == nullptr ? nullptr : std::get_if<bool>(&value->data);
  return boolean != nullptr && !*boolean;
}

// Only objects below `properties`, `items` and the like are schemas, but an object of values that
// looks like one ("enum", "default") lists no properties either.
void Close(JsonValue& value) {
  if (auto* items = std::get_if<JsonValue::Array>(&value.data)) {
    for (auto& item : *items) Close(item);
  }
  auto* members = std::get_if<JsonValue::Object>(&value.data);
  if (members == nullptr) return;
  for (auto& member : *members) Close(member.value);
  const auto* properties = value.Find("properties");
  const auto* type = value.Find("type");
  const bool is_object =
      type != nullptr && type->string() != nullptr && *type->string() == "object";
  if (!is_object || properties == nullptr || properties->object() == nullptr) return;
  if (value.Find("additionalProperties") == nullptr) {
    members->push_back({"additionalProperties", JsonValue(false)});
  }
}

bool Requires(const JsonValue& schema, const std::string& name) {
  const auto* required = schema.Find("required");
  const auto* list = required == nullptr ? nullptr : required->array();
  if (list == nullptr) return false;
  for (const auto& item : *list) {
    if (item.string() != nullptr && *item.string() == name) return true;
  }
  return false;
}

bool Strict(const JsonValue& value) {
  if (const auto* items = value.array()) {
    for (const auto& item : *items) {
      if (!Strict(item)) return false;
    }
  }
  const auto* members = value.object();
  if (members == nullptr) return true;
  for (const auto& member : *members) {
    if (!Strict(member.value)) return false;
  }
  const auto* type = value.Find("type");
  if (type == nullptr || type->string() == nullptr || *type->string() != "object") return true;
  if (!IsFalse(value.Find("additionalProperties"))) return false;
  const auto* properties = value.Find("properties");
  if (properties == nullptr || properties->object() == nullptr) return true;
  for (const auto& property : *properties->object()) {
    if (!Requires(value, property.key)) return false;
  }
  return true;
}

}  // namespace

std::string ClosedSchema(std::string_view schema) {
  auto parsed = ParseJson(schema);
  if (!parsed) return std::string(schema);
  Close(*parsed);
  return parsed->Dump();
}

bool FitsStrict(std::string_view schema) {
  auto parsed = ParseJson(schema);
  return parsed && parsed->object() != nullptr && Strict(*parsed);
}

}  // namespace strata::dialect
