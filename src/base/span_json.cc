#include "base/span_json.h"

#include <fmt/format.h>

#include "base/json_text.h"

namespace strata {
namespace {

void Begin(std::string& list) { list += list.empty() ? "[{" : "},{"; }

void Append(std::string& list, std::string_view name, std::string_view json) {
  if (list.back() != '{') list += ',';
  AppendJsonString(list, name);
  list += ':';
  list += json;
}

}  // namespace

SpanJson& SpanJson::Item() {
  if (recording_) Begin(bare_);
  if (texts_) Begin(whole_);
  return *this;
}

SpanJson& SpanJson::Member(std::string_view name, std::string_view json) {
  if (recording_) Append(bare_, name, json);
  if (texts_) Append(whole_, name, json);
  return *this;
}

SpanJson& SpanJson::Real(std::string_view name, double value) {
  return Member(name, fmt::format("{:.5g}", value));
}

SpanJson& SpanJson::Null(std::string_view name) { return Member(name, "null"); }

SpanJson& SpanJson::Name(std::string_view name, std::string_view value) {
  return recording_ ? Member(name, JsonString(value)) : *this;
}

SpanJson& SpanJson::Text(std::string_view name, std::string_view value) {
  if (texts_) Append(whole_, name, JsonString(value));
  return *this;
}

}  // namespace strata
