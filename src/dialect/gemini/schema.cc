// Names and schemas as protocol buffers write them → plain JSON.

#include <algorithm>
#include <array>

#include "dialect/gemini/parts.h"
#include "dialect/json/json_writer.h"

namespace strata::dialect::gemini {
namespace {

// Below these stands the caller's own JSON.
constexpr std::array<std::string_view, 8> kOpaque = {
    "args",           "response",           "parameters", "parametersJsonSchema",
    "responseSchema", "responseJsonSchema", "labels",     "partMetadata"};

std::string CamelOf(std::string_view name) {
  std::string out;
  bool upper = false;
  for (char c : name) {
    if (c == '_' && !out.empty()) {
      upper = true;
      continue;
    }
    out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    upper = false;
  }
  return out;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

void WriteSchema(JsonWriter& out, const JsonValue& schema);

void WriteSchemaList(JsonWriter& out, const JsonValue& list) {
  out.BeginArray();
  if (const auto* items = list.array()) {
    for (const auto& item : *items) WriteSchema(out, item);
  }
  out.EndArray();
}

void WriteSchemaMap(JsonWriter& out, const JsonValue& map) {
  out.BeginObject();
  if (const auto* members = map.object()) {
    for (const auto& member : *members) {
      out.Key(member.key);
      WriteSchema(out, member.value);
    }
  }
  out.EndObject();
}

bool IsInteger(std::string_view text) {
  return !text.empty() && text.size() < 19 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

void WriteMember(JsonWriter& out, const std::string& name, const JsonValue& value, bool nullable) {
  const auto* text = value.string();
  if (name == "type" && text != nullptr) {
    out.Key("type");
    const auto type = Lower(*text);
    if (nullable) {
      out.BeginArray().Value(type).Value("null").EndArray();
    } else {
      out.Value(type);
    }
  } else if (name == "properties" || name == "defs" || name == "$defs") {
    out.Key(name == "defs" ? "$defs" : name);
    WriteSchemaMap(out, value);
  } else if (name == "items" || name == "additionalProperties") {
    out.Key(name);
    WriteSchema(out, value);
  } else if (name == "anyOf" || name == "prefixItems") {
    out.Key(name);
    WriteSchemaList(out, value);
  } else if ((name.starts_with("min") || name.starts_with("max")) && text != nullptr &&
             IsInteger(*text)) {
    out.RawField(name, *text);  // 64-bit numbers are text in the JSON of protocol buffers
  } else if (name != "nullable" && name != "propertyOrdering" && name != "example") {
    out.RawField(name, value.Dump());
  }
}

void WriteSchema(JsonWriter& out, const JsonValue& schema) {
  const auto* members = schema.object();
  if (members == nullptr) {
    out.Raw(schema.Dump());
    return;
  }
  const auto* nullable = schema.Find("nullable");
  const bool* allows_null = nullable == nullptr ? nullptr : std::get_if<bool>(&nullable->data);
  out.BeginObject();
  for (const auto& member : *members) {
    if (member.value.is_null()) continue;
    WriteMember(out, CamelOf(member.key), member.value, allows_null != nullptr && *allows_null);
  }
  out.EndObject();
}

}  // namespace

void CamelKeys(JsonValue& value) {
  if (auto* items = std::get_if<JsonValue::Array>(&value.data)) {
    for (auto& item : *items) CamelKeys(item);
  }
  auto* members = std::get_if<JsonValue::Object>(&value.data);
  if (members == nullptr) return;
  for (auto& member : *members) {
    if (member.key.find('_') != std::string::npos) member.key = CamelOf(member.key);
    if (std::ranges::find(kOpaque, member.key) == kOpaque.end()) CamelKeys(member.value);
  }
}

JsonText JsonSchemaOf(const JsonValue& schema) {
  JsonWriter out;
  WriteSchema(out, schema);
  return {out.Take()};
}

}  // namespace strata::dialect::gemini
