#pragma once
// How commands print: progress on one line, cited answers, indented text.

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

namespace strata::server {

// Rewrites one line on a terminal; prints nothing but the last line elsewhere.
class ProgressLine {
 public:
  void Show(std::string_view text);
  void Finish(std::string_view text);

 private:
  bool shown_ = false;
};

// The reply of /strata/v1/kbs/NAME/ask: the answer with [n] marks, its sources, trace page and
// cost.
void PrintAnswer(std::string_view reply);

std::string Indented(std::string_view text, std::size_t spaces);

// Members of a JSON object; "" and 0 when absent or of another type.
std::string TextOf(const boost::json::object& object, std::string_view name);
std::int64_t NumberOf(const boost::json::object& object, std::string_view name);

}  // namespace strata::server
