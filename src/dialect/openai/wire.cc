// Chat completions that are forwarded: the scan of a request, the reading of an answer.

#include "dialect/wire.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "dialect/json/extra.h"
#include "dialect/json/upstream.h"
#include "dialect/json_scan.h"
#include "dialect/openai.h"
#include "dialect/openai/message.h"
#include "dialect/openai/parts.h"

namespace strata::dialect::openai {
namespace {

// Scans one body; false: decode it instead.
class RequestScan {
 public:
  RequestScan(const ScannedObject& body, ChatCompletionRequest& out, domain::WireRequest& wire)
      : body_(body), out_(out), wire_(wire) {}

  bool Run() {
    const auto* model = body_.Find("model");
    if (model == nullptr) return false;
    wire_.model = model->value;
    auto& chat = out_.chat;
    return ScanText(body_, "model", chat.model) && !chat.model.empty() &&
           HasObjects(body_, "messages") && ScanText(body_, "user", chat.user) &&
           (!chat.user.empty() || ScanText(body_, "safety_identifier", chat.user)) &&
           ScanText(body_, "service_tier", chat.service_tier) &&
           ScanLimit(body_, "max_tokens", chat.max_tokens) &&
           ScanLimit(body_, "max_completion_tokens", chat.max_tokens) && Choices() &&
           ScanTags(body_, "metadata", chat.metadata) && Stream();
  }

 private:
  bool Choices() {
    auto json = body_.TextAt("n");
    if (json.empty()) return true;
    auto choices = ScannedInteger(json);
    if (choices) out_.chat.choices = *choices;
    return choices && *choices >= 1;
  }

  bool Stream() {
    auto json = body_.TextAt("stream");
    if (json.empty()) return true;
    auto stream = ScannedBool(json);
    if (!stream) return false;
    out_.chat.stream = *stream;
    return !*stream || Usage();
  }

  // Streams always tell their usage; a client that did not ask does not see it.
  bool Usage() {
    constexpr std::string_view kAsked = R"({"include_usage":true})";
    auto named = std::ranges::find(body_.members(), "stream_options", &ScannedMember::key);
    if (named == body_.members().end()) {
      const auto& first = body_.members().front().value;
      wire_.usage = {first.end, first.end};
      wire_.usage_text = std::string(R"(,"stream_options":)").append(kAsked);
      return true;
    }
    if (body_.TextOf(*named) == "null") {
      wire_.usage = named->value;
      wire_.usage_text = kAsked;
      return true;
    }
    return UsageOf(*named);
  }

  bool UsageOf(const ScannedMember& options_member) {
    auto options = ScanObject(body_.TextOf(options_member));
    if (!options) return false;
    const auto at = options_member.value.start;
    auto asked = std::ranges::find(options->members(), "include_usage", &ScannedMember::key);
    if (asked == options->members().end()) {
      wire_.usage = {at + 1, at + 1};
      wire_.usage_text =
          options->members().empty() ? R"("include_usage":true)" : R"("include_usage":true,)";
      return true;
    }
    auto json = options->TextOf(*asked);
    out_.include_usage = json == "true";
    if (out_.include_usage) return true;
    wire_.usage = {at + asked->value.start, at + asked->value.end};
    wire_.usage_text = "true";
    return json == "false" || json == "null";
  }

