#include "store/call_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/utf8.h"
#include "store/call_key.h"

namespace strata::store {
namespace {

constexpr std::uint8_t kKindIntent = 1;
constexpr std::uint8_t kKindFinal = 2;
constexpr std::uint8_t kFormat = 2;
constexpr std::uint8_t kFormatWithoutRoles = 1;

class Encoder {
 public:
  Encoder() { out_.reserve(kUsualBytes); }
  explicit Encoder(std::string begun) : out_(std::move(begun)) {}
  void Byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  template <std::integral T>
  void Fixed(T value) {
    auto bits = static_cast<std::make_unsigned_t<T>>(value);
    std::array<char, sizeof(T)> bytes;
    for (std::size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<char>(bits >> (8 * i));
    out_.append(bytes.data(), bytes.size());
  }
  void Text(std::string_view text, std::size_t bytes_max = kCallTextMax) {
    text = Utf8Prefix(text, bytes_max);
    const auto at = out_.size();
    const auto end = at + 2 + text.size();
    // Of libstdc++ 12 the function is told the new capacity, which may be more.
    out_.resize_and_overwrite(end, [&](char* bytes, std::size_t) {
      bytes[at] = static_cast<char>(text.size());
      bytes[at + 1] = static_cast<char>(text.size() >> 8);
      text.copy(bytes + at + 2, text.size());
      return end;
    });
  }
  void Optional(const std::optional<std::int64_t>& value) {
    Byte(value ? 1 : 0);
    Fixed(value.value_or(0));
  }
  void Cost(const std::optional<domain::Money>& cost) {
    Optional(cost ? std::optional(cost->picousd) : std::nullopt);
  }
  void Tokens(const domain::Usage& usage) {
    // A provider that counts below zero must not make a record that cannot be read back.
    for (auto tokens : {usage.input_tokens, usage.output_tokens, usage.cache_read_tokens,
                        usage.cache_write_tokens, usage.reasoning_tokens}) {
      Fixed(std::max<std::int64_t>(tokens, 0));
    }
    Byte(usage.estimated ? 1 : 0);
  }
  void Tags(const std::map<std::string, std::string>& tags) {
    auto count_at = out_.size();
    std::uint16_t count = 0;
    Fixed(count);
    std::size_t bytes = 0;
    for (const auto& [name, value] : tags) {
      auto size = std::min(name.size(), kCallTextMax) + std::min(value.size(), kCallTextMax) + 4;
      if (bytes + size > kCallTagsMax) break;
      bytes += size;
      Text(name);
      Text(value);
      ++count;
    }
    out_[count_at] = static_cast<char>(count & 0xff);
    out_[count_at + 1] = static_cast<char>(count >> 8);
  }
  std::string Take() { return std::move(out_); }

 private:
  static constexpr std::size_t kUsualBytes = 640;
  std::string out_;
};

// Reads the same; the first failure sticks and everything after it is empty.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  std::uint8_t Byte() { return Fixed<std::uint8_t>(); }
  template <std::integral T>
  T Fixed() {
    if (rest_.size() < sizeof(T)) {
      Bad("it is cut short");
      return 0;
    }
    std::make_unsigned_t<T> bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      auto byte = static_cast<unsigned char>(rest_[i]);
      bits |= static_cast<std::make_unsigned_t<T>>(static_cast<std::make_unsigned_t<T>>(byte)
                                                   << (8 * i));
    }
    rest_.remove_prefix(sizeof(T));
    return static_cast<T>(bits);
  }
  bool Flag() {
    auto value = Byte();
    if (value > 1) Bad("a flag is neither 0 nor 1");
    return value == 1;
  }
  std::string_view Text() {
    auto size = Fixed<std::uint16_t>();
    if (size > kCallTextMax || size > rest_.size()) {
      Bad("a text is longer than the record or its limit");
      return {};
    }
    auto text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }
  std::optional<std::int64_t> Optional() {
    bool present = Flag();
    auto value = Fixed<std::int64_t>();
    return present ? std::optional(value) : std::nullopt;
  }
  std::optional<domain::Money> Cost() {
    auto value = Optional();
    return value ? std::optional(domain::Money{*value}) : std::nullopt;
  }
  std::int64_t Count() {
    auto value = Fixed<std::int64_t>();
    if (value < 0) Bad("a count is negative");
    return value;
  }
  domain::Usage Tokens() {
    domain::Usage usage;
    usage.input_tokens = Count();
    usage.output_tokens = Count();
    usage.cache_read_tokens = Count();
    usage.cache_write_tokens = Count();
    usage.reasoning_tokens = Count();
    usage.estimated = Flag();
    return usage;
  }
  std::map<std::string, std::string> Tags() {
    std::map<std::string, std::string> tags;
    for (auto left = Fixed<std::uint16_t>(); left > 0 && problem_ == nullptr; --left) {
      auto& value = tags[std::string(Text())];
      value = Text();
    }
    return tags;
  }
  void Bad(const char* problem) {
    if (problem_ == nullptr) problem_ = problem;
    rest_ = {};
  }
  const char* problem() const { return problem_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  const char* problem_ = nullptr;
};

void PutIntent(Encoder& out, const CallIntent& intent) {
  out.Text(intent.request_id.value);
  out.Fixed(intent.call_number);
  out.Fixed(ToUnixMicros(intent.time));
  out.Text(intent.workspace.value);
  out.Text(intent.key.value);
  out.Text(intent.trace_id);
  out.Tags(intent.tags);
  out.Text(intent.dialect);
  out.Text(intent.operation);
  out.Text(intent.route);
  out.Text(intent.model_asked);
  out.Text(intent.model);
  out.Text(intent.provider);
  out.Text(intent.kb);
  out.Tokens(intent.estimate);
  out.Cost(intent.estimate_cost);
  out.Text(intent.role);
}

void GetIntent(Decoder& in, std::uint8_t format, CallIntent& intent) {
  intent.request_id.value = in.Text();
  intent.call_number = in.Fixed<std::uint32_t>();
  intent.time = FromUnixMicros(in.Fixed<std::int64_t>());
  intent.workspace.value = in.Text();
  intent.key.value = in.Text();
  intent.trace_id = in.Text();
  intent.tags = in.Tags();
  intent.dialect = in.Text();
  intent.operation = in.Text();
  intent.route = in.Text();
  intent.model_asked = in.Text();
  intent.model = in.Text();
  intent.provider = in.Text();
  intent.kb = in.Text();
  intent.estimate = in.Tokens();
  intent.estimate_cost = in.Cost();
  if (format > kFormatWithoutRoles) intent.role = in.Text();
}

void PutOutcome(Encoder& out, const CallOutcome& outcome) {
  out.Byte(static_cast<std::uint8_t>(outcome.status));
  out.Text(outcome.error_code);
  out.Text(outcome.model_answered);
  out.Tokens(outcome.usage);
  out.Cost(outcome.cost);
  out.Text(outcome.price_date);
  out.Fixed(outcome.latency_ms);
  out.Optional(outcome.ttft_ms);
  out.Text(outcome.decided_by.router);
  out.Text(outcome.decided_by.guardrail);
  out.Text(outcome.decided_by.prompt);
  out.Text(outcome.decided_by.catalog);
  out.Text(outcome.decided_by.index);
  out.Cost(outcome.always_strong);
  out.Cost(outcome.always_cheap);
}

void GetOutcome(Decoder& in, std::uint8_t format, CallOutcome& outcome) {
  auto status = in.Byte();
  if (status == 0 || status > static_cast<std::uint8_t>(CallStatus::kBlocked)) {
    in.Bad("the status is none of ours");
  }
  outcome.status = static_cast<CallStatus>(status);
  outcome.error_code = in.Text();
  outcome.model_answered = in.Text();
  outcome.usage = in.Tokens();
  outcome.cost = in.Cost();
  outcome.price_date = in.Text();
  outcome.latency_ms = in.Fixed<std::int64_t>();
  outcome.ttft_ms = in.Optional();
  outcome.decided_by.router = in.Text();
  outcome.decided_by.guardrail = in.Text();
  outcome.decided_by.prompt = in.Text();
  outcome.decided_by.catalog = in.Text();
  outcome.decided_by.index = in.Text();
  if (format > kFormatWithoutRoles) {
    outcome.always_strong = in.Cost();
    outcome.always_cheap = in.Cost();
  }
}

}  // namespace

std::string_view CallStatusName(CallStatus status) {
  switch (status) {
    case CallStatus::kOpen:
      return "open";
    case CallStatus::kOk:
      return "ok";
    case CallStatus::kError:
      return "error";
    case CallStatus::kCancelled:
      return "cancelled";
    case CallStatus::kInterrupted:
      return "interrupted";
    case CallStatus::kBlocked:
      return "blocked";
  }
  return "open";
}

std::optional<CallStatus> ParseCallStatus(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(CallStatus::kBlocked); ++i) {
    if (CallStatusName(static_cast<CallStatus>(i)) == name) return static_cast<CallStatus>(i);
  }
  return std::nullopt;
}

