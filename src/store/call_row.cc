#include "store/call_row.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text_writer.h"
#include "base/utf8.h"
#include "store/call_key.h"

namespace strata::store {
namespace {

constexpr std::uint8_t kFormat = 4;
constexpr std::uint8_t kFormatWithoutOutcomes = 3;  // a call ended with a record of both parts
constexpr std::uint8_t kFormatOfFixedWidths = 2;    // and of texts with two bytes of length
constexpr std::uint8_t kFormatWithoutRoles = 1;

// A record is written for every call and its pages are paid for by the byte, so numbers take the
// bytes that they need: seven bits each, the lowest first.
void PutNumber(TextWriter& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.Raw(static_cast<char>(value | 0x80));
  out.Raw(static_cast<char>(value));
}

// Small whatever the sign.
void PutSigned(TextWriter& out, std::int64_t value) {
  PutNumber(out, static_cast<std::uint64_t>(value) << 1 ^ (value < 0 ? ~std::uint64_t{0} : 0));
}

void PutText(TextWriter& out, std::string_view text) {
  text = Utf8Prefix(text, kCallTextMax);
  PutNumber(out, text.size());
  out.Raw(text);
}

void PutFlag(TextWriter& out, bool flag) { out.Raw(flag ? '\1' : '\0'); }

void PutOptional(TextWriter& out, const std::optional<std::int64_t>& value) {
  PutFlag(out, value.has_value());
  if (value) PutSigned(out, *value);
}

void PutCost(TextWriter& out, const std::optional<domain::Money>& cost) {
  PutOptional(out, cost ? std::optional(cost->picousd) : std::nullopt);
}

void PutTokens(TextWriter& out, const domain::Usage& usage) {
  // A provider that counts below zero must not make a record that cannot be read back.
  for (auto tokens : {usage.input_tokens, usage.output_tokens, usage.cache_read_tokens,
                      usage.cache_write_tokens, usage.reasoning_tokens}) {
    PutNumber(out, static_cast<std::uint64_t>(std::max<std::int64_t>(tokens, 0)));
  }
  PutFlag(out, usage.estimated);
}

void PutTags(TextWriter& out, const std::map<std::string, std::string>& tags) {
  std::uint64_t count = 0;
  std::size_t bytes = 0;
  for (const auto& [name, value] : tags) {
    bytes += std::min(name.size(), kCallTextMax) + std::min(value.size(), kCallTextMax) + 4;
    if (bytes > kCallTagsMax) break;
    ++count;
  }
  PutNumber(out, count);
  for (const auto& [name, value] : tags) {
    if (count-- == 0) break;
    PutText(out, name);
    PutText(out, value);
  }
}

// Reads the same; the first failure sticks and everything after it is empty.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  // What follows is of that format.
  void Expect(std::uint8_t format) { fixed_ = format <= kFormatOfFixedWidths; }

