#include "store/call_row.h"

#include <gtest/gtest.h>

#include <concepts>
#include <initializer_list>
#include <limits>
#include <type_traits>

#include "store/call_key.h"

namespace strata::store {
namespace {

CallIntent SomeIntent() {
  CallIntent intent;
  intent.request_id = {"0123456789abcdef0123456789abcdef"};
  intent.call_number = 3;
  intent.time = FromUnixMicros(1'700'000'000'123'456);
  intent.workspace = {"default"};
  intent.key = {"key_1"};
  intent.trace_id = "0123456789abcdef0123456789abcdef";
  intent.tags = {{"team", "blue"}, {"", "empty name"}, {"empty value", ""}};
  intent.dialect = "openai";
  intent.operation = "chat";
  intent.route = "cheap: short question";
  intent.model_asked = "auto";
  intent.model = "builtin/smollm2";
  intent.provider = "builtin";
  intent.kb = "handbook";
  intent.estimate = {.input_tokens = 10, .output_tokens = 20};
  intent.estimate_cost = domain::Money{-1};
  intent.role = "ask";
  return intent;
}

CallRow SomeRow() {
  CallRow row{SomeIntent(), {}};
  row.outcome.status = CallStatus::kError;
  row.outcome.error_code = "unavailable";
  row.outcome.model_answered = "smollm2";
  row.outcome.usage = {1, 2, 3, 4, 5, true};
  row.outcome.cost = domain::Money{std::numeric_limits<std::int64_t>::max()};
  row.outcome.price_date = "2026-11-01";
  row.outcome.latency_ms = 1234;
  row.outcome.ttft_ms = 56;
  row.outcome.decided_by = {"r1", "g2", "p3", "c4", "kb@5"};
  row.outcome.always_strong = domain::Money{77};
  return row;
}

TEST(CallRow, AnIntentComesBackAsItWas) {
  auto record = DecodeCallRecord(EncodeIntent(SomeIntent()));
  ASSERT_TRUE(record.has_value()) << record.error().message();
  EXPECT_EQ(std::get<CallIntent>(*record), SomeIntent());
}

TEST(CallRow, AFinalComesBackAsItWas) {
  auto record = DecodeCallRecord(EncodeFinal(SomeRow()));
  ASSERT_TRUE(record.has_value()) << record.error().message();
  const auto& row = std::get<CallRow>(*record);
  EXPECT_EQ(row.intent, SomeIntent());
  EXPECT_EQ(EncodeFinal(row), EncodeFinal(SomeRow()));
  EXPECT_EQ(row.outcome.usage, SomeRow().outcome.usage);
  EXPECT_EQ(row.outcome.ttft_ms, 56);
  EXPECT_EQ(row.outcome.decided_by.index, "kb@5");
  EXPECT_EQ(row.outcome.always_strong, domain::Money{77});
  EXPECT_EQ(row.outcome.always_cheap, std::nullopt);
}

// As formats 1 and 2 wrote: lengths and numbers of fixed width, little endian.
class Fixed {
 public:
  template <std::integral T>
  Fixed& Put(T value) {
    const auto bits = static_cast<std::make_unsigned_t<T>>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>(bits >> (8 * i));
    return *this;
  }
  Fixed& Text(std::string_view text) {
    Put(static_cast<std::uint16_t>(text.size()));
    bytes += text;
    return *this;
  }
  Fixed& Numbers(std::initializer_list<std::int64_t> values) {
    for (auto value : values) Put(value);
    return *this;
  }

  std::string bytes;
};

Fixed OldIntent(std::uint8_t kind, std::uint8_t format) {
  const auto intent = SomeIntent();
  Fixed out;
  out.Put(kind).Put(format).Text(intent.request_id.value).Put(intent.call_number);
  out.Put(ToUnixMicros(intent.time)).Text(intent.workspace.value).Text(intent.key.value);
  out.Text(intent.trace_id).Put(static_cast<std::uint16_t>(intent.tags.size()));
  for (const auto& [name, value] : intent.tags) out.Text(name).Text(value);
  out.Text(intent.dialect).Text(intent.operation).Text(intent.route).Text(intent.model_asked);
  out.Text(intent.model).Text(intent.provider).Text(intent.kb);
  out.Numbers({10, 20, 0, 0, 0}).Put(std::uint8_t{0}).Put(std::uint8_t{1}).Numbers({-1});
  if (format > 1) out.Text(intent.role);
  return out;
}

TEST(CallRow, ARecordOfTheFirstFormatIsReadWithoutARole) {
  auto intent = SomeIntent();
  intent.role.clear();
  const auto bytes = OldIntent(1, 1).bytes;
  auto record = DecodeCallRecord(bytes);
  ASSERT_TRUE(record.has_value()) << record.error().message();
  EXPECT_EQ(std::get<CallIntent>(*record), intent);
  auto head = HeadOf(bytes);
  ASSERT_TRUE(head.has_value()) << head.error().message();
  EXPECT_EQ(head->part, CallPart::kIntent);
  EXPECT_EQ(head->key, CallKeyView(intent.request_id.value, intent.call_number));
}

TEST(CallRow, ARecordOfTheSecondFormatIsRead) {
  auto out = OldIntent(2, 2);
  out.Put(std::uint8_t{2}).Text("unavailable").Text("smollm2").Numbers({1, 2, 3, 4, 5});
  out.Put(std::uint8_t{1}).Put(std::uint8_t{1});
  out.Numbers({std::numeric_limits<std::int64_t>::max()}).Text("2026-11-01").Numbers({1234});
  out.Put(std::uint8_t{1}).Numbers({56}).Text("r1").Text("g2").Text("p3").Text("c4").Text("kb@5");
  out.Put(std::uint8_t{1}).Numbers({77}).Put(std::uint8_t{0}).Numbers({0});
  CallRow row;
  EXPECT_TRUE(DecodeInto(out.bytes, row).has_value());
  EXPECT_EQ(EncodeFinal(row), EncodeFinal(SomeRow()));
}

TEST(CallRow, ARecordOfTheThirdFormatIsRead) {
  auto bytes = EncodeFinal(SomeRow());
  bytes[1] = 3;
  CallRow row;
  EXPECT_TRUE(DecodeInto(bytes, row).has_value());
  EXPECT_EQ(EncodeFinal(row), EncodeFinal(SomeRow()));
  auto outcome = EncodeOutcome(SomeIntent(), SomeRow().outcome);
  outcome[1] = 3;
  EXPECT_EQ(HeadOf(outcome).error().code(), Code::kCorruption) << "it had none";
}

TEST(CallRow, TheTwoPartsOfACallMakeItWhole) {
  const auto row = SomeRow();
  const auto outcome = EncodeOutcome(row.intent, row.outcome);
  CallRow joined;
  ASSERT_TRUE(DecodeInto(outcome, joined).has_value());
  ASSERT_TRUE(DecodeInto(EncodeIntent(row.intent), joined).has_value());
  EXPECT_EQ(EncodeFinal(joined), EncodeFinal(row));
  EXPECT_LT(outcome.size() + EncodeIntent(row.intent).size(),
            EncodeFinal(row).size() + row.intent.request_id.value.size() + 8);
  EXPECT_EQ(DecodeCallRecord(outcome).error().code(), Code::kCorruption) << "it is half of one";
}

TEST(CallRow, ATraceOfAnotherRequestIsKept) {
  auto intent = SomeIntent();
  const auto own = EncodeIntent(intent).size();
  intent.trace_id = "another";
  auto record = DecodeCallRecord(EncodeIntent(intent));
  ASSERT_TRUE(record.has_value()) << record.error().message();
  EXPECT_EQ(std::get<CallIntent>(*record).trace_id, "another");
  EXPECT_EQ(EncodeIntent(intent).size(), own + 8);
}

TEST(CallRow, NumbersTakeTheBytesThatTheyNeed) {
  auto row = SomeRow();
  row.intent.estimate = {};
  row.outcome.latency_ms = 63;
  const auto small = EncodeFinal(row).size();
  row.outcome.latency_ms = -64;
  EXPECT_EQ(EncodeFinal(row).size(), small);
  for (auto value : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-65},
                     std::numeric_limits<std::int64_t>::max()}) {
    row.outcome.latency_ms = value;
    row.intent.estimate.input_tokens = std::max<std::int64_t>(value, 0);
    CallRow back;
    EXPECT_TRUE(DecodeInto(EncodeFinal(row), back).has_value());
    EXPECT_EQ(back.outcome.latency_ms, value);
    EXPECT_EQ(back.intent.estimate, row.intent.estimate);
  }
}

TEST(HeadOf, NamesTheCallAndThePart) {
  const auto row = SomeRow();
  const CallKeyView key(row.intent.request_id.value, row.intent.call_number);
  const std::pair<CallPart, std::string> records[] = {
      {CallPart::kIntent, EncodeIntent(row.intent)},
      {CallPart::kBoth, EncodeFinal(row)},
      {CallPart::kOutcome, EncodeOutcome(row.intent, row.outcome)}};
  for (const auto& [part, bytes] : records) {
    auto head = HeadOf(bytes);
    ASSERT_TRUE(head.has_value()) << head.error().message();
    EXPECT_EQ(head->part, part);
    EXPECT_EQ(head->key, key);
    EXPECT_EQ(HeadOf(bytes.substr(0, 5)).error().code(), Code::kCorruption);
    auto newer = bytes;
    newer[1] = 5;
    EXPECT_EQ(HeadOf(newer).error().code(), Code::kUnsupported);
  }
  EXPECT_EQ(HeadOf("").error().code(), Code::kCorruption);
  EXPECT_EQ(HeadOf(std::string("\0\4", 2)).error().code(), Code::kCorruption);
}

TEST(CallRow, UnknownPriceIsNotZero) {
  auto row = SomeRow();
  row.outcome.cost = std::nullopt;
  row.outcome.ttft_ms = std::nullopt;
  auto record = DecodeCallRecord(EncodeFinal(row));
  EXPECT_EQ(std::get<CallRow>(*record).outcome.cost, std::nullopt);
  EXPECT_EQ(std::get<CallRow>(*record).outcome.ttft_ms, std::nullopt);
}

TEST(CallRow, LongTextsAreCutAtACharacterAndTagsDropped) {
  auto intent = SomeIntent();
  intent.model_asked = std::string(255, 'a') + "é";
  for (int i = 0; i < 1000; ++i) intent.tags["tag" + std::to_string(i)] = std::string(300, 'x');
  auto bytes = EncodeIntent(intent);
  EXPECT_LT(bytes.size(), 9000U);
  auto record = DecodeCallRecord(bytes);
  ASSERT_TRUE(record.has_value()) << record.error().message();
  const auto& cut = std::get<CallIntent>(*record);
  EXPECT_EQ(cut.model_asked, std::string(255, 'a'));
  EXPECT_LT(cut.tags.size(), 20U);
  EXPECT_EQ(cut.tags.begin()->first, "");
}

TEST(CallRow, AFinalFitsTheRoomThatItsIntentReserves) {
  auto row = SomeRow();
  std::string longest(1000, 'x');
  row.outcome.error_code = row.outcome.model_answered = row.outcome.price_date = longest;
  row.outcome.decided_by = {longest, longest, longest, longest, longest};
  EXPECT_LE(EncodeFinal(row).size(), EncodeIntent(row.intent).size() + kCallOutcomeBytesMax);
  row.intent.request_id.value = longest;
  row.intent.call_number = std::numeric_limits<std::uint32_t>::max();
  EXPECT_LE(EncodeOutcome(row.intent, row.outcome).size(), kOutcomeRecordBytesMax);
}

TEST(CallRow, CountsBelowZeroAreStoredAsZero) {
  auto row = SomeRow();
  row.outcome.usage.output_tokens = -5;
  auto record = DecodeCallRecord(EncodeFinal(row));
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(std::get<CallRow>(*record).outcome.usage.output_tokens, 0);
}

TEST(CallRow, EveryCutAndEveryStrangeByteIsRefusedOrRead) {
  auto decode = [](std::string_view bytes) {
    CallRow row;
    return DecodeInto(bytes, row);
  };
  for (const auto& bytes :
       {EncodeFinal(SomeRow()), EncodeOutcome(SomeIntent(), SomeRow().outcome)}) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(decode(bytes.substr(0, size)).has_value()) << size;
    }
    EXPECT_FALSE(decode(bytes + "x").has_value());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      auto changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ 0xff);
      auto read = decode(changed);  // must not crash; most are refused
      if (!read.has_value()) {
        EXPECT_NE(read.error().code(), Code::kInternal);
      }
    }
  }
}

TEST(CallRow, ANewerFormatIsNamedAsSuch) {
  auto bytes = EncodeIntent(SomeIntent());
  bytes[1] = 5;
  EXPECT_EQ(DecodeCallRecord(bytes).error().code(), Code::kUnsupported);
}

TEST(CallRow, AnInterruptedCallIsChargedItsEstimate) {
  auto row = InterruptedRow(SomeIntent());
  EXPECT_EQ(row.outcome.status, CallStatus::kInterrupted);
  EXPECT_EQ(row.outcome.usage.output_tokens, 20);
  EXPECT_TRUE(row.outcome.usage.estimated);
  EXPECT_EQ(row.outcome.cost, row.intent.estimate_cost);
}

TEST(CallRow, StatusNamesComeBack) {
  for (auto status : {CallStatus::kOk, CallStatus::kError, CallStatus::kCancelled,
                      CallStatus::kInterrupted, CallStatus::kBlocked}) {
    EXPECT_EQ(ParseCallStatus(CallStatusName(status)), status);
  }
  EXPECT_EQ(ParseCallStatus("fine"), std::nullopt);
}

}  // namespace
}  // namespace strata::store
