#include "dialect/wire.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace strata::dialect {
namespace {

std::size_t Find(std::string_view text, std::string_view part, std::size_t from) {
  if (from >= text.size()) return text.npos;
  const void* at = ::memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return at == nullptr ? text.npos
                       : static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
}

std::size_t SkipSpace(std::string_view text, std::size_t at) {
  while (at < text.size() && std::string_view(" \t\r\n").find(text[at]) != text.npos) ++at;
  return at;
}

// The next line without its end; `rest` goes on behind it.
std::string_view TakeLine(std::string_view& rest) {
  auto end = rest.find('\n');
  auto line = rest.substr(0, end);
  rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

// Behind the first blank line that follows a line end at or after `from`; npos when there is none.
std::size_t SseWireTap::EventEnd(std::string_view work, std::size_t from) const {
  for (auto at = from; at < work.size();) {
    const void* found = std::memchr(work.data() + at, '\n', work.size() - at);
    if (found == nullptr) return work.npos;
    at = static_cast<std::size_t>(static_cast<const char*>(found) - work.data()) + 1;
    if (at < work.size() && work[at] == '\n') return at + 1;
    if (at + 1 < work.size() && work[at] == '\r' && work[at + 1] == '\n') return at + 2;
  }
  return work.npos;
}

std::string_view SseWireTap::Feed(std::string_view bytes) {
  const bool joined = held_.size() > used_;
  if (joined) {
    held_.erase(0, used_);
    held_.append(bytes);
  } else {
    held_.clear();
    scanned_ = 0;
  }
  used_ = 0;
  const std::string_view work = joined ? std::string_view(held_) : bytes;
  std::size_t start = 0;
  bool dropped = false;
  while (!ended_ && !failure_) {
    auto end = EventEnd(work, std::max(start, scanned_));
    if (end == work.npos) break;
    auto event = work.substr(start, end - start);
    auto verdict = OnEvent(event);
    if (!verdict.has_value()) {
      failure_ = std::move(verdict.error());
    } else if (*verdict == Verdict::kEnd) {
      ended_ = true;
      end_ = event;
    } else if (*verdict == Verdict::kDrop) {
      if (!std::exchange(dropped, true)) kept_.assign(work.substr(0, start));
    } else if (dropped) {
      kept_ += event;
    }
    if (ended_ || failure_) break;
    start = end;
  }
  auto rest = work.substr(start);
  // A line end at the very end may be the first half of a blank line.
  scanned_ = rest.size() < 3 ? 0 : rest.size() - 3;
  if (rest.size() > SseReader::kEventBytesMax) {
    failure_ = Error(Code::kUnavailable, fmt::format("a server-sent event is over {} bytes",
                                                     SseReader::kEventBytesMax));
  }
  auto pass = work.substr(0, start);
  if (joined) {
    used_ = start;
  } else {
    held_.assign(rest);
  }
  return dropped ? std::string_view(kept_) : pass;
}

Result<> SseWireTap::Finish() {
  if (failure_) return Fail(*failure_);
  if (ended_ || WholeWithoutEnd()) return {};
  return Fail(Code::kUnavailable, "the provider closed the stream before its end");
}

std::string_view SseDataOf(std::string_view event, std::string& scratch) {
  std::string_view data;
  int lines = 0;
  while (!event.empty()) {
    auto line = TakeLine(event);
    if (!line.starts_with("data")) continue;
    line.remove_prefix(4);
    if (!line.empty() && line.front() != ':') continue;
    if (!line.empty()) line.remove_prefix(1);
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (++lines == 1) {
      data = line;
      continue;
    }
    if (lines == 2) scratch.assign(data);
    scratch.append(1, '\n').append(line);
  }
  return lines > 1 ? std::string_view(scratch) : data;
}

std::string_view SseNameOf(std::string_view event) {
  constexpr std::string_view kField = "event:";
  if (!event.starts_with(kField)) return {};
  auto line = TakeLine(event).substr(kField.size());
  if (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

bool MayHaveMember(std::string_view json, std::string_view quoted_name) {
  for (std::size_t at = 0; (at = Find(json, quoted_name, at)) != json.npos;) {
    at = SkipSpace(json, at + quoted_name.size());
    if (at >= json.size() || json[at] != ':') continue;
    at = SkipSpace(json, at + 1);
    if (!json.substr(at).starts_with("null")) return true;
  }
  return false;
}

}  // namespace strata::dialect
