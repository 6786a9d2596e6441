#pragma once
// Writes JSON text in order, without a tree, and notes what is left out. Commas are put in by the
// writer; that keys and ends match is the caller's business.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/span.h"
#include "dialect/notes.h"

namespace strata::dialect {

class JsonWriter {
 public:
  JsonWriter() = default;
  // `notes`, if any, outlives the writer.
  explicit JsonWriter(DropNotes* notes) : notes_(notes) {}

  // Notes what is not written because the dialect has no place for it.
  void Dropped(std::string_view what) const {
    if (notes_ != nullptr) notes_->Add(what);
  }
  DropNotes* notes() const { return notes_; }

  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view key);

  JsonWriter& Value(std::string_view text);
  JsonWriter& Value(const char* text) { return Value(std::string_view(text)); }
  JsonWriter& Value(const std::string& text) { return Value(std::string_view(text)); }
  JsonWriter& Value(std::int64_t number);
  JsonWriter& Value(int number) { return Value(static_cast<std::int64_t>(number)); }
  JsonWriter& Value(double number);  // shortest text that reads back the same; null if not finite
  JsonWriter& Value(bool value);
  JsonWriter& Null();
  // `json` must be valid JSON text.
  JsonWriter& Raw(std::string_view json);

  template <class T>
  JsonWriter& Field(std::string_view key, const T& value) {
    return Key(key).Value(value);
  }
  // Leaves the member out when the text is empty.
  JsonWriter& FieldIfAny(std::string_view key, std::string_view text) {
    return text.empty() ? *this : Key(key).Value(text);
  }
  JsonWriter& RawField(std::string_view key, std::string_view json) { return Key(key).Raw(json); }

  const std::string& text() const { return out_; }
  std::string Take() { return std::move(out_); }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Comma();

  std::string out_;
  bool comma_ = false;
  DropNotes* notes_ = nullptr;
};

// `text` when it is a JSON object (also one that is only white space apart from it), "{}" when it
// is empty. A model that was cut off leaves half an object: that is wrapped as {"INVALID_JSON":
// text}, as Anthropic's documentation of fine-grained tool streaming advises.
std::string ObjectOrWrapped(const JsonText& json);

}  // namespace strata::dialect
