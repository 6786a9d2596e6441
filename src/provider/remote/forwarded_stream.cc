#include "provider/remote/forwarded_stream.h"

#include "base/check.h"
#include "dialect/responses_wire.h"
#include "provider/kept.h"
#include "provider/remote/estimate.h"
#include "provider/wire_headers.h"

namespace strata::provider::remote {
namespace {

// Every piece has about a token, and what it has beyond the smallest is text.
std::int64_t EstimateOutput(const dialect::WireFacts& facts) {
  auto text = facts.piece_bytes - facts.pieces * facts.smallest_piece;
  return std::max(facts.pieces, EstimateTokens(static_cast<std::size_t>(text)));
}

// The provider has done its work: no fault of it, and nobody else is to be asked again.
Error Unreadable(const Error& why) {
  return Error(Code::kUnsupported,
               "a guardrail has to read this answer, and it cannot be read: " + why.message());
}

}  // namespace

ForwardedStream::ForwardedStream(Parts parts, RequestContext& ctx)
    : parts_(std::move(parts)),
      stall_(parts_.cancel, parts_.account->stream_idle),
      ctx_(ctx),
      may_be_kept_(parts_.codec->format == dialect::responses::kWireFormat),
      headers_(AnswerHeadersToForward(parts_.response->headers())) {
  if (!parts_.streamed) return;
  tap_ = parts_.codec->make_tap(*parts_.wire);
  if (parts_.shadow != Shadow::kNo && parts_.codec->make_decoder != nullptr) {
    decoder_ = parts_.codec->make_decoder();
  }
}

Task<Result<domain::StreamEvent>> ForwardedStream::Next() {
  STRATA_CHECK(!done_, "Next after the end of a stream");
  if (!begun_) {
    auto plain = CheckCoding();
    if (!plain.has_value()) co_return Fail(Failed(std::move(plain.error())));
    // One that may be kept begins with its id, which its first event tells.
    if (!may_be_kept_) co_return Begin();
  }
  while (!HasEvent()) {
    auto alive = ctx_.CheckAlive();
    if (!alive.has_value()) co_return Fail(Failed(std::move(alive.error())));
    Result<> read;
    if (tap_ != nullptr) {
      auto bytes = co_await stall_.Read(*parts_.response);
      read = bytes.has_value() ? Take(*bytes) : Fail(std::move(bytes.error()));
    } else {
      read = co_await ReadWhole();
    }
    if (!read.has_value()) co_return Fail(Failed(std::move(read.error())));
  }
  if (!begun_) co_return Begin();
  auto event = TakeEvent();
  if (done_ && parts_.response != nullptr) {
    co_await LetGo(std::move(parts_.response), parts_.cancel);
  }
  co_return event;
}

Result<> ForwardedStream::CheckCoding() const {
  auto coding = parts_.response->headers().Get("content-encoding");
  if (coding.empty() || net::SameHeader(coding, "identity")) return {};
  return Fail(Code::kUnavailable, "the provider compressed its answer unasked");
}

domain::StreamStart ForwardedStream::Begin() {
  begun_ = true;
  domain::StreamStart start;
  start.wire = true;
  start.headers = std::move(headers_);
  if (may_be_kept_) {
    start.id = dialect::responses::IdOfAnswer(pass_.empty() ? std::string_view(end_) : pass_);
    start.headers.emplace_back(kDeploymentHeader, parts_.deployment);
  }
  return start;
}

// In the order in which they are handed up: the shadow before its bytes, bytes before the end.
Result<domain::StreamEvent> ForwardedStream::TakeEvent() {
  if (HasShadow()) return std::move(shadow_[shadow_at_++]);
  shadow_.clear();
  shadow_at_ = 0;
  if (!pass_.empty()) return domain::WireChunk{std::exchange(pass_, {})};
  if (failed_) return Fail(Failed(std::move(*failed_)));
  return End();
}

Result<> ForwardedStream::Take(std::string_view bytes) {
  if (bytes.empty()) {
    STRATA_CHECK_OK(tap_->Finish());
    if (parts_.shadow == Shadow::kNeeded && calling_) {
      STRATA_CHECK_OK(AddShadow(decoder_->Finish()));
    }
    end_ = std::exchange(withheld_, {}) + tap_->TakeEnd();
    ended_ = true;
    return {};
  }
  pass_ = tap_->Feed(bytes);
  failed_ = tap_->failure();
  if (decoder_ != nullptr) STRATA_CHECK_OK(AddShadow(decoder_->Feed(bytes)));
  // An error behind content waits for the next call; the bytes around it must not leave unread.
  if (parts_.shadow == Shadow::kNeeded) {
    if (decoder_ != nullptr) STRATA_CHECK_OK(AddShadow(decoder_->Feed({})));
    Withhold();
  }
  if (tap_->ended()) {
    // One write: what came together leaves together.
    end_.assign(std::exchange(pass_, {})).append(tap_->TakeEnd());
    ended_ = true;
  }
  return {};
}

// Whoever judges the shadow must have seen what the bytes say before they come; but a decoder may
// keep what comes while a tool call is open until that is whole, as blocks do not interleave.
void ForwardedStream::Withhold() {
  if (calling_) {
    withheld_ += std::exchange(pass_, {});
  } else if (!withheld_.empty()) {
    released_ = std::exchange(withheld_, {}) + std::string(pass_);
    pass_ = released_;
  }
}

Task<Result<>> ForwardedStream::ReadWhole() {
  auto body = co_await parts_.response->ReadAll(parts_.account->answer_bytes_max);
  if (!body.has_value()) co_return Fail(std::move(body.error()));
  STRATA_CO_TRY(whole_, parts_.codec->read(*body, parts_.response->headers().fields()));
  parts_.response.reset();  // read to its end: the connection is back already
  if (parts_.shadow != Shadow::kNo && parts_.codec->decode != nullptr) {
    auto answer = parts_.codec->decode(*body);
    if (answer.has_value()) {
      STRATA_CO_CHECK_OK(AddShadow(domain::EventsOf(*answer)));
    } else if (parts_.shadow == Shadow::kNeeded) {
      ended_ = true;  // it was made and is charged
      co_return Fail(Unreadable(answer.error()));
    }
  }
  end_ = std::move(*body);
  pending_ = may_be_kept_ && dialect::responses::IsPending(end_);
  ended_ = true;
  co_return Result<>{};
}

// The tap decides what a good answer is; but what a guardrail has to read must be readable.
Result<> ForwardedStream::AddShadow(Result<std::vector<domain::StreamEvent>> events) {
  if (!events.has_value()) {
    decoder_ = nullptr;
    if (failed_) return {};  // the provider's own error, which the tap has read as well
    return parts_.shadow == Shadow::kNeeded ? Fail(Unreadable(events.error())) : Result<>();
  }
  for (auto& event : *events) {
    if (std::holds_alternative<domain::StreamStart>(event)) continue;
    if (std::holds_alternative<domain::StreamEnd>(event)) continue;
    if (const auto* begun = std::get_if<domain::BlockStart>(&event)) {
      calling_ = begun->kind == domain::BlockKind::kToolUse;
    }
    calling_ = calling_ && !std::holds_alternative<domain::BlockStop>(event);
    shadow_.push_back(std::move(event));
  }
  return {};
}

domain::StreamEnd ForwardedStream::End() {
  done_ = true;
  const auto& facts = tap_ != nullptr ? tap_->facts() : whole_;
  domain::StreamEnd end;
  end.stop_reason = facts.stop_reason;
  // A server that never counts gets our estimate instead of zeros.
  end.usage = facts.usage.TotalTokens() > 0 ? facts.usage : UsageSoFar();
  if (pending_) end.usage = {.estimated = true};
  end.wire = std::move(end_);
  end.model = facts.model;
  return end;
}

Error ForwardedStream::Failed(Error error) {
  done_ = true;
  parts_.response.reset();  // closes the connection: the provider stops generating
  return OfProvider(*parts_.account, std::move(error));
}

domain::Usage ForwardedStream::UsageSoFar() const {
  const auto& facts = tap_ != nullptr ? tap_->facts() : whole_;
  auto usage = facts.usage;
  // A response that has failed tells what it used as well.
  if ((ended_ || may_be_kept_) && usage.TotalTokens() > 0) return usage;
  if (usage.PromptTokens() == 0) usage.input_tokens = parts_.prompt_estimate;
  auto text = tap_ != nullptr ? EstimateOutput(facts) : EstimateTokens(end_.size());
  usage.output_tokens = std::max(usage.output_tokens, text);
  usage.estimated = true;
  return usage;
}

}  // namespace strata::provider::remote
