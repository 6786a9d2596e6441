#pragma once
// What the fake upstream answers: scripted answers, matched against requests, with faults.

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace strata::fakes {

struct FakeToolCall {
  std::string id;
  std::string name;
  std::string input;  // a JSON object
};

// One scripted answer. JSON members have the same names; see ParseAnswer.
struct FakeAnswer {
  // Which requests it is for: all given parts must fit.
  std::string match_path;  // substring of the path
  std::string match_text;  // substring of the body
  int times = 1;           // answers so often, then is gone; 0: for ever
  bool once_each = false;  // only the first request with each body; the same again goes on

  std::vector<std::string> chunks;  // text, one delta each
  std::string reasoning;
  std::vector<FakeToolCall> tool_calls;
  std::string citation_uri, citation_title, citation_quote;  // of the whole text; all or none
  std::string stop_sequence;                                 // the one that matched
  std::string stop;  // end_turn, tool_use, max_tokens, stop_sequence, content_filter, refusal
  std::int64_t input_tokens = -1;  // -1: characters / 4
  std::int64_t output_tokens = -1;
  std::int64_t cache_read_tokens = 0;
  std::int64_t cache_write_tokens = 0;
  std::int64_t reasoning_tokens = 0;
  bool no_usage = false;  // as servers that never count

  int status = 200;
  std::int64_t retry_after_s = -1;
  std::string error_message = "scripted error";
  std::string error_type;  // "" takes the vendor's name for the status
  int delay_ms = 0;        // before the first byte
  int chunk_delay_ms = 0;  // before each frame of a stream but the first
  int cut_after = -1;      // frames of a stream, then the connection is cut
  bool cut_body = false;   // half of an answer in one piece, then the connection is cut
  int hold_after = -1;     // frames, then nothing until the client goes away
  std::string garbage;     // sent instead of the body, with status 200
  // Sent with the answer: "x-ratelimit-remaining-requests", ….
  std::vector<std::pair<std::string, std::string>> headers;
  // In a stream, after the chunks: the vendor's own error event of this type.
  std::string stream_error;
};

// Unknown members and wrong types are errors, so that a misspelt script does not pass silently.
// "text" is short for one chunk.
Result<FakeAnswer> ParseAnswer(const boost::json::object& object);

// The answers in force. Thread-safe.
class FakeScript {
 public:
  void Push(FakeAnswer answer);
  void Clear();
  // The first answer that fits; uses it up by one. Without one: an echo of `last_user_text`.
  FakeAnswer Take(std::string_view path, std::string_view body, std::string_view last_user_text);

 private:
  std::mutex mutex_;
  std::deque<FakeAnswer> answers_;
  std::set<std::uint64_t> seen_;  // bodies that a once_each answer was given to
};

}  // namespace strata::fakes
