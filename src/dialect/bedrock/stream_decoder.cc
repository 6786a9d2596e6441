// ConverseStream frames of Bedrock → domain events.

#include "dialect/bedrock.h"
#include "dialect/bedrock/blocks.h"
#include "dialect/event_stream.h"
#include "dialect/json/block_emitter.h"
#include "dialect/json/feed.h"
#include "dialect/json/upstream.h"

namespace strata::dialect::bedrock {
namespace {

using domain::BlockKind;
using Events = std::vector<domain::StreamEvent>;

class ConverseDecoder final : public StreamDecoder {
 public:
  Result<Events> Feed(std::string_view bytes) override;
  Result<Events> Finish() override;
  bool ended() const override { return ended_; }
  domain::Usage usage() const override { return usage_; }

 private:
  Result<> OnMessage(const EventMessage& message, Events& out);
  Result<> Dispatch(std::string_view type, const JsonField& body, Events& out);
  Result<> OnBlockStart(const JsonField& body, Events& out);
  Result<> OnDelta(const JsonField& body, Events& out);
  Result<> OnReasoning(const JsonField& content, Events& out);
  Result<> OnToolInput(const JsonField& use, Events& out);
  void NeedStart(Events& out);
  Result<> NeedBlock(const JsonField& body, BlockKind kind, Events& out);
  void CloseBlock(Events& out);
  void End(Events& out);

