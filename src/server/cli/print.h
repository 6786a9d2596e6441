#pragma once
// How commands print: progress on one line, cited answers, indented text.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

namespace strata::server {

// What a long command is at, on stderr: one line that is rewritten on a terminal; elsewhere a line
// at the beginning and then one every five seconds. The result goes to stdout.
class ProgressLine {
 public:
  void Show(std::string_view text);
  // A line that stays, on stderr.
  void Note(std::string_view text);
  void Finish(std::string_view text);

 private:
  bool shown_ = false;
  std::chrono::steady_clock::time_point next_{};
};

// The reply of /strata/v1/kbs/NAME/ask: the answer with [n] marks, its sources, trace page and
// cost.
void PrintAnswer(std::string_view reply);

// What is to be said of documents that were indexed, on stderr.
void PrintWarnings(const boost::json::array& warnings);

// The failed documents and why, on stderr; `failed` may be more than `reasons` names.
void PrintFailures(const boost::json::array& reasons, std::int64_t failed);

std::string Indented(std::string_view text, std::size_t spaces);

// Members of a JSON object; "" and 0 when absent or of another type.
std::string TextOf(const boost::json::object& object, std::string_view name);
std::int64_t NumberOf(const boost::json::object& object, std::string_view name);
// Texts of a list, "a, b".
std::string JoinedOf(const boost::json::object& object, std::string_view name);

}  // namespace strata::server
