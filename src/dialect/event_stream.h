#pragma once
// application/vnd.amazon.eventstream: frames with typed headers, a payload and two CRC-32s, all big
// endian. Format: AWS "Event Stream Encoding" (Smithy), checked against botocore's parser.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace strata::dialect {

// Header values are kept as text: strings and byte arrays as they are, others in decimal, "true",
// "false", a UUID in hex.
struct EventMessage {
  std::vector<std::pair<std::string, std::string>> headers;
  std::string payload;

  // First header of that name, "" when absent.
  std::string_view Header(std::string_view name) const;
};

// One frame with string headers (type 7). Names of 1..255 bytes, values up to 32,767.
std::string EncodeEventMessage(const EventMessage& message);

// `:message-type=event`, `:event-type=TYPE`, JSON payload.
std::string EncodeEvent(std::string_view type, std::string_view json);
// `:message-type=exception`, `:exception-type=TYPE`, payload {"message":…}.
std::string EncodeException(std::string_view type, std::string_view message);

// AWS caps a message at 16 MiB and its headers at 128 KiB.
inline constexpr std::size_t kEventMessageBytesMax = 16u << 20;

// Bytes of the message that `data` begins with, 0 while its prelude is not whole. Errors:
// kCorruption (prelude checksum, lengths), kTooLarge (over the limit, seen from the prelude alone).
Result<std::size_t> EventMessageSize(std::string_view data,
                                     std::size_t message_bytes_max = kEventMessageBytesMax);

// What a reader along needs of one whole message; views into it.
struct EventView {
  std::string_view kind;  // :message-type
  std::string_view type;  // :event-type, :exception-type or :error-code
  std::string_view text;  // :error-message
  std::string_view payload;
};
// Errors: kCorruption (checksum, headers). No allocation.
Result<EventView> ViewEventMessage(std::string_view message);

// Cuts a byte stream into messages. Not thread-safe.
class EventStreamReader {
 public:
  explicit EventStreamReader(std::size_t message_bytes_max = kEventMessageBytesMax)
      : message_bytes_max_(message_bytes_max) {}

  void Append(std::string_view bytes) { buffer_.append(bytes); }

  // The next whole message, nullopt when more bytes are needed. Errors are final: kCorruption
  // (CRC, lengths, header types), kTooLarge (declared length over the limit, seen from the prelude
  // alone).
  Result<std::optional<EventMessage>> Next();

  // No half message is waiting.
  bool empty() const { return start_ == buffer_.size(); }

 private:
  std::size_t message_bytes_max_;
  std::string buffer_;
  std::size_t start_ = 0;  // first byte of buffer_ that is not consumed
};

}  // namespace strata::dialect
