#pragma once
// Server-sent events as text: one writer, one incremental reader (WHATWG HTML §9.2.6).

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace strata::dialect {

struct SseEvent {
  std::string event;  // "" when the stream names none
  std::string data;   // lines joined by '\n'
};

// "event: NAME\ndata: DATA\n\n"; without a name only the data lines. `data` is on one line.
std::string EncodeSse(std::string_view event, std::string_view data);

// Cuts a byte stream into events. LF, CRLF and CR end lines; comments, id and retry are skipped; a
// leading byte order mark is skipped. Not thread-safe.
class SseReader {
 public:
  static constexpr std::size_t kEventBytesMax = 16u << 20;

  explicit SseReader(std::size_t event_bytes_max = kEventBytesMax)
      : event_bytes_max_(event_bytes_max) {}

  void Append(std::string_view bytes) { buffer_.append(bytes); }

  // The next event that has data, nullopt when more bytes are needed. kTooLarge: one event is over
  // the limit; final.
  Result<std::optional<SseEvent>> Next();

  // Keeps an error for the caller's next turn; taken once.
  void Hold(Error error) { held_ = std::move(error); }
  std::optional<Error> TakeHeld() { return std::exchange(held_, std::nullopt); }

 private:
  std::optional<std::string_view> NextLine();

  std::size_t event_bytes_max_;
  std::string buffer_;
  std::size_t start_ = 0;    // first byte of buffer_ that is not consumed
  std::size_t scanned_ = 0;  // bytes from start_ known to hold no line end
  bool first_line_ = true;
  bool has_data_ = false;
  SseEvent pending_;
  std::optional<Error> held_;
};

}  // namespace strata::dialect
