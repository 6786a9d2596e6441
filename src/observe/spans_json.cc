// The stored form of spans: a JSON array, fields in order and with their types.
//
// {"id","parent","name","start","end" (unix µs),"fields":[["key",value],…],"error":{"code",
// "message","field"}}; a value is a text, number or flag, {"json":"…"} for JSON text, and a real
// number always has a point or an exponent, so that it does not come back as a whole one.

#include <fmt/compile.h>
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>

#include "base/json_text.h"
#include "base/utf8.h"
#include "observe/trace_store.h"

namespace strata::observe {
namespace {

namespace json = boost::json;

void AppendReal(std::string& out, double value) {
  if (!std::isfinite(value)) {
    AppendJsonString(out, fmt::format("{}", value));
    return;
  }
  auto text = fmt::format("{}", value);
  out += text;
  if (text.find_first_of(".e") == text.npos) out += ".0";
}

void AppendValue(std::string& out, const SpanValue& value, std::size_t field_max) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    AppendJsonString(out, Utf8Prefix(*text, field_max));
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}"), *number);
  } else if (const auto* real = std::get_if<double>(&value)) {
    AppendReal(out, *real);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else {
    const auto& nested = std::get<JsonText>(value).text;
    // Cut JSON is no JSON: it is kept as the text that it is.
    if (nested.size() > field_max) {
      AppendJsonString(out, Utf8Prefix(nested, field_max));
      return;
    }
    out += "{\"json\":";
    AppendJsonString(out, nested);
    out += '}';
  }
}

void AppendSpan(std::string& out, const SpanRecord& span, std::size_t field_max) {
  // Ids are hex: nothing to escape.
  out.append("{\"id\":\"").append(span.span_id);
  out.append("\",\"parent\":\"").append(span.parent_id).append("\",\"name\":");
  AppendJsonString(out, span.name);
  fmt::format_to(std::back_inserter(out), FMT_COMPILE(",\"start\":{},\"end\":{},\"fields\":["),
                 ToUnixMicros(span.start), ToUnixMicros(span.end));
  bool first = true;
  for (const auto& [key, value] : span.fields) {
    out += first ? "[" : ",[";
    first = false;
    AppendJsonString(out, key);
    out += ',';
    AppendValue(out, value, field_max);
    out += ']';
  }
  out += ']';
  if (span.error) {
    out += fmt::format(",\"error\":{{\"code\":{},\"message\":{},\"field\":{}}}",
                       JsonString(CodeName(span.error->code())),
                       JsonString(Utf8Prefix(span.error->message(), field_max)),
                       JsonString(span.error->field()));
  }
  out += '}';
}

Code CodeOf(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Code::kInternal); ++i) {
    if (CodeName(static_cast<Code>(i)) == name) return static_cast<Code>(i);
  }
  return Code::kInternal;
}

std::string TextOf(const json::object& object, std::string_view name) {
  const auto* member = object.if_contains(name);
  return member != nullptr && member->is_string() ? std::string(member->get_string())
                                                  : std::string();
}

WallTime TimeOf(const json::object& object, std::string_view name) {
  const auto* member = object.if_contains(name);
  return FromUnixMicros(member != nullptr && member->is_int64() ? member->get_int64() : 0);
}

SpanValue ValueOf(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_int64()) return value.get_int64();
  if (value.is_double()) return value.get_double();
  if (value.is_bool()) return value.get_bool();
  if (value.is_object()) return JsonText{TextOf(value.get_object(), "json")};
  return std::string();
}

SpanRecord SpanOf(const json::object& object) {
  SpanRecord span;
  span.span_id = TextOf(object, "id");
  span.parent_id = TextOf(object, "parent");
  span.name = TextOf(object, "name");
  span.start = TimeOf(object, "start");
  span.end = TimeOf(object, "end");
  if (const auto* fields = object.if_contains("fields"); fields != nullptr && fields->is_array()) {
    for (const auto& field : fields->get_array()) {
      const auto* pair = field.if_array();
      if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string()) continue;
      span.fields.emplace_back(std::string((*pair)[0].get_string()), ValueOf((*pair)[1]));
    }
  }
  const auto* error = object.if_contains("error");
  if (error != nullptr && error->is_object()) {
    const auto& inside = error->get_object();
    span.error = Error(CodeOf(TextOf(inside, "code")), TextOf(inside, "message"))
                     .AtField(TextOf(inside, "field"));
  }
  return span;
}

}  // namespace

std::string SpansToJson(const std::vector<SpanRecord>& spans, std::size_t field_max) {
  constexpr std::size_t kUsualBytes = 1536;
  std::string out;
  out.reserve(kUsualBytes);
  out = "[";
  for (const auto& span : spans) {
    if (out.size() > 1) out += ',';
    AppendSpan(out, span, field_max);
  }
  out += ']';
  return out;
}

Result<std::vector<SpanRecord>> SpansFromJson(std::string_view text) {
  boost::system::error_code code;
  auto value = json::parse(text, code);
  if (code || !value.is_array()) return Fail(Code::kCorruption, "stored spans are not JSON");
  std::vector<SpanRecord> spans;
  for (const auto& item : value.get_array()) {
    if (item.is_object()) spans.push_back(SpanOf(item.get_object()));
  }
  return spans;
}

}  // namespace strata::observe
