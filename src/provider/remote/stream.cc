#include "provider/remote/stream.h"

#include "base/check.h"
#include "base/utf8.h"
#include "provider/remote/estimate.h"

namespace strata::provider::remote {
namespace {

std::size_t CharactersOf(const domain::StreamEvent& event) {
  if (const auto* text = std::get_if<domain::TextDelta>(&event)) return CodePointCount(text->text);
  if (const auto* json = std::get_if<domain::ToolInputDelta>(&event)) return json->json.size();
  if (const auto* thought = std::get_if<domain::ReasoningDelta>(&event)) {
    return CodePointCount(thought->text);
  }
  return 0;
}

}  // namespace

RemoteStream::RemoteStream(std::shared_ptr<const Account> account, RequestContext& ctx,
                           std::shared_ptr<Cancel> cancel,
                           std::unique_ptr<net::ClientResponse> response, bool streamed,
                           std::int64_t prompt_estimate)
    : account_(std::move(account)),
      ctx_(ctx),
      cancel_(std::move(cancel)),
      response_(std::move(response)),
      stall_(cancel_, account_->stream_idle),
      decoder_(streamed ? account_->api->MakeStreamDecoder() : nullptr),
      prompt_estimate_(prompt_estimate) {}

Task<Result<domain::StreamEvent>> RemoteStream::Next() {
  STRATA_CHECK(!done_, "Next after the end of a stream");
  if (!HasEvent()) {
    auto alive = ctx_.CheckAlive();
    if (!alive.has_value()) co_return Fail(Failed(std::move(alive.error())));
    Result<> filled;
    if (decoder_ != nullptr) {
      filled = co_await Fill();
    } else {
      filled = co_await FillWhole();
    }
    if (!filled.has_value()) co_return Fail(Failed(std::move(filled.error())));
  }
  auto event = std::move(events_[at_++]);
  Note(event);
  if (done_) co_await LetGo();
  co_return std::move(event);
}

Task<Result<>> RemoteStream::Fill() {
  while (!HasEvent()) {
    auto held = decoder_->Feed({});
    if (!held.has_value()) co_return Fail(std::move(held.error()));
    auto bytes = co_await stall_.Read(*response_);
    if (!bytes.has_value()) co_return Fail(std::move(bytes.error()));
    bool ended = bytes->empty();
    auto events = ended ? decoder_->Finish() : decoder_->Feed(*bytes);
    if (!events.has_value()) co_return Fail(std::move(events.error()));
    events_ = std::move(*events);
    at_ = 0;
    if (ended && !HasEvent()) {
      co_return Fail(Code::kUnavailable, "the answer was cut off before its end");
    }
  }
  co_return Result<>();
}

Task<Result<>> RemoteStream::FillWhole() {
  auto body = co_await response_->ReadAll(account_->answer_bytes_max);
  if (!body.has_value()) co_return Fail(std::move(body.error()));
  auto answer = account_->api->DecodeChat(*body);
  if (!answer.has_value()) co_return Fail(std::move(answer.error()));
  events_ = domain::EventsOf(*answer);
  at_ = 0;
  co_return Result<>();
}

Error RemoteStream::Failed(Error error) {
  done_ = true;
  response_.reset();  // closes the connection: the provider stops generating
  return OfProvider(*account_, std::move(error));
}

void RemoteStream::Note(domain::StreamEvent& event) {
  characters_ += CharactersOf(event);
  if (auto* start = std::get_if<domain::StreamStart>(&event)) start_usage_ = start->usage;
  if (auto* end = std::get_if<domain::StreamEnd>(&event)) {
    // A server that never counts gets our estimate instead of zeros.
    if (end->usage.TotalTokens() == 0) end->usage = UsageSoFar();
    final_usage_ = end->usage;
    done_ = true;
  }
}

domain::Usage RemoteStream::UsageSoFar() const {
  if (final_usage_) return *final_usage_;
  domain::Usage usage = decoder_ != nullptr ? decoder_->usage() : start_usage_;
  if (usage.PromptTokens() == 0) usage.input_tokens = prompt_estimate_;
  usage.output_tokens = std::max(usage.output_tokens, EstimateTokens(characters_));
  usage.estimated = true;
  return usage;
}

Task<void> RemoteStream::LetGo() {
  if (decoder_ == nullptr) {
    response_.reset();  // read to its end already
    co_return;
  }
  co_await remote::LetGo(std::move(response_), cancel_);
}

}  // namespace strata::provider::remote
