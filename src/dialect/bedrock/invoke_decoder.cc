#include "dialect/bedrock/invoke_decoder.h"

#include "base/check.h"
#include "dialect/anthropic.h"
#include "dialect/bedrock/blocks.h"
#include "dialect/event_stream.h"
#include "dialect/json/block_emitter.h"
#include "dialect/json/upstream.h"
#include "dialect/openai.h"

namespace strata::dialect::bedrock {
namespace {

using Events = std::vector<domain::StreamEvent>;

constexpr std::int64_t kCountMax = 1LL << 40;

domain::StopReason StopOfWord(std::string_view word) {
  if (word == "length" || word == "max_tokens" || word == "LENGTH")
    return domain::StopReason::kMaxTokens;
  if (word == "stop_sequence") return domain::StopReason::kStopSequence;
  if (word == "tool_use" || word == "tool_calls") return domain::StopReason::kToolUse;
  if (word == "refusal") return domain::StopReason::kRefusal;
  if (word == "content_filter" || word == "CONTENT_FILTERED")
    return domain::StopReason::kContentFiltered;
  return domain::StopReason::kEndTurn;
}

// Meta's and Mistral's pieces as one text block.
class PromptPieces {
 public:
  explicit PromptPieces(InvokeFormat format) : format_(format) {}

  Result<Events> Feed(std::string_view json) {
    auto root = ParseJson(json);
    if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
    JsonField body(*root);
    Events out;
    auto text = PromptText(format_, body);
    if (!text.empty()) {
      blocks_.Need(out, domain::BlockKind::kText);
      blocks_.Text(out, std::move(text));
    }
    if (PromptStop(body)) blocks_.Close(out);
    return out;
  }

 private:
  InvokeFormat format_;
  BlockEmitter blocks_;
};

class InvokeDecoder final : public StreamDecoder {
 public:
  explicit InvokeDecoder(InvokeFormat format) : pieces_(format) {
    if (format == InvokeFormat::kAnthropic) inner_ = anthropic::MakeStreamDecoder();
    if (format == InvokeFormat::kOpenAi) inner_ = openai::MakeStreamDecoder();
  }

  Result<Events> Feed(std::string_view bytes) override {
    reader_.Append(bytes);
    Events out;
    while (true) {
      auto next = reader_.Next();
      if (!next) return Fail(AsUpstreamFault(std::move(next.error())));
      if (!*next) return out;
      if ((*next)->Header(":event-type") != "chunk") continue;
      STRATA_TRY(auto json, BytesOfChunk((*next)->payload));
      STRATA_TRY(auto events, OnPiece(json));
      std::ranges::move(events, std::back_inserter(out));
    }
  }
  Result<Events> Finish() override { return inner_ != nullptr ? inner_->Finish() : Events(); }
  bool ended() const override { return inner_ != nullptr && inner_->ended(); }
  domain::Usage usage() const override {
    return inner_ != nullptr ? inner_->usage() : domain::Usage();
  }

 private:
  // The vendors' own streams are these documents as server-sent events.
  Result<Events> OnPiece(std::string_view json) {
    if (inner_ == nullptr) return pieces_.Feed(json);
    std::string event = "data: ";
    return inner_->Feed(event.append(json).append("\n\n"));
  }

  EventStreamReader reader_;
  PromptPieces pieces_;
  std::unique_ptr<StreamDecoder> inner_;  // null for bare-prompt formats
};

}  // namespace

Result<std::string> BytesOfChunk(std::string_view payload) {
  auto root = ParseJson(payload);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField body(*root);
  auto field = body.Get("bytes");
  auto bytes = field.Base64();
  if (!bytes) return Fail(AsUpstreamFault(std::move(bytes.error())));
  return std::move(*bytes);
}

std::string PromptText(InvokeFormat format, const JsonField& body) {
  if (format == InvokeFormat::kMeta) return body.TextAt("generation");
  auto outputs = body.Get("outputs");
  auto first = outputs.Item(0);
  return first.TextAt("text");
}

std::optional<domain::StopReason> PromptStop(const JsonField& body) {
  auto delta = body.Get("delta");  // Anthropic's
  auto outputs = body.Get("outputs");
  auto output = outputs.Item(0);
  auto choices = body.Get("choices");
  auto choice = choices.Item(0);
  for (const auto& word :
       {body.TextAt("stop_reason"), delta.TextAt("stop_reason"), output.TextAt("stop_reason"),
        choice.TextAt("finish_reason"), body.TextAt("completionReason")}) {
    if (!word.empty()) return StopOfWord(word);
  }
  return std::nullopt;
}

Result<domain::ChatResponse> DecodePromptResponse(InvokeFormat format, std::string_view text) {
  auto root = ParseJson(text);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField body(*root);
  auto member = body.Get(format == InvokeFormat::kMeta ? "generation" : "outputs");
  if (!member.present()) return Fail(AsUpstreamFault(member.Wrong("expected the text")));
  domain::ChatResponse out;
  out.content.emplace_back(domain::TextBlock{.text = PromptText(format, body), .citations = {}});
  out.stop_reason = PromptStop(body).value_or(domain::StopReason::kEndTurn);
  auto count = [&](std::string_view key) {
    auto number = body.Get(key).Integer(0, kCountMax);
    return number ? *number : 0;
  };
  out.usage.input_tokens = count("prompt_token_count");
  out.usage.output_tokens = count("generation_token_count");
  return out;
}

std::unique_ptr<StreamDecoder> MakeInvokeStreamDecoder(InvokeFormat format) {
  return std::make_unique<InvokeDecoder>(format);
}

}  // namespace strata::dialect::bedrock