  std::uint8_t Byte() { return Fixed<std::uint8_t>(); }
  std::uint64_t Number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint64_t byte = Byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    Bad("a number is longer than any");
    return 0;
  }
  std::int64_t Signed() {
    const auto value = Number();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  std::uint32_t CallNumber() {
    if (fixed_) return Fixed<std::uint32_t>();
    const auto value = Number();
    if (value > UINT32_MAX) Bad("a call's number is too large");
    return static_cast<std::uint32_t>(value);
  }
  std::int64_t Integer() { return fixed_ ? Fixed<std::int64_t>() : Signed(); }
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
    const std::uint64_t size = fixed_ ? Fixed<std::uint16_t>() : Number();
    if (size > kCallTextMax || size > rest_.size()) {
      Bad("a text is longer than the record or its limit");
      return {};
    }
    auto text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }
  std::optional<std::int64_t> Optional() {
    const bool present = Flag();
    if (!fixed_) return present ? std::optional(Signed()) : std::nullopt;
    const auto value = Fixed<std::int64_t>();
    return present ? std::optional(value) : std::nullopt;
  }
  std::optional<domain::Money> Cost() {
    auto value = Optional();
    return value ? std::optional(domain::Money{*value}) : std::nullopt;
  }
  std::int64_t Count() {
    const auto value = fixed_ ? Fixed<std::int64_t>() : static_cast<std::int64_t>(Number());
    if (value < 0) Bad("a count is negative");
    return std::max<std::int64_t>(value, 0);
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
    for (auto left = fixed_ ? Fixed<std::uint16_t>() : Number(); left > 0 && problem_ == nullptr;
         --left) {
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
  bool fixed_ = false;
};

void PutHead(TextWriter& out, CallPart part, const CallIntent& intent) {
  out.Raw(static_cast<char>(part)).Raw(static_cast<char>(kFormat));
  PutText(out, intent.request_id.value);
  PutNumber(out, intent.call_number);
}

// What stands behind the head.
void PutIntent(TextWriter& out, const CallIntent& intent) {
  PutSigned(out, ToUnixMicros(intent.time));
  PutText(out, intent.workspace.value);
  PutText(out, intent.key.value);
  // Nearly always the request's own.
  const bool own = intent.trace_id == intent.request_id.value;
  PutFlag(out, own);
  if (!own) PutText(out, intent.trace_id);
  PutTags(out, intent.tags);
  for (const auto* text : {&intent.dialect, &intent.operation, &intent.route, &intent.model_asked,
                           &intent.model, &intent.provider, &intent.kb}) {
    PutText(out, *text);
  }
  PutTokens(out, intent.estimate);
  PutCost(out, intent.estimate_cost);
  PutText(out, intent.role);
}

struct Head : CallRecordHead {
  std::uint8_t format;
};

Error Unreadable(const Decoder& in) {
  return Error(Code::kCorruption, fmt::format("journal record: {}", in.problem()));
}

// The same in every format so far.
Result<Head> GetHead(Decoder& in) {
  const auto part = in.Byte();
  const auto format = in.Byte();
  if (in.problem() == nullptr && format > kFormat) {
    return Fail(Code::kUnsupported, fmt::format("journal record of format {}, this strata reads up "
                                                "to {}",
                                                format, kFormat));
  }
  Head head{{static_cast<CallPart>(part), {}}, format};
  const auto last = format > kFormatWithoutOutcomes ? CallPart::kOutcome : CallPart::kBoth;
  if (format == 0 || part == 0 || head.part > last) in.Bad("its part is none of ours");
  in.Expect(format);
  head.key.first = in.Text();
  head.key.second = in.CallNumber();
  if (in.problem() != nullptr) return Fail(Unreadable(in));
  return head;
}

void GetIntent(Decoder& in, const Head& head, CallIntent& intent) {
  const auto format = head.format;
  intent.request_id.value = head.key.first;
  intent.call_number = head.key.second;
  intent.time = FromUnixMicros(in.Integer());
  intent.workspace.value = in.Text();
  intent.key.value = in.Text();
  const bool own_trace = format > kFormatOfFixedWidths && in.Flag();
  intent.trace_id = own_trace ? std::string_view(intent.request_id.value) : in.Text();
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

void PutOutcome(TextWriter& out, const CallOutcome& outcome) {
  out.Raw(static_cast<char>(outcome.status));
  PutText(out, outcome.error_code);
  PutText(out, outcome.model_answered);
  PutTokens(out, outcome.usage);
  PutCost(out, outcome.cost);
  PutText(out, outcome.price_date);
  PutSigned(out, outcome.latency_ms);
  PutOptional(out, outcome.ttft_ms);
  const auto& decided = outcome.decided_by;
  for (const auto* text :
       {&decided.router, &decided.guardrail, &decided.prompt, &decided.catalog, &decided.index}) {
    PutText(out, *text);
  }
  PutCost(out, outcome.always_strong);
  PutCost(out, outcome.always_cheap);
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
  outcome.latency_ms = in.Integer();
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
  constexpr std::size_t kUsualBytes = 256;
  std::string bytes;
  TextWriter out(bytes, kUsualBytes);
  PutHead(out, CallPart::kIntent, intent);
  PutIntent(out, intent);
  out.Finish();
  return bytes;
}

std::string EncodeOutcome(const CallIntent& intent, const CallOutcome& outcome) {
  constexpr std::size_t kUsualBytes = 192;
  std::string bytes;
  TextWriter out(bytes, kUsualBytes);
  PutHead(out, CallPart::kOutcome, intent);
  PutOutcome(out, outcome);
  out.Finish();
  return bytes;
}

std::string EncodeFinal(const CallRow& row) {
  constexpr std::size_t kUsualBytes = 448;
  std::string bytes;
  TextWriter out(bytes, kUsualBytes);
  PutHead(out, CallPart::kBoth, row.intent);
  PutIntent(out, row.intent);
  PutOutcome(out, row.outcome);
  out.Finish();
  return bytes;
}

Result<CallRecordHead> HeadOf(std::string_view bytes) {
  Decoder in(bytes);
  STRATA_TRY(CallRecordHead head, GetHead(in));
  return head;
}

Result<> DecodeInto(std::string_view bytes, CallRow& row) {
  Decoder in(bytes);
  STRATA_TRY(auto head, GetHead(in));
  if (head.part != CallPart::kOutcome) GetIntent(in, head, row.intent);
  if (head.part != CallPart::kIntent) GetOutcome(in, head.format, row.outcome);
  if (in.problem() == nullptr && !in.at_end()) in.Bad("bytes follow its end");
  if (in.problem() != nullptr) return Fail(Unreadable(in));
  return {};
}

Result<std::variant<CallIntent, CallRow>> DecodeCallRecord(std::string_view bytes) {
  STRATA_TRY(auto head, HeadOf(bytes));
  if (head.part == CallPart::kOutcome) {
    return Fail(Code::kCorruption, "journal record: an outcome without its intent");
  }
  CallRow row;
  STRATA_CHECK_OK(DecodeInto(bytes, row));
  if (head.part == CallPart::kBoth) return std::variant<CallIntent, CallRow>(std::move(row));
  return std::variant<CallIntent, CallRow>(std::move(row.intent));
}

}  // namespace strata::store
