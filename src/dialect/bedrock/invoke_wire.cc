// InvokeModel that is forwarded: bodies of every vendor go to Bedrock as they came. What the ledger
// needs is read from the vendor's own members, Bedrock's headers and its invocation metrics.

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "dialect/anthropic.h"
#include "dialect/bedrock.h"
#include "dialect/bedrock/invoke_decoder.h"
#include "dialect/bedrock/invoke_format.h"
#include "dialect/event_stream.h"
#include "dialect/json/claude.h"
#include "dialect/json/upstream.h"
#include "dialect/json_scan.h"
#include "dialect/openai.h"

namespace strata::dialect::bedrock {
namespace {

constexpr std::int64_t kCountMax = 1LL << 40;
constexpr std::string_view kMetrics = "amazon-bedrock-invocationMetrics";

// ---- requests ----

template <InvokeFormat format>
Result<domain::ChatRequest> DecodeWhole(std::string_view body) {
  STRATA_TRY(auto root, ParseJson(body));
  return DecodeInvokeChat(format, {}, body, root);
}

Result<domain::ChatRequest> DecodeOther(std::string_view) { return Fail(UnknownFormat()); }

bool ScanClaude(const ScannedObject& body, std::string_view text, domain::ChatRequest& chat) {
  auto metadata = body.TextAt("metadata");
  if (!metadata.empty()) {
    auto object = ScanObject(metadata);
    if (!object || !ScanText(*object, "user_id", chat.user)) return false;
  }
  return HasObjects(body, "messages") && ScanLimit(body, "max_tokens", chat.max_tokens) &&
         chat.max_tokens && !HoldsForeignReasoning(text);
}

bool ScanOpenAi(const ScannedObject& body, domain::ChatRequest& chat, domain::WireRequest& wire) {
  std::string model;
  if (const auto* member = body.Find("model")) wire.model = member->value;
  auto choices = body.TextAt("n");
  if (!choices.empty()) chat.choices = ScannedInteger(choices).value_or(0);
  return ScanText(body, "model", model) && HasObjects(body, "messages") && chat.choices >= 1 &&
         ScanText(body, "user", chat.user) && ScanLimit(body, "max_tokens", chat.max_tokens) &&
         ScanLimit(body, "max_completion_tokens", chat.max_tokens);
}

// false: decode it instead.
bool ScanMembers(InvokeFormat format, const ScannedObject& body, std::string_view text,
                 domain::ChatRequest& chat, domain::WireRequest& wire) {
  switch (format) {
    case InvokeFormat::kAnthropic:
      wire.decode = DecodeWhole<InvokeFormat::kAnthropic>;
      return ScanClaude(body, text, chat);
    case InvokeFormat::kOpenAi:
      wire.decode = DecodeWhole<InvokeFormat::kOpenAi>;
      return ScanOpenAi(body, chat, wire);
    case InvokeFormat::kMeta:
      wire.decode = DecodeWhole<InvokeFormat::kMeta>;
      return body.Find("prompt") != nullptr && ScanLimit(body, "max_gen_len", chat.max_tokens);
    case InvokeFormat::kMistral:
      wire.decode = DecodeWhole<InvokeFormat::kMistral>;
      return body.Find("prompt") != nullptr && ScanLimit(body, "max_tokens", chat.max_tokens);
    case InvokeFormat::kOther:
      wire.decode = DecodeOther;
      return true;
    case InvokeFormat::kTitanEmbed:
    case InvokeFormat::kCohereEmbed:
      break;
  }
  return false;
}

// ---- answers ----

std::int64_t CountAt(const JsonField& object, std::string_view key) {
  auto count = object.Get(key).Integer(0, kCountMax);
  return count ? *count : 0;
}

// Bedrock's own counts, which hold whatever the vendor says.
void ReadMetrics(const JsonField& metrics, domain::Usage& usage) {
  usage.input_tokens = CountAt(metrics, "inputTokenCount");
  usage.output_tokens = CountAt(metrics, "outputTokenCount");
  usage.cache_read_tokens = CountAt(metrics, "cacheReadInputTokenCount");
  usage.cache_write_tokens = CountAt(metrics, "cacheWriteInputTokenCount");
}

void ReadCountHeaders(const HeaderList& headers, domain::Usage& usage) {
  constexpr std::string_view kPrefix = "x-amzn-bedrock-";
  struct Count {
    std::string_view name;
    std::int64_t domain::Usage::* member;
  };
  constexpr std::array<Count, 4> kCounts = {{
      {"input-token-count", &domain::Usage::input_tokens},
      {"output-token-count", &domain::Usage::output_tokens},
      {"cache-read-input-token-count", &domain::Usage::cache_read_tokens},
      {"cache-write-input-token-count", &domain::Usage::cache_write_tokens},
  }};
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (const auto& [name, value] : headers) {
    std::string key(name);
    std::ranges::transform(key, key.begin(), lower);
    if (!key.starts_with(kPrefix)) continue;
    for (const auto& count : kCounts) {
      auto number = key.substr(kPrefix.size()) == count.name ? ScannedInteger(value) : std::nullopt;
      if (number && *number >= 0) usage.*count.member = *number;
    }
  }
}

template <InvokeFormat format>
Result<WireFacts> Read(std::string_view body, const HeaderList& headers) {
  WireFacts facts;
  if constexpr (format == InvokeFormat::kAnthropic) {
    STRATA_TRY(facts, anthropic::ReadWireAnswer(body));
  } else if constexpr (format == InvokeFormat::kOpenAi) {
    STRATA_TRY(facts, openai::ReadWireAnswer(body));
  } else if constexpr (format != InvokeFormat::kOther) {
    // A body whose format only its members told may be answered in another: it is not ours to read.
    auto answer = DecodePromptResponse(format, body);
    if (answer.has_value()) {
      facts.usage = answer->usage;
      facts.stop_reason = answer->stop_reason;
    } else if (!ScanObject(body)) {
      return Fail(std::move(answer.error()));
    }
  }
  if (facts.usage.TotalTokens() == 0) ReadCountHeaders(headers, facts.usage);
  return facts;
}

// A stream of frames that hold the vendor's own stream JSON; Bedrock puts its metrics into the
// last.
class InvokeTap final : public EventMessageWireTap {
 private:
  Result<Verdict> OnEvent(std::string_view event) override;
  Result<Verdict> OnChunk(std::string_view json);
  bool WholeWithoutEnd() const override { return stopped_; }

