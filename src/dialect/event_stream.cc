#include "dialect/event_stream.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/format_message.h"
#include "base/json_text.h"

namespace strata::dialect {
namespace {

constexpr std::size_t kPreludeBytes = 12;  // total length, headers length, CRC of these two
constexpr std::size_t kFrameBytes = kPreludeBytes + 4;  // with the CRC of the whole message
constexpr std::size_t kHeadersBytesMax = 128u << 10;
constexpr std::size_t kHeaderValueBytesMax = 32767;

void AppendBigEndian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>((value >> shift) & 0xff);
  }
}

// `at + bytes` must be inside `data`.
std::uint64_t ReadBigEndian(std::string_view data, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    value = value << 8 | static_cast<unsigned char>(data[at + i]);
  }
  return value;
}

enum class HeaderType : std::uint8_t {
  kTrue,
  kFalse,
  kByte,
  kShort,
  kInteger,
  kLong,
  kBytes,
  kString,
  kTimestamp,
  kUuid
};

// Takes bytes off the front; every read is checked.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view data) : data_(data) {}
  bool done() const { return data_.empty(); }

  std::optional<std::string_view> Take(std::size_t count) {
    if (count > data_.size()) return std::nullopt;
    auto out = data_.substr(0, count);
    data_.remove_prefix(count);
    return out;
  }
  std::optional<std::uint64_t> Unsigned(std::size_t bytes) {
    auto raw = Take(bytes);
    if (!raw) return std::nullopt;
    return ReadBigEndian(*raw, 0, bytes);
  }
  std::optional<std::string> Signed(std::size_t bytes) {
    auto value = Unsigned(bytes);
    if (!value) return std::nullopt;
    const auto unused = 64 - 8 * bytes;
    return fmt::format("{}", static_cast<std::int64_t>(*value << unused) >> unused);
  }
  std::optional<std::string> Sized() {
    auto size = Unsigned(2);
    if (!size) return std::nullopt;
    auto raw = Take(*size);
    if (!raw) return std::nullopt;
    return std::string(*raw);
  }
  std::optional<std::string> Value(HeaderType type);

 private:
  std::string_view data_;
};

std::optional<std::string> HeaderReader::Value(HeaderType type) {
  switch (type) {
    case HeaderType::kTrue:
      return "true";
    case HeaderType::kFalse:
      return "false";
    case HeaderType::kByte:
      return Signed(1);
    case HeaderType::kShort:
      return Signed(2);
    case HeaderType::kInteger:
      return Signed(4);
    case HeaderType::kLong:
    case HeaderType::kTimestamp:
      return Signed(8);
    case HeaderType::kBytes:
    case HeaderType::kString:
      return Sized();
    case HeaderType::kUuid: {
      auto raw = Take(16);
      if (!raw) return std::nullopt;
      return HexEncode(*raw);
    }
  }
  return std::nullopt;
}

Error BrokenHeader() {
  return Error(Code::kCorruption, "an event-stream message has a broken header");
}

Result<> ReadHeaders(std::string_view data, EventMessage& message) {
  HeaderReader reader(data);
  while (!reader.done()) {
    auto size = reader.Unsigned(1);
    auto name = size ? reader.Take(*size) : std::nullopt;
    auto type = name ? reader.Unsigned(1) : std::nullopt;
    auto value = type ? reader.Value(static_cast<HeaderType>(*type)) : std::nullopt;
    if (!value || name->empty()) return Fail(BrokenHeader());
    message.headers.emplace_back(*name, std::move(*value));
  }
  return {};
}

// The parts of a message whose prelude was read.
struct Parts {
  std::string_view headers;
  std::string_view payload;
};

Result<Parts> PartsOf(std::string_view message) {
  const auto body = message.substr(0, message.size() - 4);
  if (Crc32(body) != ReadBigEndian(message, body.size(), 4)) {
    return Fail(Code::kCorruption, "an event-stream message fails its checksum");
  }
  const auto headers = ReadBigEndian(message, 4, 4);
  return Parts{.headers = body.substr(kPreludeBytes, headers),
               .payload = body.substr(kPreludeBytes + headers)};
}

}  // namespace

