// OTLP/HTTP in its JSON encoding.
//
// Source: opentelemetry-proto 1.x, trace/v1/trace.proto in the protobuf JSON mapping, with the
// deviations of the OTLP specification: ids are hex, enumerations are numbers, 64-bit integers are
// texts.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <map>

#include "base/utf8.h"
#include "observe/genai_attributes.h"
#include "observe/otlp.h"

namespace strata::observe {
namespace {

namespace json = boost::json;

constexpr int kKindInternal = 1;
constexpr int kKindServer = 2;
constexpr int kKindClient = 3;
constexpr int kStatusError = 2;

bool IsHex(std::string_view text, std::size_t size) {
  return text.size() == size && text.find_first_not_of("0123456789abcdef") == text.npos;
}

json::object TextValue(std::string_view text) {
  return {{"stringValue", ReplaceInvalidUtf8(text)}};
}

json::object ValueOf(const SpanValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return {{"intValue", std::to_string(*number)}};
  }
  if (const auto* real = std::get_if<double>(&value)) return {{"doubleValue", *real}};
  if (const auto* flag = std::get_if<bool>(&value)) return {{"boolValue", *flag}};
  if (const auto* nested = std::get_if<JsonText>(&value)) return TextValue(nested->text);
  return TextValue(std::get<std::string>(value));
}

json::object ArrayOfOne(json::object value) {
  json::array values;
  values.push_back(std::move(value));
  json::object array;
  array["values"] = std::move(values);
  json::object out;
  out["arrayValue"] = std::move(array);
  return out;
}

std::string AttributeName(std::string_view field) {
  for (const auto& row : GenAiAttributes()) {
    if (row.field == field) return std::string(row.attribute);
  }
  return fmt::format("strata.{}", field);
}

// A convention's attribute, as the convention wants it.
json::object ConventionValue(std::string_view attribute, const SpanValue& value) {
  if (attribute == "gen_ai.response.finish_reasons") return ArrayOfOne(ValueOf(value));
  const auto* text = std::get_if<std::string>(&value);
  if (attribute == "gen_ai.provider.name" && text != nullptr) {
    return TextValue(GenAiProvider(*text));
  }
  return ValueOf(value);
}

// Each name once: the last value of a field wins.
std::map<std::string, json::object> AttributesOf(const SpanRecord& span,
                                                 const FinishedTrace& trace) {
  std::map<std::string, json::object> attributes;
  for (const auto& [key, value] : span.fields) {
    auto name = AttributeName(key);
    attributes[name] = ConventionValue(name, value);
  }
  if (auto operation = GenAiOperation(span.name); !operation.empty()) {
    attributes["gen_ai.operation.name"] = TextValue(operation);
  }
  if (span.error) attributes["error.type"] = TextValue(CodeName(span.error->code()));
  if (span.parent_id.empty()) {
    attributes["strata.workspace"] = TextValue(trace.workspace.value);
    attributes["strata.key"] = TextValue(trace.key.value);
    attributes["strata.dialect"] = TextValue(trace.dialect);
    if (!trace.subject.empty()) attributes["user.id"] = TextValue(trace.subject);
  }
  return attributes;
}

// "chat gpt-4o" for model calls, else our own name.
std::string NameOf(const SpanRecord& span) {
  auto operation = GenAiOperation(span.name);
  if (operation.empty()) return span.name;
  auto target = span.Text(operation == "retrieval" ? "kb" : "model");
  return target.empty() ? std::string(operation) : fmt::format("{} {}", operation, target);
}

int KindOf(const SpanRecord& span) {
  if (span.parent_id.empty()) return kKindServer;
  auto provider = span.Text("provider");
  bool remote = !provider.empty() && provider != "builtin";
  return remote && !GenAiOperation(span.name).empty() ? kKindClient : kKindInternal;
}

json::object Attribute(std::string_view key, json::object value) {
  json::object out;
  out["key"] = key;
  out["value"] = std::move(value);
  return out;
}

json::object SpanOf(const SpanRecord& span, const FinishedTrace& trace) {
  json::object out;
  out["traceId"] = trace.trace_id;
  out["spanId"] = span.span_id;
  if (!span.parent_id.empty()) out["parentSpanId"] = span.parent_id;
  out["name"] = NameOf(span);
  out["kind"] = KindOf(span);
  out["startTimeUnixNano"] = fmt::format("{}000", ToUnixMicros(span.start));
  out["endTimeUnixNano"] = fmt::format("{}000", ToUnixMicros(span.end));
  json::array attributes;
  for (auto& [key, value] : AttributesOf(span, trace)) {
    attributes.push_back(Attribute(key, std::move(value)));
  }
  out["attributes"] = std::move(attributes);
  json::object status;
  if (span.error) {
    status["code"] = kStatusError;
    status["message"] = ReplaceInvalidUtf8(span.error->message());
  }
  out["status"] = std::move(status);
  return out;
}

}  // namespace

std::string OtlpJson(const std::vector<FinishedTrace>& traces, std::string_view service_name) {
  json::array spans;
  for (const auto& trace : traces) {
    if (!IsHex(trace.trace_id, 32)) continue;  // a backend refuses the whole batch for one bad id
    for (const auto& span : trace.spans) {
      if (IsHex(span.span_id, 16)) spans.push_back(SpanOf(span, trace));
    }
  }
  json::object scope;
  scope["name"] = kGenAiScope;
  json::object scope_spans;
  scope_spans["scope"] = std::move(scope);
  scope_spans["schemaUrl"] = kGenAiSchemaUrl;
  scope_spans["spans"] = std::move(spans);
  json::object resource;
  resource["attributes"] = json::array{Attribute("service.name", TextValue(service_name))};
  json::object resource_spans;
  resource_spans["resource"] = std::move(resource);
  resource_spans["scopeSpans"] = json::array{std::move(scope_spans)};
  json::object body;
  body["resourceSpans"] = json::array{std::move(resource_spans)};
  return json::serialize(body);
}

}  // namespace strata::observe
