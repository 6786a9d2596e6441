#include "knowledge/filter_writer.h"
#include "base/format_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/json_text.h"
#include "base/log.h"
#include "guard/model_access.h"
#include "knowledge/answer/model_text.h"
#include "knowledge/answer/prompt.h"

namespace strata::knowledge {
namespace {

namespace json = boost::json;
using Op = Filter::Op;
using Type = FilterAttribute::Type;

constexpr std::int64_t kAnswerTokens = 1024;  // some models think before they write
constexpr Op kComparisons[] = {
    Op::kEquals,     Op::kNotEquals,        Op::kGreaterThan, Op::kGreaterThanOrEquals,
    Op::kLessThan,   Op::kLessThanOrEquals, Op::kIn,          Op::kNotIn,
    Op::kStartsWith, Op::kStringContains,   Op::kListContains};
constexpr std::string_view kTask =
    "You read the conditions on metadata out of the last question of a conversation, for a search "
    "over documents. Today is {}. The documents have these attributes and no others:\n{}\n"
    "A condition is {{OPERATOR: {{\"key\": ATTRIBUTE, \"value\": VALUE}}}}. Operators: equals, "
    "notEquals and, with a list of values, in, notIn; for numbers, and for strings such as dates "
    "as YYYY-MM-DD, greaterThan, greaterThanOrEquals, lessThan, lessThanOrEquals; for strings "
    "startsWith, stringContains; for lists listContains with one of their members. Several "
    "conditions are {{\"andAll\": [CONDITION, CONDITION]}} or {{\"orAll\": [CONDITION, "
    "CONDITION]}}. State only what the question says of an attribute: what it is about is not "
    "for you to narrow. Do not answer the question. Reply with JSON and nothing else: "
    "{{\"filter\": CONDITION}}, or {{\"filter\": null}} when it states no condition.";

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kString:
      return "STRING";
    case Type::kNumber:
      return "NUMBER";
    case Type::kBoolean:
      return "BOOLEAN";
    case Type::kStringList:
      return "STRING_LIST";
  }
  return "";
}

bool IsOrder(Op op) {
  return op == Op::kGreaterThan || op == Op::kGreaterThanOrEquals || op == Op::kLessThan ||
         op == Op::kLessThanOrEquals;
}

// Whether a comparison with an attribute of that type can hold at all.
bool Compares(Op op, Type type) {
  const bool list = type == Type::kStringList;
  if (op == Op::kEquals || op == Op::kNotEquals) return true;
  if (op == Op::kIn || op == Op::kNotIn) return !list;
  if (op == Op::kStartsWith) return type == Type::kString;
  if (op == Op::kStringContains) return type == Type::kString || list;
  if (op == Op::kListContains) return list;
  return IsOrder(op) && (type == Type::kString || type == Type::kNumber);
}

bool IsA(const MetadataScalar& value, Type type) {
  switch (type) {
    case Type::kNumber:
      return std::holds_alternative<MetadataNumber>(value);
    case Type::kBoolean:
      return std::holds_alternative<bool>(value);
    case Type::kString:
    case Type::kStringList:
      return std::holds_alternative<std::string>(value);
  }
  return false;
}

bool HoldsList(Op op, Type type) {
  if (op == Op::kIn || op == Op::kNotIn) return true;
  return type == Type::kStringList && (op == Op::kEquals || op == Op::kNotEquals);
}

bool Fits(const Filter& filter, Type type) {
  if (const auto* list = std::get_if<std::vector<MetadataScalar>>(&filter.value)) {
    return HoldsList(filter.op, type) &&
           std::ranges::all_of(*list, [&](const auto& member) { return IsA(member, type); });
  }
  if (HoldsList(filter.op, type)) return false;
  return std::visit(
      [&](const auto& value) {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::vector<MetadataScalar>>) {
          return false;
        } else {
          return IsA(MetadataScalar(value), type);
        }
      },
      filter.value);
}

