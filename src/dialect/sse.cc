#include "dialect/sse.h"

#include <utility>

#include "base/format_message.h"

namespace strata::dialect {

std::string EncodeSse(std::string_view event, std::string_view data) {
  std::string out;
  out.reserve(event.size() + data.size() + 24);
  if (!event.empty()) {
    out += "event: ";
    out += event;
    out += '\n';
  }
  out += "data: ";
  out += data;
  out += "\n\n";
  return out;
}

std::optional<std::string_view> SseReader::NextLine() {
  std::string_view rest = std::string_view(buffer_).substr(start_);
  auto end = rest.find_first_of("\r\n", scanned_);
  // A CR at the very end may be the first half of CRLF.
  if (end == rest.npos || (rest[end] == '\r' && end + 1 == rest.size())) {
    scanned_ = end == rest.npos ? rest.size() : end;
    return std::nullopt;
  }
  auto next = end + (rest[end] == '\r' && rest[end + 1] == '\n' ? 2 : 1);
  start_ += next;
  scanned_ = 0;
  auto line = rest.substr(0, end);
  if (first_line_ && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  first_line_ = false;
  return line;
}

Result<std::optional<SseEvent>> SseReader::Next() {
  while (auto line = NextLine()) {
    if (line->empty()) {
      SseEvent done = std::exchange(pending_, {});
      if (std::exchange(has_data_, false)) return done;
      continue;
    }
    auto colon = line->find(':');
    auto name = line->substr(0, colon);
    auto value = colon == line->npos ? std::string_view() : line->substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "event") pending_.event = value;
    if (name == "data") {
      if (has_data_) pending_.data += '\n';
      has_data_ = true;
      pending_.data += value;
    }
    if (pending_.data.size() > event_bytes_max_) break;
  }
  buffer_.erase(0, start_);
  start_ = 0;
  if (buffer_.size() + pending_.data.size() > event_bytes_max_) {
    return Fail(Code::kTooLarge,
                FormatMessage("a server-sent event is over {} bytes", event_bytes_max_));
  }
  return std::nullopt;
}

}  // namespace strata::dialect
