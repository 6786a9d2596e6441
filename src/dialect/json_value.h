#pragma once
// JSON from outside as a small tree, with limits, and readers that know where they are: every wrong
// type becomes kInvalidArgument with the member's path, `messages[0].content: expected a string`.
//
// Numbers keep their spelling, so that what is carried through (tool arguments, schemas, members we
// do not know) is not rounded. Of duplicate keys the last wins. Parsing is boost.json's
// basic_parser, which checks UTF-8; this header stays free of it.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/span.h"

namespace strata::dialect {

struct JsonLimits {
  std::size_t bytes_max = 64u << 20;
  std::size_t depth_max = 64;
  std::size_t values_max = 1'000'000;  // a tree node takes about 40 bytes beside its text
};

struct JsonMember;

class JsonValue {
 public:
  struct Number {
    std::string text;  // as written
  };
  using Array = std::vector<JsonValue>;
  using Object = std::vector<JsonMember>;  // in order of first appearance

  using Data = std::variant<std::nullptr_t, bool, Number, std::string, Array, Object>;

  Data data;

  JsonValue();  // null
  explicit JsonValue(Data value);
  // Out of line: JsonMember, which holds a JsonValue, is not complete here.
  JsonValue(const JsonValue&);
  JsonValue(JsonValue&&) noexcept;
  JsonValue& operator=(const JsonValue&);
  JsonValue& operator=(JsonValue&&) noexcept;
  ~JsonValue();

  bool is_null() const { return data.index() == 0; }
  const std::string* string() const { return std::get_if<std::string>(&data); }
  const Array* array() const;
  const Object* object() const;
  // Member of an object; nullptr when this is none, or it has no such member.
  const JsonValue* Find(std::string_view key) const;

  // Compact JSON text.
  void AppendTo(std::string& out) const;
  std::string Dump() const;
};

struct JsonMember {
  std::string key;
  JsonValue value;
};

// Errors: kInvalidArgument ("not valid JSON at byte N: …"), kTooLarge (a limit, named).
Result<JsonValue> ParseJson(std::string_view text, const JsonLimits& limits = {});

// A value with its place in the document. A child refers to its parent, which must outlive it, so
// children can only be taken from named fields. `null` counts as absent, as clients send it so.
class JsonField {
 public:
  explicit JsonField(const JsonValue& root) : value_(&root) {}

  bool present() const { return value_ != nullptr && !value_->is_null(); }
  const JsonValue& value() const { return *value_; }  // only when present()

  JsonField Get(std::string_view key) const&;  // of an object (check with ExpectObject), or absent
  JsonField Get(std::string_view key) const&& = delete;
  JsonField Item(std::size_t index) const&;  // of an array
  JsonField Item(std::size_t index) const&& = delete;
  std::size_t size() const;  // items of an array, members of an object, else 0
  std::string_view MemberName(std::size_t index) const;  // of an object
  JsonField Member(std::size_t index) const&;            // of an object, by place
  JsonField Member(std::size_t index) const&& = delete;

  // Each says what was expected when it is something else, or absent.
  Result<std::string> String() const;
  Result<std::string> NonEmptyString() const;
  Result<std::int64_t> Integer(std::int64_t min, std::int64_t max) const;
  Result<double> Double(double min, double max) const;
  Result<bool> Bool() const;
  Result<> ExpectObject() const;
  Result<> ExpectArray() const;
  Result<JsonText> ObjectText() const;  // an object, as compact JSON text
  Result<std::string> Base64() const;   // a string of base64, decoded
  Result<std::string> OneOf(std::initializer_list<std::string_view> allowed) const;

  // Every member that is not null must be one of `known`.
  Result<> OnlyMembers(std::initializer_list<std::string_view> known) const;
  // A union: exactly one member that is not null; gives its name.
  Result<std::string_view> OnlyMember() const;

  bool Is(std::string_view text) const;  // a string equal to `text`
  // The string member `key`, "" when there is none or it is something else: for members of a
  // provider's answer that are nice to have.
  std::string TextAt(std::string_view key) const;
  // "messages[0].content", "" for the root.
  std::string Path() const { return PathWith(UserNames::kShown); }
  // The same for an error: what a user called a member is told apart from names of ours.
  FieldPath Place() const;
  Error Wrong(Message problem) const { return InvalidArgument(Place(), std::move(problem)); }

 private:
  enum class UserNames : std::uint8_t { kShown, kHidden };

  JsonField(const JsonValue* value, const JsonField* parent, std::string_view key,
            std::size_t index)
      : value_(value), parent_(parent), key_(key), index_(index) {}

  std::string PathWith(UserNames names) const;

  const JsonValue* value_;
  const JsonField* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
  bool named_by_user_ = false;
};

}  // namespace strata::dialect
