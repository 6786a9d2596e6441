// Responses that are forwarded: the scan of a request, the reading of an answer.

#include "dialect/wire.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "dialect/json/extra.h"
#include "dialect/json_scan.h"
#include "dialect/responses/answer.h"
#include "dialect/responses/turns.h"
#include "dialect/responses_wire.h"

namespace strata::dialect::responses {
namespace {

bool Holds(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// Whether a member's value begins with our seal; quotes inside of texts have a backslash in front.
bool HoldsSeal(std::string_view json) {
  const auto value = '"' + std::string(kSeal);
  for (auto at = json.find(value); at != json.npos; at = json.find(value, at + 1)) {
    const auto before = json.find_last_not_of(" \t\r\n", at == 0 ? 0 : at - 1);
    if (at > 0 && before != json.npos && json[before] == ':') return true;
  }
  return false;
}

// Scans one body; false: decode it instead.
class RequestScan {
 public:
  RequestScan(const ScannedObject& body, Scanned& out) : body_(body), out_(out) {}

  bool Run() {
    const auto* model = body_.Find("model");
    if (model == nullptr) return false;
    out_.model = model->value;
    auto& chat = out_.chat;
    return ScanText(body_, "model", chat.model) && !chat.model.empty() && User() &&
           ScanText(body_, "service_tier", chat.service_tier) &&
           ScanText(body_, "previous_response_id", out_.previous_response_id) &&
           ScanLimit(body_, "max_output_tokens", chat.max_tokens) &&
           ScanTags(body_, "metadata", chat.metadata) && Flag("stream", chat.stream) &&
           Flag("store", out_.store) && Flag("background", out_.background) && Conversation();
  }

 private:
  // As DecodeRequest: one of the two stands for the end user.
  bool User() {
    std::string safety;
    if (!ScanText(body_, "user", out_.chat.user)) return false;
    if (!ScanText(body_, "safety_identifier", safety)) return false;
    if (out_.chat.user.empty()) out_.chat.user = std::move(safety);
    return true;
  }

  bool Flag(std::string_view key, bool& out) {
    auto json = body_.TextAt(key);
    if (json.empty()) return true;
    auto flag = ScannedBool(json);
    if (flag) out = *flag;
    return flag.has_value();
  }

  // An id, or an object that holds it.
  bool Conversation() {
    auto json = body_.TextAt("conversation");
    if (json.empty()) return true;
    if (json.starts_with('"')) return ScanText(body_, "conversation", out_.conversation);
    auto object = ScanObject(json);
    return object && ScanText(*object, "id", out_.conversation) && !out_.conversation.empty();
  }

  const ScannedObject& body_;
  Scanned& out_;
};

Result<domain::ChatRequest> DecodeWhole(std::string_view body) {
  STRATA_TRY(auto request, DecodeForForwarding(body));
  return std::move(request.chat);
}

// That it is to be compacted is said in no other form, so that nobody answers it as a question.
Result<domain::ChatRequest> DecodeCompact(std::string_view body) {
  STRATA_TRY(auto request, DecodeForForwarding(body));
  request.chat.extra.text = R"({"compact":true})";
  request.chat.extra_dialect = kWireFormat;
  return std::move(request.chat);
}

// As ReadUsage, without a tree.
std::int64_t CountAt(const ScannedObject& object, std::string_view key) {
  auto count = ScannedInteger(object.TextAt(key)).value_or(0);
  return std::clamp<std::int64_t>(count, 0, domain::kTokensMax);
}

std::int64_t CountAt(const ScannedObject& object, std::string_view part, std::string_view key) {
  auto inner = ScanObject(object.TextAt(part));
  return inner ? CountAt(*inner, key) : 0;
}

domain::Usage UsageIn(std::string_view json) {
  domain::Usage out;
  auto usage = ScanObject(json);
  if (!usage) return out;
  const auto all = CountAt(*usage, "input_tokens");
  out.cache_read_tokens = CountAt(*usage, "input_tokens_details", "cached_tokens");
  out.cache_write_tokens = CountAt(*usage, "input_tokens_details", "cache_write_tokens");
  out.input_tokens =
      std::max<std::int64_t>(all - out.cache_read_tokens - out.cache_write_tokens, 0);
  out.output_tokens = CountAt(*usage, "output_tokens");
  out.reasoning_tokens = CountAt(*usage, "output_tokens_details", "reasoning_tokens");
  return out;
}

// Quotes inside of texts are escaped, so that a type's name in quotes is no text.
domain::StopReason StopReasonIn(const ScannedObject& response) {
  auto details = ScanObject(response.TextAt("incomplete_details"));
  auto output = response.TextAt("output");
  return StopReasonOf({.incomplete = details ? ScannedString(details->TextAt("reason")).value_or("")
                                             : std::string(),
                       .calls = Holds(output, R"("function_call")"),
                       .refused = Holds(output, R"("refusal")")});
}

void ReadFacts(const ScannedObject& response, WireFacts& facts) {
  if (auto model = ScannedString(response.TextAt("model"))) facts.model = std::move(*model);
  if (auto usage = response.TextAt("usage"); !usage.empty()) facts.usage = UsageIn(usage);
  facts.stop_reason = StopReasonIn(response);
}

bool IsPending(const ScannedObject& response) {
  const auto status = ScannedString(response.TextAt("status"));
  return status == "queued" || status == "in_progress";
}

// The failure that an `error` object, or an event of that type, tells.
Error FailureIn(const ScannedObject& error) {
  auto code = ScannedString(error.TextAt("code"));
  if (!code) code = ScannedString(error.TextAt("type"));
  return FailureOf(code.value_or(""), ScannedString(error.TextAt("message")).value_or(""));
}

Error Broken(std::string_view what) {
  return Error(Code::kUnavailable,
               "the provider's answer is not what it promises: " + std::string(what));
}

class ResponseTap final : public SseWireTap {
 private:
  Result<Verdict> OnEvent(std::string_view event) override;
  Result<Verdict> OnResponse(std::string_view type, const ScannedObject& data);

  std::string scratch_;
};

// Most events go by unread: only those whose type says that they hold the response, or an error.
Result<ResponseTap::Verdict> ResponseTap::OnEvent(std::string_view event) {
  constexpr std::string_view kRead[] = {"response.created",   "response.queued",
                                        "response.completed", "response.incomplete",
                                        "response.failed",    "error"};
  auto type = std::string(SseNameOf(event));
  if (!type.empty() && std::ranges::find(kRead, type) == std::end(kRead)) return Verdict::kPass;
  auto text = SseDataOf(event, scratch_);
  if (text.empty() || text == "[DONE]") return Verdict::kPass;
  auto data = ScanObject(text);
  if (!data) return Fail(Broken("an event is not a JSON object"));
  if (type.empty()) type = ScannedString(data->TextAt("type")).value_or("");
  if (type != "error") return OnResponse(type, *data);
  auto inner = ScanObject(data->TextAt("error"));
  return Fail(FailureIn(inner ? *inner : *data));
}

Result<ResponseTap::Verdict> ResponseTap::OnResponse(std::string_view type,
                                                     const ScannedObject& data) {
  const bool last = type == "response.completed" || type == "response.incomplete";
  const bool failed = type == "response.failed";
  if (!last && !failed && type != "response.created" && type != "response.queued") {
    return Verdict::kPass;
  }
  auto response = ScanObject(data.TextAt("response"));
  if (!response) return Fail(Broken("an event without its response"));
  ReadFacts(*response, facts_);
  if (!failed) return last ? Verdict::kTail : Verdict::kPass;
  auto error = ScanObject(response->TextAt("error"));
  return Fail(error ? FailureIn(*error) : FailureOf("", "the response failed"));
}

}  // namespace

std::optional<Scanned> ScanRequest(std::string_view body) {
  auto scanned = ScanObject(body);
  std::optional<Scanned> out(std::in_place);
  if (!scanned || HoldsOtherCase(*scanned, kRequestMembers) ||
      HoldsOtherCase(*scanned, kKeptMembers) || !RequestScan(*scanned, *out).Run()) {
    return std::nullopt;
  }
  const auto input = scanned->TextAt("input");
  out->sealed = HoldsSeal(input);
  out->names_ours =
      Holds(input, R"("file_id")") || Holds(scanned->TextAt("tools"), R"("file_search")");
  return out;
}

bool IsWireFormat(std::string_view format) {
  return format == kWireFormat || format == kCompactFormat;
}

std::shared_ptr<const domain::WireRequest> MakeWireRequest(std::string body,
                                                           domain::WireHeaders headers,
                                                           domain::WireRange model,
                                                           std::string_view format) {
  auto wire = std::make_shared<domain::WireRequest>();
  wire->format = format;
  wire->body = std::move(body);
  wire->headers = std::move(headers);
  wire->model = model;
  wire->decode = format == kCompactFormat ? DecodeCompact : DecodeWhole;
  return wire;
}

std::shared_ptr<const domain::WireRequest> WireWithBody(const domain::WireRequest& wire,
                                                        std::string body) {
  auto scanned = IsWireFormat(wire.format) ? ScanRequest(body) : std::nullopt;
  if (!scanned) return nullptr;
  return MakeWireRequest(std::move(body), wire.headers, scanned->model, wire.format);
}

void WirePlace::Note(std::string_view bytes) {
  constexpr std::string_view kName = R"("sequence_number":)";
  auto at = bytes.rfind(kName);
  if (at == bytes.npos) return;
  at = bytes.find_first_not_of(' ', at + kName.size());
  if (at == bytes.npos) return;
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(bytes.data() + at, bytes.data() + bytes.size(), number);
  if (error == std::errc()) next_event = number + 1;
}

Result<WireFacts> ReadWireAnswer(std::string_view body) {
  auto response = ScanObject(body);
  if (!response || response->Find("output") == nullptr) return Fail(Broken("it has no output"));
  WireFacts facts;
  ReadFacts(*response, facts);
  if (ScannedString(response->TextAt("status")) != "failed") return facts;
  auto error = ScanObject(response->TextAt("error"));
  return Fail(error ? FailureIn(*error) : FailureOf("", "the response failed"));
}

Result<std::int64_t> DecodeInputTokens(std::string_view body) {
  auto object = ScanObject(body);
  auto tokens = object ? ScannedInteger(object->TextAt("input_tokens")) : std::nullopt;
  if (!tokens || *tokens < 0) return Fail(Broken("it has no input_tokens"));
  return *tokens;
}

std::optional<domain::Usage> UsageOfEnded(std::string_view body) {
  auto response = ScanObject(body);
  if (!response) return std::nullopt;
  auto usage = UsageIn(response->TextAt("usage"));
  const bool told = !IsPending(*response) && usage.TotalTokens() > 0;
  return told ? std::optional(usage) : std::nullopt;
}

bool IsPending(std::string_view body) {
  auto response = ScanObject(body);
  return response && IsPending(*response);
}

std::string IdOfAnswer(std::string_view bytes) {
  auto whole = ScanObject(bytes);
  if (whole) return ScannedString(whole->TextAt("id")).value_or("");
  std::string scratch;
  while (!bytes.empty()) {  // comments may stand in front
    const auto end = std::min(bytes.find("\n\n"), bytes.size() - 1) + 1;
    auto event = ScanObject(SseDataOf(bytes.substr(0, end), scratch));
    auto response = event ? ScanObject(event->TextAt("response")) : std::nullopt;
    if (response) return ScannedString(response->TextAt("id")).value_or("");
    if (event) return {};
    bytes.remove_prefix(end);
  }
  return {};
}

bool AsksToFit(const domain::WireRequest& wire) {
  if (wire.format != kWireFormat) return false;
  auto body = ScanObject(wire.body);
  return body && ScannedString(body->TextAt("truncation")) == "auto";
}

bool OnlyAsWire(const domain::ChatRequest& request) {
  return request.wire != nullptr && IsWireFormat(request.wire->format) &&
         request.extra_dialect == kWireFormat;
}

std::unique_ptr<WireTap> MakeWireTap() { return std::make_unique<ResponseTap>(); }

const WireCodec& ResponsesWire() {
  static constexpr WireCodec kCodec{
      .format = kWireFormat,
      .read = [](std::string_view body, const HeaderList&) { return ReadWireAnswer(body); },
      .make_tap = [](const domain::WireRequest&) { return MakeWireTap(); },
      .decode = DecodeResponse,
      .make_decoder = MakeStreamDecoder};
  return kCodec;
}

const WireCodec& CompactWire() {
  static constexpr WireCodec kCodec{
      .format = kCompactFormat,
      .read = [](std::string_view body, const HeaderList&) { return ReadWireAnswer(body); },
      .make_tap = [](const domain::WireRequest&) { return MakeWireTap(); },
      .decode = DecodeResponse,
      .make_decoder = MakeStreamDecoder};
  return kCodec;
}

}  // namespace strata::dialect::responses