  bool stopped_ = false;
};

Result<InvokeTap::Verdict> InvokeTap::OnEvent(std::string_view event) {
  auto message = ViewEventMessage(event);
  if (!message) return Fail(AsUpstreamFault(std::move(message.error())));
  if (message->kind == "error") return Fail(UpstreamStreamError(message->type, message->text));
  if (message->kind == "exception") {
    auto root = ParseJson(message->payload);
    auto said = root ? JsonField(*root).TextAt("message") : std::string();
    return Fail(UpstreamStreamError(message->type, said));
  }
  if (message->type != "chunk") return Verdict::kPass;
  auto json = BytesOfChunk(message->payload);
  if (!json) return Fail(std::move(json.error()));
  return OnChunk(*json);
}

Result<InvokeTap::Verdict> InvokeTap::OnChunk(std::string_view json) {
  const bool stops = MayHaveMember(json, R"("stop_reason")") ||
                     MayHaveMember(json, R"("finish_reason")") ||
                     MayHaveMember(json, R"("completionReason")");
  const bool counts = json.find(kMetrics) != json.npos;
  if (!stops && !counts) return Verdict::kPass;
  auto root = ParseJson(json);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField body(*root);
  if (stops) stopped_ = true;
  if (auto reason = PromptStop(body)) facts_.stop_reason = *reason;
  auto metrics = body.Get(kMetrics);
  if (!metrics.present()) return Verdict::kPass;
  ReadMetrics(metrics, facts_.usage);
  return Verdict::kTail;
}

template <InvokeFormat format>
constexpr WireCodec CodecOf(std::string_view name) {
  WireCodec codec{.format = name,
                  .read = Read<format>,
                  .make_tap = [](const domain::WireRequest&) -> std::unique_ptr<WireTap> {
                    return std::make_unique<InvokeTap>();
                  },
                  .decode = nullptr,
                  .make_decoder = nullptr};
  if constexpr (format == InvokeFormat::kAnthropic) {
    codec.decode = anthropic::DecodeChatResponse;
  } else if constexpr (format == InvokeFormat::kOpenAi) {
    codec.decode = openai::DecodeChatResponse;
  } else if constexpr (format != InvokeFormat::kOther) {
    codec.decode = [](std::string_view body) { return DecodePromptResponse(format, body); };
  }
  if constexpr (format != InvokeFormat::kOther) {
    codec.make_decoder = [] { return MakeInvokeStreamDecoder(format); };
  }
  return codec;
}

struct Codec {
  InvokeFormat format;
  WireCodec codec;
};
constexpr std::array<Codec, 5> kCodecs = {{
    {InvokeFormat::kAnthropic, CodecOf<InvokeFormat::kAnthropic>("bedrock.invoke.anthropic")},
    {InvokeFormat::kOpenAi, CodecOf<InvokeFormat::kOpenAi>("bedrock.invoke.openai")},
    {InvokeFormat::kMeta, CodecOf<InvokeFormat::kMeta>("bedrock.invoke.meta")},
    {InvokeFormat::kMistral, CodecOf<InvokeFormat::kMistral>("bedrock.invoke.mistral")},
    {InvokeFormat::kOther, CodecOf<InvokeFormat::kOther>("bedrock.invoke")},
}};

}  // namespace

Result<InvokeRequest> ScanInvoke(std::string_view model_id, std::string body,
                                 domain::WireHeaders headers) {
  auto scanned = ScanObject(body);
  if (!scanned) return DecodeInvoke(model_id, body);
  const auto format = FormatOf(model_id, [&](std::string_view member) {
                        return scanned->Find(member) != nullptr;
                      }).value_or(InvokeFormat::kOther);
  auto wire = std::make_shared<domain::WireRequest>();
  domain::ChatRequest chat;
  const auto at = std::ranges::find(kCodecs, format, &Codec::format);
  if (at == kCodecs.end() || !ScanMembers(format, *scanned, body, chat, *wire)) {
    return DecodeInvoke(model_id, body);
  }
  wire->format = at->codec.format;
  wire->body = std::move(body);
  wire->headers = std::move(headers);
  chat.wire = std::move(wire);
  chat.wire_only = true;
  return InvokeRequest{.format = format, .call = std::move(chat), .embedding_types = {}};
}

const WireCodec* InvokeWire(std::string_view wire_format) {
  for (const auto& known : kCodecs) {
    if (known.codec.format == wire_format) return &known.codec;
  }
  return nullptr;
}

}  // namespace strata::dialect::bedrock
