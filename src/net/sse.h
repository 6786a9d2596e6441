#pragma once
// Server-sent events, both directions (WHATWG HTML §9.2): an incremental parser and a writer.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::net {

struct SseEvent {
  std::string event;  // "" stands for "message"
  std::string data;   // lines joined by '\n'
  std::string id;     // last id seen on the stream, as the standard says
};

// Takes a stream in pieces of any size and gives its events in order. CR, LF and CRLF end lines; a
// BOM at the start and comments are skipped; an event without data is dropped; an event that the
// stream's end cuts is never given. Owned by one thread.
class SseParser {
 public:
  // `event_bytes_max`: data plus unfinished line of one event; more is kTooLarge.
  explicit SseParser(std::size_t event_bytes_max = 16u << 20) : event_bytes_max_(event_bytes_max) {}

  // Takes bytes off the front of `bytes` until an event is complete or nothing is left. True: `out`
  // holds an event, and `bytes` what follows it; call again. False: all taken, feed more.
  // After an error the stream is of no further use.
  Result<bool> Next(std::string_view& bytes, SseEvent& out);

 private:
  bool TakeLine(std::string_view line, SseEvent& out);  // true: it was blank and ended an event
  void Field(std::string_view name, std::string_view value);

  std::size_t event_bytes_max_;
  std::string line_;
  std::string event_;
  std::string data_;
  std::string id_;
  bool has_data_ = false;
  bool skip_lf_ = false;  // the last byte was CR: an LF right after it belongs to it
  bool at_start_ = true;
};

// Appends one event to `out`: "event: …" when `event` is not empty, one "data:" line for each line
// of `data`, and the blank line. `event` must not hold line ends (they become spaces).
void AppendSseEvent(std::string& out, std::string_view event, std::string_view data);

// A comment line, which clients ignore: keeps idle connections open.
void AppendSseComment(std::string& out, std::string_view text);

}  // namespace strata::net
