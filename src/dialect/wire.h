#pragma once
// Reading along while a provider's answer is forwarded to a client of the same dialect: whole
// events go on unchanged; what the ledger needs is taken from the few that hold it; the end is held
// back until the call is on record. Pure: no I/O, one owner.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dialect/meta.h"
#include "dialect/sse.h"
#include "dialect/stream.h"
#include "domain/conversation.h"
#include "domain/stream.h"
#include "domain/usage.h"
#include "domain/wire.h"

namespace strata::dialect {

// What an answer says of itself.
struct WireFacts {
  std::string model;  // as the provider names it
  domain::Usage usage;
  domain::StopReason stop_reason = domain::StopReason::kEndTurn;
  // Of a stream: events that went on unread, their bytes in all, and the bytes of the smallest. For
  // an estimate while the provider has not counted: what an event has beyond the smallest is text.
  std::int64_t pieces = 0;
  std::int64_t piece_bytes = 0;
  std::int64_t smallest_piece = 0;
};

// The bytes of one streamed answer on their way. Not thread-safe.
class WireTap {
 public:
  virtual ~WireTap() = default;

  // Takes the next bytes, in any chunking; gives those that may leave now: whole events, unchanged,
  // "" when none is whole. The view is valid until the next call and as long as `bytes` is. Not to
  // be called after the end or a failure.
  virtual std::string_view Feed(std::string_view bytes) = 0;

  // The body has ended. kUnavailable when the answer is not whole.
  virtual Result<> Finish() = 0;

  // The last event has come.
  virtual bool ended() const = 0;
  // Its bytes, or what was held back when the body ended; to be asked for once.
  virtual std::string TakeEnd() = 0;

  // Why the answer is over before its end: the provider's own error event, or broken framing. The
  // event at fault is not given out; those before it were.
  virtual const std::optional<Error>& failure() const = 0;

  // The best that is known so far.
  virtual const WireFacts& facts() const = 0;
};

// How the answers of one wire format (domain::WireRequest) are read while they are forwarded.
// Pure functions; objects of static life.
struct WireCodec {
  std::string_view format;
  // Of an answer in one piece; kUnavailable when it is not what the format promises.
  Result<WireFacts> (*read)(std::string_view body, const HeaderList& headers);
  std::unique_ptr<WireTap> (*make_tap)(const domain::WireRequest& wire);
  // The shadow; null where nobody knows how texts are written.
  Result<domain::ChatResponse> (*decode)(std::string_view body);
  std::unique_ptr<StreamDecoder> (*make_decoder)();
};

// What taps share: the loop over whole events.
class EventWireTap : public WireTap {
 public:
  std::string_view Feed(std::string_view bytes) final;
  Result<> Finish() final;
  bool ended() const final { return ended_; }
  std::string TakeEnd() final { return std::move(end_); }
  const std::optional<Error>& failure() const final { return failure_; }
  const WireFacts& facts() const final { return facts_; }

 protected:
  // kTail: this event and all that follow are held until the body ends, as any may be the last.
  enum class Verdict : std::uint8_t { kWait, kPass, kDrop, kTail, kEnd };

  // Bytes of the event that `rest` begins with, its end mark included; 0 while it is not whole.
  // `scanned`: bytes that were looked at before and hold no end. Errors: broken framing.
  // Not whole: the next call is given the same bytes, and more behind them.
  virtual Result<std::size_t> EventSize(std::string_view rest, std::size_t scanned) = 0;
  virtual Result<Verdict> OnEvent(std::string_view event) = 0;
  // Whether a body that ends here is whole, though the dialect's end mark did not come.
  virtual bool WholeWithoutEnd() const { return false; }
  // The same once an event was held as the tail.
  virtual bool TailIsWhole() const { return true; }

  WireFacts facts_;

 private:
  Result<Verdict> Next(std::string_view rest, std::size_t& size);
  void CountPiece(std::size_t bytes);

  std::string held_;         // an event that is not whole yet
  std::size_t used_ = 0;     // bytes of held_ that the last Feed gave out
  std::size_t scanned_ = 0;  // bytes behind used_ that were looked at
  std::string kept_;         // what may leave of a Feed in which an event was dropped
  std::string end_;
  std::optional<Error> failure_;
  bool ended_ = false;
  bool tail_ = false;  // what comes goes to end_
};

// Cuts at blank lines; lines may end in LF or CRLF.
class SseWireTap : public EventWireTap {
 private:
  Result<std::size_t> EventSize(std::string_view rest, std::size_t scanned) final;
};

// Cuts application/vnd.amazon.eventstream at its messages.
class EventMessageWireTap : public EventWireTap {
 private:
  Result<std::size_t> EventSize(std::string_view rest, std::size_t scanned) final;
};

// The data of one event: its "data:" line, or all of them joined in `scratch`; "" without any.
std::string_view SseDataOf(std::string_view event, std::string& scratch);
// The value of the event's "event:" line when that is its first, "" otherwise.
std::string_view SseNameOf(std::string_view event);

// Whether JSON text has a member `quoted_name` (`"usage"`, quotes included) anywhere that is not
// null. May say yes wrongly (a text that looks like it): for choosing what is worth parsing.
bool MayHaveMember(std::string_view json, std::string_view quoted_name);

}  // namespace strata::dialect