  EventStreamReader reader_;
  BlockEmitter blocks_;
  domain::Usage usage_;
  domain::StreamEnd end_;
  std::optional<Error> held_;     // came after events of the same bytes
  std::int64_t wire_index_ = -1;  // contentBlockIndex of the open block
  bool started_ = false;
  bool stopped_ = false;  // messageStop has come
  bool ended_ = false;
};

void ConverseDecoder::NeedStart(Events& out) {
  if (started_) return;
  started_ = true;
  out.emplace_back(domain::StreamStart{});
}

void ConverseDecoder::CloseBlock(Events& out) {
  wire_index_ = -1;
  blocks_.Close(out);
}

// Text and reasoning begin with their first delta.
Result<> ConverseDecoder::NeedBlock(const JsonField& body, BlockKind kind, Events& out) {
  auto field = body.Get("contentBlockIndex");
  STRATA_TRY(auto index, field.Integer(0, INT32_MAX));
  if (index == wire_index_ && blocks_.open(kind)) return {};
  if (kind == BlockKind::kToolUse) return Fail(field.Wrong("no tool call was started there"));
  CloseBlock(out);
  wire_index_ = index;
  blocks_.Begin(out, kind);
  return {};
}

Result<> ConverseDecoder::OnBlockStart(const JsonField& body, Events& out) {
  CloseBlock(out);
  auto start = body.Get("start");
  auto use = start.Get("toolUse");
  if (!use.present()) return {};  // text blocks of newer versions, and the provider's own tools
  auto index = body.Get("contentBlockIndex");
  auto id = use.Get("toolUseId");
  auto name = use.Get("name");
  STRATA_TRY(wire_index_, index.Integer(0, INT32_MAX));
  STRATA_TRY(auto call_id, id.NonEmptyString());
  STRATA_TRY(auto tool, name.NonEmptyString());
  blocks_.Begin(out, BlockKind::kToolUse, std::move(call_id), std::move(tool));
  return {};
}

Result<> ConverseDecoder::OnReasoning(const JsonField& content, Events& out) {
  domain::ReasoningDelta delta;
  delta.index = blocks_.index();
  delta.text = content.TextAt("text");
  delta.signature = content.TextAt("signature");
  if (auto redacted = content.Get("redactedContent"); redacted.present()) {
    STRATA_TRY(delta.redacted, redacted.Base64());
  }
  if (!delta.signature.empty() || !delta.redacted.empty()) delta.signer = kFamily;
  out.emplace_back(std::move(delta));
  return {};
}

Result<> ConverseDecoder::OnToolInput(const JsonField& use, Events& out) {
  auto json = use.TextAt("input");
  if (json.empty()) return {};
  out.emplace_back(domain::ToolInputDelta{.index = blocks_.index(), .json = std::move(json)});
  return {};
}

Result<> ConverseDecoder::OnDelta(const JsonField& body, Events& out) {
  auto delta = body.Get("delta");
  STRATA_TRY(auto kind, delta.OnlyMember());
  auto value = delta.Get(kind);
  if (kind == "text") {
    STRATA_TRY(auto text, value.String());
    if (text.empty()) return {};
    STRATA_CHECK_OK(NeedBlock(body, BlockKind::kText, out));
    blocks_.Text(out, std::move(text));
  } else if (kind == "toolUse") {
    STRATA_CHECK_OK(NeedBlock(body, BlockKind::kToolUse, out));
    return OnToolInput(value, out);
  } else if (kind == "reasoningContent") {
    STRATA_CHECK_OK(NeedBlock(body, BlockKind::kReasoning, out));
    return OnReasoning(value, out);
  } else if (kind == "citation") {
    STRATA_CHECK_OK(NeedBlock(body, BlockKind::kText, out));
    STRATA_TRY(auto citation, DecodeCitation(value));
    blocks_.Cite(std::move(citation));
  }
  return {};
}

void ConverseDecoder::End(Events& out) {
  CloseBlock(out);
  end_.usage = usage_;
  out.emplace_back(end_);
  ended_ = true;
}

Result<> ConverseDecoder::Dispatch(std::string_view type, const JsonField& body, Events& out) {
  NeedStart(out);
  if (type == "contentBlockStart") return OnBlockStart(body, out);
  if (type == "contentBlockDelta") return OnDelta(body, out);
  if (type == "contentBlockStop") {
    CloseBlock(out);
  } else if (type == "messageStop") {
    CloseBlock(out);
    stopped_ = true;
    end_.stop_reason = StopReasonOf(body.TextAt("stopReason"));
    auto additional = body.Get("additionalModelResponseFields");
    end_.stop_sequence = additional.TextAt("stop_sequence");
  } else if (type == "metadata") {
    auto usage = body.Get("usage");
    usage_ = ReadUsage(usage);
    if (stopped_) End(out);
  }
  return {};
}

Result<> ConverseDecoder::OnMessage(const EventMessage& message, Events& out) {
  const auto kind = message.Header(":message-type");
  if (kind == "error") {
    return Fail(
        UpstreamStreamError(message.Header(":error-code"), message.Header(":error-message")));
  }
  auto root = ParseJson(message.payload);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField body(*root);
  if (kind == "exception") {
    return Fail(UpstreamStreamError(message.Header(":exception-type"), body.TextAt("message")));
  }
  auto done = Dispatch(message.Header(":event-type"), body, out);
  if (!done) return Fail(AsUpstreamFault(std::move(done.error())));
  return {};
}

Result<Events> ConverseDecoder::Feed(std::string_view bytes) {
  Events out;
  if (ended_) return out;
  if (held_) return Fail(*std::exchange(held_, std::nullopt));
  reader_.Append(bytes);
  while (!ended_) {
    auto next = reader_.Next();
    if (next && !*next) break;
    Result<> done;
    if (next) {
      done = OnMessage(**next, out);
    } else {
      done = Fail(AsUpstreamFault(std::move(next.error())));
    }
    if (done.has_value()) continue;
    if (!HoldsContent(out)) return Fail(std::move(done.error()));
    held_ = std::move(done.error());
    break;
  }
  return out;
}

Result<Events> ConverseDecoder::Finish() {
  Events out;
  if (ended_) return out;
  if (held_) return Fail(*std::exchange(held_, std::nullopt));
  if (!stopped_ || !reader_.empty()) {
    return Fail(Code::kUnavailable, "the provider closed the stream before its end");
  }
  End(out);  // a server that sends no metadata event
  return out;
}

}  // namespace

std::unique_ptr<StreamDecoder> MakeConverseStreamDecoder() {
  return std::make_unique<ConverseDecoder>();
}

}  // namespace strata::dialect::bedrock
