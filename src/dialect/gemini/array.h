#pragma once
// A stream of generateContent as it comes without alt=sse: one JSON array whose elements arrive one
// by one. Cut here into its elements; what they say is read elsewhere.

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "dialect/sse.h"

namespace strata::dialect::gemini {

// Finds where the pieces of an array's text end: an element with the bracket or comma before it,
// then the closing bracket, then white space. Not thread-safe.
class ArrayCut {
 public:
  // Bytes of the piece that `rest` begins with, 0 while it is not whole. Until it is, every call
  // must be given the same bytes, and more behind them; those that were looked at are not looked at
  // again. kUnavailable: no array of objects.
  Result<std::size_t> Next(std::string_view rest);

  // The closing bracket was given out.
  bool closed() const { return place_ == Place::kBehind; }

 private:
  enum class Place : std::uint8_t { kBefore, kFirst, kElement, kAfter, kNext, kBehind };

  Result<> Outside(char c);
  bool Inside(char c);

  Place place_ = Place::kBefore;
  std::size_t at_ = 0;  // bytes of the piece that were looked at
  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

// The element in a piece of ArrayCut's; "" when it has none.
std::string_view ElementOf(std::string_view piece);

// The same as a reader of events, whose data are the elements; see SseReader. Not thread-safe.
class ArrayReader {
 public:
  void Append(std::string_view bytes) { buffer_.append(bytes); }
  Result<std::optional<SseEvent>> Next();
  void Hold(Error error) { held_ = std::move(error); }
  std::optional<Error> TakeHeld() { return std::exchange(held_, std::nullopt); }
  bool closed() const { return cut_.closed(); }

 private:
  ArrayCut cut_;
  std::string buffer_;
  std::size_t start_ = 0;  // first byte of buffer_ that was not given out
  std::optional<Error> held_;
};

}  // namespace strata::dialect::gemini
