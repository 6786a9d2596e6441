#include "net/sse.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace strata::net {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool IsLineEnd(char c) { return c == '\n' || c == '\r'; }

}  // namespace

Result<bool> SseParser::Next(std::string_view& bytes, SseEvent& out) {
  while (!bytes.empty()) {
    if (std::exchange(skip_lf_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    auto end = static_cast<std::size_t>(std::find_if(bytes.begin(), bytes.end(), IsLineEnd) -
                                        bytes.begin());
    if (line_.size() + data_.size() + end > event_bytes_max_) {
      return Fail(Code::kTooLarge,
                  fmt::format("a server-sent event is larger than {} bytes", event_bytes_max_));
    }
    auto piece = bytes.substr(0, end);
    if (end == bytes.size()) {
      line_.append(piece);
      bytes = {};
      break;
    }
    skip_lf_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    bool whole = line_.empty();  // the usual case: no copy of the line
    if (!whole) line_.append(piece);
    bool ended = TakeLine(whole ? piece : std::string_view(line_), out);
    line_.clear();
    if (ended) return true;
  }
  return false;
}

bool SseParser::TakeLine(std::string_view line, SseEvent& out) {
  if (std::exchange(at_start_, false) && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (!line.empty()) {
    auto colon = line.find(':');
    auto value = colon == line.npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    Field(line.substr(0, colon), value);
    return false;
  }
  if (has_data_) {
    out.event = std::move(event_);
    out.data = std::move(data_);
    out.id = id_;
  }
  event_.clear();
  data_.clear();
  return std::exchange(has_data_, false);
}

// A comment is a field without a name; unknown fields and `retry` have no use here.
void SseParser::Field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (has_data_) data_ += '\n';
    data_.append(value);
    has_data_ = true;
  } else if (name == "event") {
    event_ = value;
  } else if (name == "id" && value.find('\0') == value.npos) {
    id_ = value;
  }
}

void AppendSseEvent(std::string& out, std::string_view event, std::string_view data) {
  if (!event.empty()) {
    out += "event: ";
    for (char c : event) out += IsLineEnd(c) ? ' ' : c;
    out += '\n';
  }
  while (true) {
    auto end =
        static_cast<std::size_t>(std::find_if(data.begin(), data.end(), IsLineEnd) - data.begin());
    out.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == data.size()) break;
    data.remove_prefix(data.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  out += '\n';
}

void AppendSseComment(std::string& out, std::string_view text) {
  out += ": ";
  for (char c : text) out += IsLineEnd(c) ? ' ' : c;
  out += "\n\n";
}

}  // namespace strata::net