CallRow InterruptedRow(CallIntent intent) {
  CallRow row;
  row.outcome.status = CallStatus::kInterrupted;
  row.outcome.usage = intent.estimate;
  row.outcome.usage.estimated = true;
  row.outcome.cost = intent.estimate_cost;
  row.intent = std::move(intent);
  return row;
}

std::string EncodeIntent(const CallIntent& intent) {
  Encoder out;
  out.Byte(kKindIntent);
  out.Byte(kFormat);
  PutIntent(out, intent);
  return out.Take();
}

std::string FinalFrom(std::string intent_bytes, const CallOutcome& outcome) {
  STRATA_CHECK(intent_bytes.starts_with(static_cast<char>(kKindIntent)), "it is no intent");
  intent_bytes.front() = static_cast<char>(kKindFinal);
  Encoder out(std::move(intent_bytes));
  PutOutcome(out, outcome);
  return out.Take();
}

std::string EncodeFinal(const CallRow& row) {
  return FinalFrom(EncodeIntent(row.intent), row.outcome);
}

std::optional<CallKey> IntentKeyOf(std::string_view bytes) {
  Decoder in(bytes);
  if (in.Byte() != kKindIntent) return std::nullopt;
  // The key stands at the same place in every format so far.
  if (auto format = in.Byte(); format == 0 || format > kFormat) return std::nullopt;
  CallKey key;
  key.first = in.Text();
  key.second = in.Fixed<std::uint32_t>();
  if (in.problem() != nullptr) return std::nullopt;
  return key;
}