  const ScannedObject& body_;
  ChatCompletionRequest& out_;
  domain::WireRequest& wire_;
};

// The answers that a body asks for; most say nothing of it.
std::int64_t ChoicesOf(std::string_view body) {
  if (!MayHaveMember(body, R"("n")")) return 1;
  auto scanned = ScanObject(body);
  const auto choices = scanned ? ScannedInteger(scanned->TextAt("n")) : std::nullopt;
  return std::max<std::int64_t>(choices.value_or(1), 1);
}

Result<domain::ChatRequest> DecodeWhole(std::string_view body) {
  STRATA_TRY(auto request, DecodeChatRequest(body));
  return std::move(request.chat);
}

// The value of the first member `finish_reason` that is a string; "" for none. Names inside of
// texts are escaped there, so they are not taken for one.
std::string_view FinishReasonIn(std::string_view json) {
  constexpr std::string_view kName = R"("finish_reason")";
  auto at = json.find(kName);
  if (at == json.npos) return {};
  at = json.find_first_not_of(" \t\r\n:", at + kName.size());
  if (at == json.npos || json[at] != '"') return {};
  return json.substr(at + 1, json.find('"', at + 1) - at - 1);
}

// A count of a scanned object: 0 when it is absent, nullopt when it is not a plain whole number.
std::optional<std::int64_t> ScannedCount(const ScannedObject& object, std::string_view key) {
  auto json = object.TextAt(key);
  if (json.empty()) return 0;
  auto count = ScannedInteger(json);
  return count && *count >= 0 && *count <= domain::kTokensMax ? count : std::nullopt;
}

// Of an object inside of the object.
std::optional<std::int64_t> ScannedCount(const ScannedObject& object, std::string_view part,
                                         std::string_view key) {
  auto json = object.TextAt(part);
  if (json.empty()) return 0;
  auto inner = ScanObject(json);
  return inner ? ScannedCount(*inner, key) : std::nullopt;
}

// As ReadUsage, without a tree; nullopt where only that can tell what is meant.
std::optional<domain::Usage> ScanUsage(std::string_view json) {
  auto usage = ScanObject(json);
  if (!usage) return std::nullopt;
  auto all = ScannedCount(*usage, "prompt_tokens");
  auto output = ScannedCount(*usage, "completion_tokens");
  auto read = ScannedCount(*usage, "prompt_tokens_details", "cached_tokens");
  if (read && *read == 0) read = ScannedCount(*usage, "prompt_cache_hit_tokens");  // DeepSeek
  auto written = ScannedCount(*usage, "prompt_tokens_details", "cache_write_tokens");
  auto reasoning = ScannedCount(*usage, "completion_tokens_details", "reasoning_tokens");
  if (!all || !output || !read || !written || !reasoning) return std::nullopt;
  domain::Usage out;
  out.input_tokens = std::max<std::int64_t>(*all - *read - *written, 0);
  out.output_tokens = *output;
  out.cache_read_tokens = *read;
  out.cache_write_tokens = *written;
  out.reasoning_tokens = *reasoning;
  return out;
}

domain::Usage UsageIn(std::string_view json) {
  if (json.empty()) return {};
  if (auto scanned = ScanUsage(json)) return *scanned;
  auto parsed = ParseJson(json);
  return parsed ? ReadUsage(JsonField(*parsed)) : domain::Usage{};
}

class ChunkTap final : public SseWireTap {
 public:
  ChunkTap(bool hide_usage, std::int64_t choices) : hide_usage_(hide_usage), choices_(choices) {}

 private:
  Result<Verdict> OnEvent(std::string_view event) override;
  Result<Verdict> OnChunk(const ScannedObject& chunk);
  void OnChoices(std::string_view choices);
  // Some servers close without [DONE]; a finish reason of every choice makes the answer whole.
  bool WholeWithoutEnd() const override {
    return std::cmp_greater_equal(finished_.size(), choices_);
  }
  bool MayFinish(std::string_view data) const {
    return choices_ == 1 ? !FinishReasonIn(data).empty()
                         : MayHaveMember(data, R"("finish_reason")");
  }

