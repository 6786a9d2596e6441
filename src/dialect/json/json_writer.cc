#include "dialect/json/json_writer.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <iterator>

#include "base/json_plain.h"
#include "base/json_text.h"
#include "dialect/json_value.h"

namespace strata::dialect {

void JsonWriter::Comma() {
  if (comma_) out_ += ',';
  comma_ = true;
}

JsonWriter& JsonWriter::Open(char bracket) {
  constexpr std::size_t kUsualBytes = 512;
  if (out_.empty()) out_.reserve(kUsualBytes);
  Comma();
  out_ += bracket;
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Close(char bracket) {
  out_ += bracket;
  comma_ = true;
  return *this;
}

// In one step where the name needs no escape, as names do.
JsonWriter& JsonWriter::Key(std::string_view key) {
  if (JsonPlainPrefix(key) < key.size()) {
    Comma();
    AppendJsonString(out_, key);
    out_ += ':';
  } else {
    const auto at = out_.size();
    const auto end = at + key.size() + (comma_ ? 4 : 3);
    // Of libstdc++ 12 the function is told the new capacity, which may be more.
    out_.resize_and_overwrite(end, [&](char* bytes, std::size_t) {
      char* to = bytes + at;
      if (comma_) *to++ = ',';
      *to++ = '"';
      key.copy(to, key.size());
      bytes[end - 2] = '"';
      bytes[end - 1] = ':';
      return end;
    });
  }
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Value(std::string_view text) {
  Comma();
  AppendJsonString(out_, text);
  return *this;
}

JsonWriter& JsonWriter::Value(std::int64_t number) {
  Comma();
  char digits[24];
  const auto* end = std::to_chars(digits, std::end(digits), number).ptr;
  out_.append(digits, static_cast<std::size_t>(end - digits));
  return *this;
}

JsonWriter& JsonWriter::Value(double number) {
  if (!std::isfinite(number)) return Null();
  Comma();
  fmt::format_to(std::back_inserter(out_), "{}", number);
  return *this;
}

JsonWriter& JsonWriter::Value(bool value) { return Raw(value ? "true" : "false"); }

JsonWriter& JsonWriter::Null() { return Raw("null"); }

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Comma();
  out_ += json;
  return *this;
}

std::string ObjectOrWrapped(const JsonText& json) {
  if (json.text.empty()) return "{}";
  auto parsed = ParseJson(json.text);
  if (parsed && parsed->object() != nullptr) return json.text;
  JsonWriter out;
  return out.BeginObject().Field("INVALID_JSON", json.text).EndObject().Take();
}

}  // namespace strata::dialect