Result<> CheckDeclared(const Filter& filter, const std::vector<FilterAttribute>& attributes,
                       const std::string& field) {
  const auto at = fmt::format("{}.{}", field, OpName(filter.op));
  for (std::size_t i = 0; i < filter.members.size(); ++i) {
    STRATA_CHECK_OK(CheckDeclared(filter.members[i], attributes, fmt::format("{}[{}]", at, i)));
  }
  if (filter.op == Op::kAndAll || filter.op == Op::kOrAll) return {};
  const auto found = std::ranges::find(attributes, filter.key, &FilterAttribute::key);
  if (found == attributes.end()) {
    return Fail(InvalidArgument(
        at + ".key", FormatMessage("{} is none of the attributes", JsonString(filter.key))));
  }
  if (!Compares(filter.op, found->type)) {
    return Fail(
        InvalidArgument(at, FormatMessage("does not go with {}, which is a {}",
                                          JsonString(filter.key), Own(TypeName(found->type)))));
  }
  if (Fits(filter, found->type)) return {};
  return Fail(InvalidArgument(
      at + ".value",
      FormatMessage("expected {} for {}",
                    Own(HoldsList(filter.op, found->type) ? "a list of its type" : "its type"),
                    JsonString(filter.key))));
}

// {"key": one of those that the operator goes with, "value": of their types}.
json::object ComparisonSchema(Op op, const std::vector<FilterAttribute>& attributes) {
  json::array keys;
  json::array types;
  const auto add_type = [&](std::string_view type) {
    if (std::ranges::find(types, json::value(type)) == types.end()) types.emplace_back(type);
  };
  bool lists = false;
  bool others = false;
  for (const auto& attribute : attributes) {
    if (!Compares(op, attribute.type)) continue;
    keys.emplace_back(attribute.key);
    const bool list = HoldsList(op, attribute.type);
    (list ? lists : others) = true;
    if (attribute.type == Type::kNumber) add_type("number");
    if (attribute.type == Type::kBoolean) add_type("boolean");
    if (attribute.type == Type::kString || attribute.type == Type::kStringList) add_type("string");
  }
  if (keys.empty()) return {};
  json::object one{{"type", types}};
  json::object list{{"type", "array"}, {"items", one}};
  json::value value = one;
  if (lists) value = list;
  if (lists && others) value = json::object{{"anyOf", json::array{one, list}}};
  json::object properties{{"key", {{"type", "string"}, {"enum", std::move(keys)}}},
                          {"value", std::move(value)}};
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", {"key", "value"}},
          {"additionalProperties", false}};
}

// An object whose one member is `name`.
json::object OnlyMember(std::string_view name, json::value member) {
  return {{"type", "object"},
          {"properties", json::object{{name, std::move(member)}}},
          {"required", json::array{name}},
          {"additionalProperties", false}};
}

json::object Reference(std::string_view name) {
  return {{"$ref", fmt::format("#/$defs/{}", name)}};
}

json::array GroupsOf(const json::array& members) {
  const json::object list{{"type", "array"}, {"items", {{"anyOf", members}}}};
  return {OnlyMember("andAll", list), OnlyMember("orAll", list)};
}

domain::TextBlock Block(std::string text) { return {.text = std::move(text), .citations = {}}; }

domain::ChatRequest RequestFor(const std::string& question, const std::vector<Turn>& history,
                               const ImplicitFilter& wish, const domain::ModelInfo& model,
                               WallTime now) {
  std::string attributes;
  for (const auto& attribute : wish.attributes) {
    attributes += fmt::format("- {} ({}): {}\n", attribute.key, TypeName(attribute.type),
                              attribute.description);
  }
  domain::ChatRequest request;
  request.model = wish.model;
  request.system.emplace_back(
      Block(fmt::format(kTask, FormatIso8601(now).substr(0, 10), attributes)));
  request.messages.emplace_back().content.emplace_back(
      Block(HistoryText(history) + "Question: " + question));
  request.max_tokens = kAnswerTokens;
  request.stream = true;
  if (model.can.json_schema) {
    request.json_output =
        domain::JsonOutput{.name = "filter", .schema = {WrittenFilterSchema(wish.attributes)}};
  }
  return request;
}

// Models group one condition, which the grammar does not: its member says the same.
json::value WithoutLoneGroups(const json::value& filter) {
  const auto* object = filter.if_object();
  if (object == nullptr || object->size() != 1) return filter;
  const auto& [name, value] = *object->begin();
  const bool group = name == OpName(Op::kAndAll) || name == OpName(Op::kOrAll);
  if (!group || !value.is_array()) return filter;
  json::array members;
  for (const auto& member : value.get_array()) members.push_back(WithoutLoneGroups(member));
  if (members.size() == 1) return members.front();
  return json::object{{name, std::move(members)}};
}

std::string KeysOf(const Filter& filter) {
  std::string out = filter.key;
  for (const auto& member : filter.members) {
    const auto keys = KeysOf(member);
    out += (out.empty() || keys.empty() ? "" : ", ") + keys;
  }
  return out;
}

}  // namespace

