#include "provider/llama/json_grammar.h"

#include <common/json-schema-to-grammar.h>
#include <boost/json.hpp>

#include "base/format_message.h"
#include "provider/llama/schema_rules.h"

namespace strata::provider::llama {
namespace {

namespace json = boost::json;

constexpr std::size_t kPatternBytesMax = 256;
constexpr std::size_t kChoicesMax = 500;  // of one enum, anyOf or oneOf

std::unexpected<Error> Refuse(std::string_view field, Message what) {
  return Fail(InvalidArgument(field, std::move(what)));
}

bool IsRepeat(std::string_view key) {
  return key == "minItems" || key == "maxItems" || key == "minLength" || key == "maxLength" ||
         key == "minProperties" || key == "maxProperties";
}

bool IsChoice(std::string_view key) { return key == "enum" || key == "anyOf" || key == "oneOf"; }

Result<> CheckMember(std::string_view key, const json::value& value, std::string_view field) {
  if (IsRepeat(key) && value.is_number()) {
    auto count = value.is_int64() ? value.get_int64() : kSchemaRepeatMax + 1;
    if (count < 0 || count > kSchemaRepeatMax) {
      return Refuse(field, FormatMessage("{} is outside 0..{}", Own(key), kSchemaRepeatMax));
    }
  }
  if (IsChoice(key) && value.is_array() &&
      (value.get_array().empty() || value.get_array().size() > kChoicesMax)) {
    return Refuse(field, FormatMessage("{} has {} choices; 1..{} are possible", Own(key),
                                       value.get_array().size(), kChoicesMax));
  }
  if (key == "pattern" && value.is_string() && value.get_string().size() > kPatternBytesMax) {
    return Refuse(field, FormatMessage("pattern is longer than {} bytes", kPatternBytesMax));
  }
  if (key == "$ref" && value.is_string() && !value.get_string().starts_with("#")) {
    return Refuse(field, "$ref to another document is not followed");
  }
  return {};
}

// Walks the whole tree; depth is bounded by the parser.
Result<> CheckTree(const json::value& value, std::string_view field, std::size_t& nodes) {
  if (++nodes > kSchemaNodesMax) {
    return Refuse(field, FormatMessage("the schema has more than {} values", kSchemaNodesMax));
  }
  if (value.is_array()) {
    for (const auto& member : value.get_array()) {
      STRATA_CHECK_OK(CheckTree(member, field, nodes));
    }
  }
  if (value.is_object()) {
    for (const auto& member : value.get_object()) {
      STRATA_CHECK_OK(CheckMember(member.key(), member.value(), field));
      STRATA_CHECK_OK(CheckTree(member.value(), field, nodes));
    }
  }
  return {};
}

Result<json::value> ReadSchema(std::string_view schema, std::string_view field) {
  if (schema.size() > kSchemaBytesMax) {
    return Refuse(field, FormatMessage("the schema has {} bytes; the limit is {}", schema.size(),
                                       kSchemaBytesMax));
  }
  json::parse_options options;
  options.max_depth = kSchemaDepthMax;
  boost::system::error_code error;
  auto tree = json::parse(schema, error, {}, options);
  if (error) {
    return Refuse(field, FormatMessage("the schema is not JSON of at most {} levels: {}",
                                       kSchemaDepthMax, Own(error.message())));
  }
  if (!tree.is_object()) return Refuse(field, "the schema is not a JSON object");
  std::size_t nodes = 0;
  STRATA_CHECK_OK(CheckTree(tree, field, nodes));
  return tree;
}

}  // namespace

Result<> CheckSchema(std::string_view schema, std::string_view field) {
  STRATA_TRY(auto tree, ReadSchema(schema, field));
  return {};
}

Result<std::string> GrammarOfSchema(std::string_view schema, std::string_view field) {
  if (schema.empty()) schema = R"({"type":"object"})";
  STRATA_TRY(auto tree, ReadSchema(schema, field));
  STRATA_CHECK_OK(MakeEnforceable(tree, field));
  try {
    auto grammar = json_schema_to_grammar(common_json::parse(json::serialize(tree)));
    if (grammar.size() > kGrammarBytesMax) {
      return Refuse(field, FormatMessage("the schema's grammar has {} bytes; the limit is {}",
                                         grammar.size(), kGrammarBytesMax));
    }
    return grammar;
  } catch (const std::exception& e) {
    return Refuse(field, FormatMessage("the schema cannot be enforced: {}", e.what()));
  }
}

}  // namespace strata::provider::llama
