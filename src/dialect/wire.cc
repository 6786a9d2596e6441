#include "dialect/wire.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/format_message.h"
#include "dialect/event_stream.h"
#include "dialect/json/upstream.h"

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

// Where the line that goes on at `from` ends: at its CR or LF; text.size() while it does not. Two
// searches, as each is many times faster than one for either.
std::size_t LineEnd(std::string_view text, std::size_t from) {
  const auto lf = text.find('\n', from);
  const auto line = text.substr(0, lf);
  const auto cr = line.find('\r', from);
  return cr == line.npos ? line.size() : cr;
}

// Behind the line end at `at`: LF, CRLF or CR.
std::size_t BehindLineEnd(std::string_view text, std::size_t at) {
  return at + (text.substr(at).starts_with("\r\n") ? 2 : 1);
}

// The next line without its end; `rest` goes on behind it.
std::string_view TakeLine(std::string_view& rest) {
  const auto end = LineEnd(rest, 0);
  const auto line = rest.substr(0, end);
  rest = end == rest.size() ? std::string_view() : rest.substr(BehindLineEnd(rest, end));
  return line;
}

}  // namespace

void EventWireTap::CountPiece(std::size_t bytes) {
  const auto size = static_cast<std::int64_t>(bytes);
  facts_.smallest_piece = facts_.pieces == 0 ? size : std::min(facts_.smallest_piece, size);
  ++facts_.pieces;
  facts_.piece_bytes += size;
}

// Judges the event that `rest` begins with; kWait while it is not whole.
Result<EventWireTap::Verdict> EventWireTap::Next(std::string_view rest, std::size_t& size) {
  STRATA_TRY(size, EventSize(rest, std::exchange(scanned_, 0)));
  if (size > 0) return OnEvent(rest.substr(0, size));
  if (rest.size() + end_.size() <= SseReader::kEventBytesMax) return Verdict::kWait;
  return Fail(Code::kUnavailable,
              FormatMessage("an event of the provider's stream is over {} bytes",
                            SseReader::kEventBytesMax));
}

std::string_view EventWireTap::Feed(std::string_view bytes) {
  const bool joined = held_.size() > used_;
  if (joined) {
    held_.erase(0, used_);
    held_.append(bytes);
  }
  const std::string_view work = joined ? std::string_view(held_) : bytes;
  std::size_t start = 0;
  bool dropped = false;
  while (start < work.size()) {
    std::size_t size = 0;
    auto verdict = Next(work.substr(start), size);
    if (!verdict.has_value()) {
      failure_ = std::move(verdict.error());
      break;
    }
    if (*verdict == Verdict::kWait) break;
    auto event = work.substr(start, size);
    if (*verdict == Verdict::kEnd) {
      ended_ = true;
      end_ += event;
      break;
    }
    tail_ = tail_ || *verdict == Verdict::kTail;
    const bool stays = tail_ || *verdict == Verdict::kDrop;
    if (stays && !std::exchange(dropped, true)) kept_.assign(work.substr(0, start));
    if (!stays) {
      CountPiece(size);
      if (dropped) kept_ += event;
    } else if (*verdict != Verdict::kDrop) {
      end_ += event;
    }
    start += size;
  }
  auto rest = work.substr(start);
  scanned_ = rest.size();
  if (joined) {
    used_ = start;
  } else {
    held_.assign(rest);
    used_ = 0;
  }
  return dropped ? std::string_view(kept_) : work.substr(0, start);
}

Result<> EventWireTap::Finish() {
  if (failure_) return Fail(*failure_);
  if (ended_ || (tail_ && TailIsWhole()) || WholeWithoutEnd()) return {};
  return Fail(Code::kUnavailable, "the provider closed the stream before its end");
}

Result<std::size_t> EventMessageWireTap::EventSize(std::string_view rest, std::size_t) {
  auto size = EventMessageSize(rest);
  if (!size) return Fail(AsUpstreamFault(std::move(size.error())));
  return *size <= rest.size() ? *size : 0;
}

Result<std::size_t> SseWireTap::EventSize(std::string_view rest, std::size_t scanned) {
  // The line end that was last may be the first half of a blank line.
  for (auto at = scanned < 3 ? 0 : scanned - 3; (at = LineEnd(rest, at)) < rest.size();) {
    const bool lone_cr = rest[at] == '\r' && at + 1 < rest.size() && rest[at + 1] != '\n';
    at = BehindLineEnd(rest, at);
    if (at >= rest.size()) break;
    if (rest[at] == '\n') return at + 1;
    if (rest[at] != '\r') continue;
    // A CR that came last is half of a CRLF, unless the line before it ended in a CR alone.
    if (at + 1 < rest.size() || lone_cr) return BehindLineEnd(rest, at);
    break;
  }
  return 0;
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