std::string WrittenFilterSchema(const std::vector<FilterAttribute>& attributes) {
  json::array conditions;
  for (const auto op : kComparisons) {
    auto comparison = ComparisonSchema(op, attributes);
    if (!comparison.empty()) conditions.push_back(OnlyMember(OpName(op), std::move(comparison)));
  }
  const json::array members = {Reference("condition")};
  const json::array with_groups = {Reference("condition"), Reference("group")};
  auto filters = GroupsOf(with_groups);
  filters.push_back(Reference("condition"));
  filters.push_back(json::object{{"type", "null"}});
  json::object defs{{"condition", {{"anyOf", std::move(conditions)}}},
                    {"group", {{"anyOf", GroupsOf(members)}}}};
  auto schema = OnlyMember("filter", json::object{{"anyOf", std::move(filters)}});
  schema["$defs"] = std::move(defs);
  return json::serialize(schema);
}

Result<std::optional<Filter>> ReadWrittenFilter(std::string_view answer,
                                                const std::vector<FilterAttribute>& attributes) {
  const auto text = JsonIn(answer);
  if (text.size() > kFilterBytesMax) {
    return Fail(InvalidArgument("filter", FormatMessage("longer than {} bytes", kFilterBytesMax)));
  }
  json::error_code error;
  json::parse_options options;
  options.max_depth = 2 * kFilterDepthMax + 9;  // as ParseFilter, in one object more
  const auto parsed = json::parse(text, error, {}, options);
  const auto* object = error ? nullptr : parsed.if_object();
  const auto* filter = object == nullptr ? nullptr : object->if_contains("filter");
  if (filter == nullptr) return Fail(InvalidArgument("filter", "the answer holds none"));
  if (filter->is_null()) return std::nullopt;
  STRATA_TRY(auto out, ParseFilter(json::serialize(WithoutLoneGroups(*filter))));
  STRATA_CHECK_OK(CheckDeclared(out, attributes, "filter"));
  return out;
}

std::optional<Filter> Both(std::optional<Filter> own, std::optional<Filter> written) {
  if (!own) return written;
  if (!written) return own;
  Filter both;
  both.op = Op::kAndAll;
  both.members.push_back(std::move(*own));
  both.members.push_back(std::move(*written));
  return both;
}

Task<Result<std::optional<Filter>>> FilterWriter::Write(const std::string& question,
                                                        const std::vector<Turn>& history,
                                                        const ImplicitFilter& wish,
                                                        RequestContext& ctx) const {
  Span span = ctx.span.Child("knowledge.filter");
  span.Set("model", wish.model);
  std::swap(span, ctx.span);
  auto role = std::exchange(ctx.role, "filter");
  auto answer = co_await Ask(question, history, wish, ctx);
  ctx.role = std::move(role);
  std::swap(span, ctx.span);
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  if (!answer.has_value()) {
    span.Fail(answer.error());
    co_return std::unexpected(std::move(answer.error()));
  }
  auto filter = ReadWrittenFilter(*answer, wish.attributes);
  if (filter.has_value()) {
    span.Set("conditions_on", *filter ? KeysOf(**filter) : "nothing");
    if (*filter) span.SetText("filter", JsonText{std::string(JsonIn(*answer))});
    co_return filter;
  }
  const auto& error = filter.error();
  span.Set("skipped", FormatMessage("the model wrote no filter of the declared attributes: {}",
                                    error.field_words()));
  span.SetText("problem", error.message());
  Log(Level::kWarning, "kb.implicit_filter.refused", {{"model", wish.model}});
  co_return std::nullopt;
}

Task<Result<std::string>> FilterWriter::Ask(const std::string& question,
                                            const std::vector<Turn>& history,
                                            const ImplicitFilter& wish, RequestContext& ctx) const {
  constexpr std::string_view kField = "implicitFilterConfiguration.modelArn";
  STRATA_CO_CHECK_OK(guard::CheckModelAllowed(wish.model, ctx));
  STRATA_CO_TRY(auto model, models_.Chat(wish.model));
  if (model->Info().provider == kKbProvider || !IsLanguageModel(model->Info().id)) {
    co_return Fail(InvalidArgument(std::string(kField),
                                   FormatMessage("'{}' is no language model", wish.model)));
  }
  auto request = RequestFor(question, history, wish, model->Info(), ctx.clock->Wall());
  co_return co_await TextOfAnswer(*model, std::move(request), ctx);
}

}  // namespace strata::knowledge