  bool hide_usage_;
  std::int64_t choices_;             // that were asked for
  std::set<std::int64_t> finished_;  // their places
  bool started_ = false;
  std::string scratch_;
};

Result<ChunkTap::Verdict> ChunkTap::OnEvent(std::string_view event) {
  auto data = SseDataOf(event, scratch_);
  if (data.empty()) return Verdict::kPass;
  if (data == "[DONE]") {
    if (!started_) return Fail(Code::kUnavailable, "the provider's stream was empty");
    return Verdict::kEnd;
  }
  if (started_ && !MayFinish(data) && !MayHaveMember(data, R"("usage")") &&
      !MayHaveMember(data, R"("error")")) {
    return Verdict::kPass;
  }
  auto chunk = ScanObject(data);
  if (!chunk) {
    return Fail(Code::kUnavailable,
                "the provider's answer is not what it promises: an event is not a JSON object");
  }
  return OnChunk(*chunk);
}

void ChunkTap::OnChoices(std::string_view choices) {
  if (choices_ == 1) {
    const auto reason = FinishReasonIn(choices);
    if (reason.empty()) return;
    finished_.insert(0);
    facts_.stop_reason = StopReasonOf(reason);
    return;
  }
  auto parsed = choices.empty() ? Result<JsonValue>(JsonValue()) : ParseJson(choices);
  if (!parsed) return;
  JsonField list(*parsed);
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto choice = list.Item(i);
    const auto reason = choice.TextAt("finish_reason");
    const auto place = choice.Get("index").Integer(0, choices_ - 1);
    if (reason.empty() || !place) continue;
    finished_.insert(*place);
    facts_.stop_reason = StopReasonOf(reason);
  }
}

Result<ChunkTap::Verdict> ChunkTap::OnChunk(const ScannedObject& chunk) {
  if (auto text = chunk.TextAt("error"); !text.empty()) {
    auto parsed = ParseJson(text);
    if (!parsed) return Fail(AsUpstreamFault(std::move(parsed.error())));
    JsonField error(*parsed);
    auto said = parsed->string() != nullptr ? *parsed->string() : error.TextAt("message");
    return Fail(UpstreamStreamError(error.TextAt("type"), said));
  }
  if (!std::exchange(started_, true)) {
    if (auto model = ScannedString(chunk.TextAt("model"))) facts_.model = std::move(*model);
  }
  auto choices = chunk.TextAt("choices");
  OnChoices(choices);
  auto usage = chunk.TextAt("usage");
  if (usage.empty()) return Verdict::kPass;
  facts_.usage = UsageIn(usage);
  const bool only_usage = choices.find('{') == choices.npos;
  return hide_usage_ && only_usage ? Verdict::kDrop : Verdict::kPass;
}

}  // namespace

Result<ChatCompletionRequest> ScanChatRequest(std::string body, domain::WireHeaders headers) {
  auto wire = std::make_shared<domain::WireRequest>();
  ChatCompletionRequest out;
  auto scanned = ScanObject(body);
  if (!scanned || HoldsOtherCase(*scanned, kRequestMembers) ||
      HoldsOtherCase(*scanned, kKeptMembers) || !RequestScan(*scanned, out, *wire).Run()) {
    return DecodeChatRequest(body);
  }
  wire->format = kWireFormat;
  wire->body = std::move(body);
  wire->headers = std::move(headers);
  wire->decode = DecodeWhole;
  out.chat.wire = std::move(wire);
  out.chat.wire_only = true;
  return out;
}

Result<WireFacts> ReadWireAnswer(std::string_view body) {
  auto scanned = ScanObject(body);
  auto choices = scanned ? scanned->TextAt("choices") : std::string_view();
  if (choices.find('{') == choices.npos) {
    // Says what is wrong, or that the scan was too strict.
    STRATA_TRY(auto answer, DecodeChatResponse(body));
    return WireFacts{
        .model = std::move(answer.model), .usage = answer.usage, .stop_reason = answer.stop_reason};
  }
  WireFacts facts;
  if (auto model = ScannedString(scanned->TextAt("model"))) facts.model = std::move(*model);
  facts.usage = UsageIn(scanned->TextAt("usage"));
  facts.stop_reason = StopReasonOf(FinishReasonIn(choices));
  return facts;
}

std::unique_ptr<WireTap> MakeWireTap(bool hide_usage, std::int64_t choices) {
  return std::make_unique<ChunkTap>(hide_usage, choices);
}

const WireCodec& ChatWire() {
  static constexpr WireCodec kCodec{
      .format = kWireFormat,
      .read = [](std::string_view body, const HeaderList&) { return ReadWireAnswer(body); },
      .make_tap =
          [](const domain::WireRequest& wire) {
            return MakeWireTap(wire.hides_usage(), ChoicesOf(wire.body));
          },
      .decode = DecodeChatResponse,
      .make_decoder = MakeStreamDecoder};
  return kCodec;
}

}  // namespace strata::dialect::openai
