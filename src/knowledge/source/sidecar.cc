// FILE.metadata.json: attributes, principals and labels of a document.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/utf8.h"
#include "knowledge/reserved_attributes.h"
#include "knowledge/source.h"

namespace strata::knowledge {
namespace {

namespace json = boost::json;

constexpr std::size_t kListMax = 1000;

std::string FieldOf(std::string_view name) {
  return fmt::format("metadataAttributes.{}", Utf8Prefix(name, 80));
}

bool IsPlain(const json::value& value) {
  return value.is_string() || value.is_number() || value.is_bool();
}

bool IsStringList(const json::value& value) {
  return value.is_array() && value.get_array().size() <= kListMax &&
         std::all_of(value.get_array().begin(), value.get_array().end(),
                     [](const json::value& item) { return item.is_string(); });
}

// {"value": {"type": "STRING", "stringValue": "x"}, "includeForEmbedding": true} → "x".
const json::value* TypedValue(const json::value& attribute) {
  const auto* object = attribute.if_object();
  const auto* value = object != nullptr ? object->if_contains("value") : nullptr;
  const auto* typed = value != nullptr ? value->if_object() : nullptr;
  if (typed == nullptr) return nullptr;
  for (const char* key : {"stringValue", "numberValue", "booleanValue", "stringListValue"}) {
    if (const auto* found = typed->if_contains(key); found != nullptr) return found;
  }
  return nullptr;
}

Result<> ApplyAttribute(std::string_view name, const json::value& attribute, json::object& kept,
                        ReservedAttributes& reserved) {
  const json::value* typed = TypedValue(attribute);
  const json::value& value = typed != nullptr ? *typed : attribute;
  STRATA_TRY(bool noted, NoteReserved(name, value, FieldOf(name), reserved));
  if (noted) return {};
  if (!IsPlain(value) && !IsStringList(value)) {
    return std::unexpected(
        InvalidArgument(FieldOf(name), "must be a string, number, boolean or list of strings"));
  }
  kept[json::string_view(name.data(), name.size())] = value;
  return {};
}

}  // namespace

Result<> ApplySidecar(std::string_view text, domain::SourceItem& item) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 16;
  const auto root = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  const auto* object = error ? nullptr : root.if_object();
  if (object == nullptr) {
    return Fail(Code::kInvalidArgument,
                fmt::format("not a JSON object{}", error ? ": " + error.message() : ""));
  }
  const auto* attributes = object->if_contains("metadataAttributes");
  if (attributes == nullptr || !attributes->is_object()) {
    return std::unexpected(InvalidArgument("metadataAttributes", "must be an object"));
  }
  ReservedAttributes reserved;
  json::object kept;
  for (const auto& member : attributes->get_object()) {
    const std::string_view name(member.key().data(), member.key().size());
    STRATA_CHECK_OK(ApplyAttribute(name, member.value(), kept, reserved));
  }
  if (!kept.empty()) item.metadata.text = json::serialize(kept);
  item.principals = std::move(reserved.principals);
  for (const auto& label : reserved.labels) item.labels.Add(label);
  return {};
}

}  // namespace strata::knowledge
