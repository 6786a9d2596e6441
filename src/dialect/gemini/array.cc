#include "dialect/gemini/array.h"

namespace strata::dialect::gemini {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::unexpected<Error> NoArray() {
  return Fail(Code::kUnavailable, "the provider's stream is no array of JSON objects");
}

}  // namespace

// One character between elements.
Result<> ArrayCut::Outside(char c) {
  if (IsSpace(c)) return {};
  if (place_ == Place::kBefore && c == '[') {
    place_ = Place::kFirst;
  } else if ((place_ == Place::kFirst || place_ == Place::kNext) && c == '{') {
    place_ = Place::kElement;
    depth_ = 1;
  } else if (place_ == Place::kAfter && c == ',') {
    place_ = Place::kNext;
  } else if ((place_ == Place::kFirst || place_ == Place::kAfter) && c == ']') {
    place_ = Place::kBehind;
  } else {
    return NoArray();
  }
  return {};
}

// One character of an element; true: its last.
bool ArrayCut::Inside(char c) {
  if (escaped_) {
    escaped_ = false;
  } else if (in_string_) {
    escaped_ = c == '\\';
    in_string_ = c != '"';
  } else if (c == '"') {
    in_string_ = true;
  } else if (c == '{' || c == '[') {
    ++depth_;
  } else if (c == '}' || c == ']') {
    return --depth_ == 0;
  }
  return false;
}

Result<std::size_t> ArrayCut::Next(std::string_view rest) {
  if (closed()) {  // only white space may follow
    for (char c : rest) {
      if (!IsSpace(c)) return NoArray();
    }
    return rest.size();
  }
  while (at_ < rest.size()) {
    const char c = rest[at_++];
    bool whole = false;
    if (place_ == Place::kElement) {
      whole = Inside(c);
      if (whole) place_ = Place::kAfter;
    } else {
      STRATA_CHECK_OK(Outside(c));
      whole = closed();
    }
    if (whole) return std::exchange(at_, 0);
  }
  return 0;
}

std::string_view ElementOf(std::string_view piece) {
  const auto from = piece.find('{');
  return from == piece.npos ? std::string_view() : piece.substr(from);
}

Result<std::optional<SseEvent>> ArrayReader::Next() {
  while (start_ < buffer_.size()) {
    const auto rest = std::string_view(buffer_).substr(start_);
    STRATA_TRY(auto size, cut_.Next(rest));
    if (size == 0 && rest.size() > SseReader::kEventBytesMax) {
      return Fail(Code::kTooLarge, "an element of the provider's stream is too large");
    }
    if (size == 0) break;
    start_ += size;
    if (auto element = ElementOf(rest.substr(0, size)); !element.empty()) {
      return SseEvent{.event = {}, .data = std::string(element)};
    }
  }
  buffer_.erase(0, std::exchange(start_, 0));
  return std::nullopt;
}

}  // namespace strata::dialect::gemini
