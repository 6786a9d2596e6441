// The stored form of spans: a JSON array, fields in order and with their types.
//
// [id, parent, name, start (unix µs), duration (µs), [key, value, …]], behind them [code, message,
// field] of an error; a value is a text, number or flag, {"json":"…"} for JSON text, and a real
// number always has a point or an exponent, so that it does not come back as a whole one. Every
// request has a trace, whose bytes are copied and written several times: members have no names.
//
// Files of before have objects: {"id","parent","name","start","end","fields":[[key, value],…],
// "error":{"code","message","field"}}.

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>

#include "base/text_writer.h"
#include "base/utf8.h"
#include "observe/trace_store.h"

namespace strata::observe {
namespace {

namespace json = boost::json;

// Thousandths, as times are kept, without the search for the shortest form: fewer than 16 digits
// that are right are the shortest ones.
bool WriteThousandths(TextWriter& out, double value) {
  constexpr double kMax = 1e12;
  if (!(value >= 0.001 && value < kMax)) return false;
  const auto thousandths = std::llround(value * 1000);
  if (static_cast<double>(thousandths) / 1000 != value) return false;
  out.Integer(thousandths / 1000).Raw('.');
  auto rest = thousandths % 1000;
  out.Raw(static_cast<char>('0' + rest / 100));
  for (rest %= 100; rest != 0; rest = rest % 10 * 10) {
    out.Raw(static_cast<char>('0' + rest / 10));
  }
  return true;
}

void WriteReal(TextWriter& out, double value) {
  if (WriteThousandths(out, value)) return;
  auto text = fmt::format("{}", value);
  if (!std::isfinite(value)) {
    out.Json(text);
    return;
  }
  out.Raw(text);
  if (text.find_first_of(".e") == text.npos) out.Raw(".0");
}

void WriteValue(TextWriter& out, const SpanValue& value, std::size_t field_max) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    out.Json(Utf8Prefix(*text, field_max));
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out.Integer(*number);
  } else if (const auto* real = std::get_if<double>(&value)) {
    WriteReal(out, *real);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out.Raw(*flag ? "true" : "false");
  } else {
    const auto& nested = std::get<JsonText>(value).text;
    // Cut JSON is no JSON: it is kept as the text that it is.
    if (nested.size() > field_max) {
      out.Json(Utf8Prefix(nested, field_max));
      return;
    }
    out.Raw("{\"json\":").Json(nested).Raw('}');
  }
}

void WriteSpan(TextWriter& out, const SpanRecord& span, std::size_t field_max) {
  // Ids are hex, names and keys are words of ours: nothing to escape.
  out.Raw("[\"").Raw(span.span_id).Raw("\",\"").Raw(span.parent_id).Raw("\",\"").Raw(span.name);
  const auto start = ToUnixMicros(span.start);
  out.Raw("\",").Integer(start).Raw(',').Integer(ToUnixMicros(span.end) - start).Raw(",[");
  bool first = true;
  for (const auto& [key, value] : span.fields) {
    out.Raw(first ? "\"" : ",\"").Raw(key).Raw("\",");
    first = false;
    WriteValue(out, value, field_max);
  }
  out.Raw(']');
  if (span.error) {
    out.Raw(",[").Json(CodeName(span.error->code()));
    out.Raw(',').Json(Utf8Prefix(span.error->message(), field_max));
    out.Raw(',').Json(span.error->field()).Raw(']');
  }
  out.Raw(']');
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

std::string TextOf(const json::array& array, std::size_t at) {
  const auto* item = array.if_contains(at);
  return item != nullptr && item->is_string() ? std::string(item->get_string()) : std::string();
}

std::int64_t IntegerOf(const json::array& array, std::size_t at) {
  const auto* item = array.if_contains(at);
  return item != nullptr && item->is_int64() ? item->get_int64() : 0;
}

SpanRecord SpanOf(const json::array& array) {
  SpanRecord span;
  span.span_id = TextOf(array, 0);
  span.parent_id = TextOf(array, 1);
  span.name = TextOf(array, 2);
  span.start = FromUnixMicros(IntegerOf(array, 3));
  span.end = span.start + std::chrono::microseconds(IntegerOf(array, 4));
  const auto* fields = array.if_contains(5);
  if (const auto* pairs = fields != nullptr ? fields->if_array() : nullptr) {
    for (std::size_t i = 0; i + 1 < pairs->size(); i += 2) {
      span.fields.emplace_back(TextOf(*pairs, i), ValueOf((*pairs)[i + 1]));
    }
  }
  const auto* error = array.if_contains(6);
  if (const auto* inside = error != nullptr ? error->if_array() : nullptr) {
    span.error = Error(CodeOf(TextOf(*inside, 0)), TextOf(*inside, 1)).AtField(TextOf(*inside, 2));
  }
  return span;
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
  TextWriter writer(out, kUsualBytes);
  char before = '[';
  for (const auto& span : spans) {
    writer.Raw(before);
    before = ',';
    WriteSpan(writer, span, field_max);
  }
  writer.Raw(spans.empty() ? "[]" : "]").Finish();
  return out;
}

Result<std::vector<SpanRecord>> SpansFromJson(std::string_view text) {
  boost::system::error_code code;
  auto value = json::parse(text, code);
  if (code || !value.is_array()) return Fail(Code::kCorruption, "stored spans are not JSON");
  std::vector<SpanRecord> spans;
  for (const auto& item : value.get_array()) {
    if (item.is_array()) spans.push_back(SpanOf(item.get_array()));
    if (item.is_object()) spans.push_back(SpanOf(item.get_object()));
  }
  return spans;
}

}  // namespace strata::observe
