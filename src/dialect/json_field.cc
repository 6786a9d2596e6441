#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/encoding.h"
#include "base/format_message.h"
#include "base/utf8.h"
#include "dialect/json_value.h"

namespace strata::dialect {
namespace {

// Names from outside are cut in error messages.
constexpr std::size_t kShownNameBytes = 80;

std::string Shown(std::string_view name) { return std::string(Utf8Prefix(name, kShownNameBytes)); }

std::string Below(std::string path, std::string_view name) {
  if (!path.empty()) path += '.';
  return path += name;
}

std::string Join(std::initializer_list<std::string_view> names) {
  std::string out;
  for (auto name : names) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

std::optional<double> NumberOf(const JsonValue& value) {
  const auto* number = std::get_if<JsonValue::Number>(&value.data);
  if (number == nullptr) return std::nullopt;
  double out = 0;
  const auto& text = number->text;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<std::int64_t> IntegerOf(const JsonValue& value) {
  const auto* number = std::get_if<JsonValue::Number>(&value.data);
  if (number == nullptr) return std::nullopt;
  std::int64_t out = 0;
  const auto& text = number->text;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec == std::errc() && end == text.data() + text.size()) return out;
  // "256.0" and "1e3", as some clients write whole numbers; exact up to 2^53.
  auto real = NumberOf(value);
  if (!real || std::trunc(*real) != *real || std::abs(*real) > 9007199254740992.0) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(*real);
}

}  // namespace

JsonField JsonField::Get(std::string_view key) const& {
  return {value_ == nullptr ? nullptr : value_->Find(key), this, key, 0};
}

JsonField JsonField::Item(std::size_t index) const& {
  const auto* items = value_ == nullptr ? nullptr : value_->array();
  return {items != nullptr && index < items->size() ? &(*items)[index] : nullptr, this, {}, index};
}

std::size_t JsonField::size() const {
  if (value_ == nullptr) return 0;
  if (const auto* items = value_->array()) return items->size();
  if (const auto* members = value_->object()) return members->size();
  return 0;
}

std::string_view JsonField::MemberName(std::size_t index) const {
  return (*value_->object())[index].key;
}

JsonField JsonField::Member(std::size_t index) const& {
  const auto& member = (*value_->object())[index];
  JsonField out(&member.value, this, member.key, 0);
  out.named_by_user_ = true;
  return out;
}

std::string JsonField::PathWith(UserNames names) const {
  if (parent_ == nullptr) return {};
  auto path = parent_->PathWith(names);
  if (key_.empty()) return fmt::format("{}[{}]", path, index_);
  const bool hidden = named_by_user_ && names == UserNames::kHidden;
  return Below(path, hidden ? std::string(kQuotePlace) : Shown(key_));
}

FieldPath JsonField::Place() const {
  return {PathWith(UserNames::kShown), PathWith(UserNames::kHidden)};
}

Result<std::string> JsonField::String() const {
  if (present()) {
    if (const auto* text = value_->string()) return *text;
  }
  return Fail(Wrong("expected a string"));
}

Result<std::string> JsonField::NonEmptyString() const {
  auto text = String();
  if (!text || text->empty()) return Fail(Wrong("expected a string that is not empty"));
  return text;
}

Result<std::int64_t> JsonField::Integer(std::int64_t min, std::int64_t max) const {
  auto number = present() ? IntegerOf(*value_) : std::nullopt;
  if (!number || *number < min || *number > max) {
    return Fail(Wrong(FormatMessage("expected an integer from {} to {}", min, max)));
  }
  return *number;
}

Result<double> JsonField::Double(double min, double max) const {
  auto number = present() ? NumberOf(*value_) : std::nullopt;
  if (!number || !(*number >= min && *number <= max)) {
    return Fail(Wrong(FormatMessage("expected a number from {} to {}", min, max)));
  }
  return *number;
}

Result<bool> JsonField::Bool() const {
  if (present()) {
    if (const auto* boolean = std::get_if<bool>(&value_->data)) return *boolean;
  }
  return Fail(Wrong("expected true or false"));
}

Result<> JsonField::ExpectObject() const {
  if (present() && value_->object() != nullptr) return {};
  return Fail(Wrong(parent_ == nullptr ? Message("the body must be a JSON object")
                                       : Message("expected an object")));
}

Result<> JsonField::ExpectArray() const {
  if (present() && value_->array() != nullptr) return {};
  return Fail(Wrong("expected a list"));
}

Result<JsonText> JsonField::ObjectText() const {
  STRATA_CHECK_OK(ExpectObject());
  return JsonText{value_->Dump()};
}

Result<std::string> JsonField::Base64() const {
  const auto* text = present() ? value_->string() : nullptr;
  if (text != nullptr) {
    if (auto bytes = Base64Decode(*text)) return std::move(*bytes);
  }
  return Fail(Wrong("expected a string of base64"));
}

Result<std::string> JsonField::OneOf(std::initializer_list<std::string_view> allowed) const {
  if (present()) {
    const auto* text = value_->string();
    if (text != nullptr && std::ranges::find(allowed, *text) != allowed.end()) return *text;
  }
  return Fail(Wrong(FormatMessage("expected one of {}", Own(Join(allowed)))));
}

Result<> JsonField::OnlyMembers(std::initializer_list<std::string_view> known) const {
  STRATA_CHECK_OK(ExpectObject());
  for (const auto& member : *value_->object()) {
    if (member.value.is_null() || std::ranges::find(known, member.key) != known.end()) continue;
    FieldPath place(Below(PathWith(UserNames::kShown), Shown(member.key)),
                    Below(PathWith(UserNames::kHidden), kQuotePlace));
    return Fail(InvalidArgument(std::move(place), "this member is not supported here"));
  }
  return {};
}

Result<std::string_view> JsonField::OnlyMember() const {
  STRATA_CHECK_OK(ExpectObject());
  std::string_view name;
  std::size_t count = 0;
  for (const auto& member : *value_->object()) {
    if (member.value.is_null()) continue;
    name = member.key;
    ++count;
  }
  if (count != 1) {
    return Fail(Wrong(FormatMessage("expected exactly one member, it has {}", count)));
  }
  return name;
}

std::string JsonField::TextAt(std::string_view key) const {
  auto field = Get(key);
  const auto* text = field.present() ? field.value().string() : nullptr;
  return text == nullptr ? std::string() : *text;
}

bool JsonField::Is(std::string_view text) const {
  const auto* own = present() ? value_->string() : nullptr;
  return own != nullptr && *own == text;
}

}  // namespace strata::dialect