namespace {

// What a record is; fills `row`, of an intent without its outcome.
Result<std::uint8_t> DecodeInto(std::string_view bytes, CallRow& row) {
  Decoder in(bytes);
  auto kind = in.Byte();
  auto format = in.Byte();
  if (in.problem() == nullptr && format > kFormat) {
    return Fail(Code::kUnsupported, fmt::format("journal record of format {}, this strata reads up "
                                                "to {}",
                                                format, kFormat));
  }
  if (format == 0 || (kind != kKindIntent && kind != kKindFinal))
    in.Bad("its kind is none of ours");
  GetIntent(in, format, row.intent);
  if (kind == kKindFinal) GetOutcome(in, format, row.outcome);
  if (in.problem() == nullptr && !in.at_end()) in.Bad("bytes follow its end");
  if (in.problem() != nullptr) {
    return Fail(Code::kCorruption, fmt::format("journal record: {}", in.problem()));
  }
  return kind;
}

}  // namespace

Result<bool> DecodeFinal(std::string_view bytes, CallRow& row) {
  STRATA_TRY(auto kind, DecodeInto(bytes, row));
  return kind == kKindFinal;
}

Result<std::variant<CallIntent, CallRow>> DecodeCallRecord(std::string_view bytes) {
  CallRow row;
  STRATA_TRY(auto kind, DecodeInto(bytes, row));
  if (kind == kKindFinal) return std::variant<CallIntent, CallRow>(std::move(row));
  return std::variant<CallIntent, CallRow>(std::move(row.intent));
}

}  // namespace strata::store
