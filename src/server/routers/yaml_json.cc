#include "server/routers/yaml_json.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>

namespace strata::server {
namespace {

using dialect::JsonValue;

constexpr std::size_t kBytesMax = 1 << 20;
constexpr int kDepthMax = 32;
// Aliases (&a, *a) can make a small file a tree without end.
constexpr std::size_t kNodesMax = 50'000;

JsonValue ScalarOf(const YAML::Node& node) {
  const auto& text = node.Scalar();
  const bool quoted = node.Tag() == "!";
  if (!quoted && (text == "true" || text == "false"))
    return JsonValue(JsonValue::Data(text == "true"));
  if (!quoted && (text == "null" || text == "~" || text.empty())) return {};
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool digits = !text.empty() && text.find_first_not_of("+-.0123456789eE") == text.npos &&
                text.front() != '+' && text.front() != '.' && text.back() != '.';
  if (!quoted && digits && error == std::errc() && end == text.data() + text.size()) {
    return JsonValue(JsonValue::Data(JsonValue::Number{text}));
  }
  return JsonValue(JsonValue::Data(text));
}

Result<JsonValue> Convert(const YAML::Node& node, int depth, std::size_t& nodes) {
  if (depth > kDepthMax || ++nodes > kNodesMax) {
    return Fail(Code::kTooLarge, fmt::format("nested deeper than {} or more than {} values, "
                                             "aliases resolved",
                                             kDepthMax, kNodesMax));
  }
  if (node.IsScalar()) return ScalarOf(node);
  if (node.IsSequence()) {
    JsonValue::Array items;
    for (const auto& item : node) {
      STRATA_TRY(auto value, Convert(item, depth + 1, nodes));
      items.push_back(std::move(value));
    }
    return JsonValue(JsonValue::Data(std::move(items)));
  }
  if (!node.IsMap()) return JsonValue();
  JsonValue::Object members;
  for (const auto& item : node) {
    auto line = item.first.Mark().line + 1;
    if (!item.first.IsScalar()) {
      return Fail(Code::kInvalidArgument, fmt::format("line {}: a name is no text", line));
    }
    auto key = item.first.Scalar();
    for (const auto& member : members) {
      if (member.key != key) continue;
      return Fail(Code::kInvalidArgument, fmt::format("line {}: '{}' stands twice", line, key));
    }
    STRATA_TRY(auto value, Convert(item.second, depth + 1, nodes));
    members.push_back({std::move(key), std::move(value)});
  }
  return JsonValue(JsonValue::Data(std::move(members)));
}

}  // namespace

Result<JsonValue> ParseYaml(std::string_view text) {
  if (text.size() > kBytesMax) {
    return Fail(Code::kTooLarge, fmt::format("more than {} bytes", kBytesMax));
  }
  try {
    std::size_t nodes = 0;
    return Convert(YAML::Load(std::string(text)), 0, nodes);
  } catch (const YAML::Exception& e) {
    return Fail(Code::kInvalidArgument, fmt::format("line {}: {}", e.mark.line + 1, e.msg));
  }
}

}  // namespace strata::server