Result<std::size_t> EventMessageSize(std::string_view data, std::size_t message_bytes_max) {
  if (data.size() < kPreludeBytes) return std::size_t{0};
  const auto total = ReadBigEndian(data, 0, 4);
  const auto headers = ReadBigEndian(data, 4, 4);
  if (Crc32(data.substr(0, 8)) != ReadBigEndian(data, 8, 4)) {
    return Fail(Code::kCorruption, "an event-stream prelude fails its checksum");
  }
  if (total > message_bytes_max) {
    return Fail(Code::kTooLarge,
                FormatMessage("an event-stream message has {} bytes, the limit is {}", total,
                              message_bytes_max));
  }
  if (total < kFrameBytes || headers > kHeadersBytesMax || headers > total - kFrameBytes) {
    return Fail(Code::kCorruption, "an event-stream message has impossible lengths");
  }
  return total;
}

Result<EventView> ViewEventMessage(std::string_view message) {
  STRATA_TRY(auto parts, PartsOf(message));
  EventView view;
  view.payload = parts.payload;
  HeaderReader reader(parts.headers);
  while (!reader.done()) {
    auto size = reader.Unsigned(1);
    auto name = size ? reader.Take(*size) : std::nullopt;
    auto type = name ? reader.Unsigned(1) : std::nullopt;
    if (!type || name->empty()) return Fail(BrokenHeader());
    if (static_cast<HeaderType>(*type) != HeaderType::kString) {
      if (!reader.Value(static_cast<HeaderType>(*type))) return Fail(BrokenHeader());
      continue;
    }
    auto length = reader.Unsigned(2);
    auto value = length ? reader.Take(*length) : std::nullopt;
    if (!value) return Fail(BrokenHeader());
    if (*name == ":message-type") view.kind = *value;
    if (*name == ":error-message") view.text = *value;
    if (*name == ":event-type" || *name == ":exception-type" || *name == ":error-code") {
      view.type = *value;
    }
  }
  return view;
}

std::string_view EventMessage::Header(std::string_view name) const {
  auto at = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
  return at == headers.end() ? std::string_view() : std::string_view(at->second);
}

std::string EncodeEventMessage(const EventMessage& message) {
  std::string headers;
  for (const auto& [name, value] : message.headers) {
    auto shown = std::string_view(value).substr(0, kHeaderValueBytesMax);
    AppendBigEndian(headers, name.size(), 1);
    headers += name;
    headers += static_cast<char>(HeaderType::kString);
    AppendBigEndian(headers, shown.size(), 2);
    headers += shown;
  }
  std::string out;
  out.reserve(kFrameBytes + headers.size() + message.payload.size());
  AppendBigEndian(out, kFrameBytes + headers.size() + message.payload.size(), 4);
  AppendBigEndian(out, headers.size(), 4);
  AppendBigEndian(out, Crc32(out), 4);
  out += headers;
  out += message.payload;
  AppendBigEndian(out, Crc32(out), 4);
  return out;
}

std::string EncodeEvent(std::string_view type, std::string_view json) {
  EventMessage message;
  message.headers = {{":event-type", std::string(type)},
                     {":content-type", "application/json"},
                     {":message-type", "event"}};
  message.payload = json;
  return EncodeEventMessage(message);
}

std::string EncodeException(std::string_view type, std::string_view text) {
  EventMessage message;
  message.headers = {{":exception-type", std::string(type)},
                     {":content-type", "application/json"},
                     {":message-type", "exception"}};
  message.payload = "{\"message\":" + JsonString(text) + "}";
  return EncodeEventMessage(message);
}

Result<std::optional<EventMessage>> EventStreamReader::Next() {
  const auto rest = std::string_view(buffer_).substr(start_);
  STRATA_TRY(const auto total, EventMessageSize(rest, message_bytes_max_));
  if (total == 0 || rest.size() < total) {
    buffer_.erase(0, start_);
    start_ = 0;
    return std::nullopt;
  }
  STRATA_TRY(auto parts, PartsOf(rest.substr(0, total)));
  EventMessage message;
  STRATA_CHECK_OK(ReadHeaders(parts.headers, message));
  message.payload = parts.payload;
  start_ += total;
  return message;
}

}  // namespace strata::dialect
