#include "gateway/resilience/attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/format_message.h"

namespace strata::gateway {
namespace {

// More calls than one attempt makes, whatever its deployment is: routers number theirs by the
// thousand.
constexpr int kNumbersOfAnAttempt = 1'000'000;

}  // namespace

Attempt::Attempt(Choice made, const Lane& lane, std::shared_ptr<provider::ChatModel> of,
                 RequestContext& request, Context kind)
    : choice(std::move(made)), model_(std::move(of)), request_(request) {
  if (kind == Context::kOwn) Fork(lane);
}

Attempt::~Attempt() {
  stream.reset();
  if (!settled_) Settle(AttemptOutcome::kCancelled);
}

void Attempt::Fork(const Lane& lane) {
  own_ = std::make_unique<RequestContext>();
  static_cast<RequestFacts&>(*own_) = request_;
  own_->spent_picousd = 0;
  own_->unpriced_calls = 0;
  own_->route += fmt::format("{}{}", own_->route.empty() ? "" : "; ", choice.why);
  stop_ = std::stop_source();
  own_->cancel = stop_.get_token();
  on_client_gone_.emplace(request_.cancel, Stop{&stop_});
  own_->span = request_.span.Child("gateway.attempt");
  own_->span.Set("attempt", choice.number);
  own_->span.Set("deployment", lane.health->id());
  own_->span.Set("chosen", choice.why);
  own_->span.Set("breaker", BreakerName(choice.breaker));
}

void Attempt::NumberBehind(Attempt& other) {
  own_->calls = other.ctx().calls + kNumbersOfAnAttempt;
}

// A deployment may make several calls: profiles, prompts and routers are models that ask others.
// The ledger keeps one row of a number, so what is called next goes on behind them.
void Attempt::HandUpNumbers() {
  if (own_ && !settled_) request_.calls = std::max(request_.calls, own_->calls);
}

void Attempt::Settle(AttemptOutcome outcome, const Error* failure) {
  if (settled_) return;
  HandUpNumbers();
  settled_ = true;
  if (!own_) return;
  own_->span.Set("outcome", OutcomeName(outcome));
  if (failure != nullptr) own_->span.Fail(*failure);
  own_->span.End();
  request_.spent_picousd = domain::AddPicousd(request_.spent_picousd, own_->spent_picousd);
  request_.unpriced_calls += own_->unpriced_calls;
}

void Attempt::Cancel() { stop_.request_stop(); }

void Attempt::OutOfPatience(std::chrono::milliseconds limit) {
  patience_ = limit;
  Cancel();
}

Task<std::shared_ptr<void>> Attempt::Limit(std::weak_ptr<Attempt> attempt,
                                           std::chrono::milliseconds limit) {
  auto executor = co_await boost::asio::this_coro::executor;
  auto alarm = std::make_shared<boost::asio::steady_timer>(executor, limit);
  alarm->async_wait([weak = std::move(attempt), limit](auto error) {
    auto slow = weak.lock();
    if (!error && slow && !slow->done) slow->OutOfPatience(limit);
  });
  co_return std::move(alarm);
}

Error Attempt::Explained(Error error, std::string_view model) const {
  if (!patience_ || error.code() != Code::kCancelled) return error;
  return Error(Code::kDeadlineExceeded,
               FormatMessage("{} gave no first token within {} ms", Own(model), patience_->count()))
      .FromUpstream(-1);
}

Task<void> Attempt::Open(std::shared_ptr<Attempt> self) {
  auto& attempt = *self;
  auto fail = [&](Error error) {
    attempt.stream.reset();
    attempt.error = attempt.Explained(std::move(error), attempt.model_->Info().id);
    attempt.done = true;
  };
  const bool streamed = attempt.request.stream;
  auto started = co_await attempt.model_->Start(std::move(attempt.request), attempt.ctx());
  attempt.request = {};  // the answer may take its time
  if (!started.has_value()) {
    fail(std::move(started.error()));
    co_return;
  }
  attempt.stage = AttemptStage::kAnswer;
  attempt.stream = std::move(*started);
  bool token = false;
  attempt.head.reserve(2);  // the start and the first token
  while (!token) {
    auto event = co_await attempt.stream->Next();
    if (!event.has_value()) {
      fail(std::move(event.error()));
      co_return;
    }
    token = !std::holds_alternative<domain::StreamStart>(*event);
    attempt.head.push_back(std::move(*event));
  }
  attempt.choice.ticket.FirstToken(streamed);
  attempt.HandUpNumbers();  // the request may make calls while the answer comes
  attempt.done = true;
}

}  // namespace strata::gateway
