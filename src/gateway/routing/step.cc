#include "gateway/routing/step.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

#include "base/caught.h"

namespace strata::gateway {
namespace {

namespace asio = boost::asio;

// Calls of a step are numbered from a thousand of its own: a model may make several (retries,
// searches), and steps run side by side.
constexpr int kNumbersOfAStep = 1000;

}  // namespace

Step::Step(std::shared_ptr<provider::ChatModel> model, std::string role, RequestContext& request)
    : model_(std::move(model)), request_(&request) {
  static_cast<RequestFacts&>(own_) = request;
  own_.spent_picousd = 0;
  own_.unpriced_calls = 0;
  own_.calls = request.calls;
  request.calls += kNumbersOfAStep;
  own_.role = std::move(role);
  own_.cancel = stop_.get_token();
  on_client_gone_.emplace(request.cancel, Stop{&stop_});
  own_.span = request.span.Child("gateway.step");
  own_.span.Set("role", own_.role);
  own_.span.Set("model", model_->Info().id);
}

Step::~Step() = default;

void Step::Settle(std::string_view outcome) {
  own_.span.Set("outcome", outcome);
  stream_.reset();
  HandUp();
  own_.span.End();
}

void Step::Stand() {
  if (stream_ == nullptr) Settle("answers");
}

Result<> Step::Record(const Error* blocked) {
  if (stream_ == nullptr) return {};
  auto recorded = stream_->Record(blocked);
  Settle(blocked != nullptr ? "blocked" : "answers");
  return recorded;
}

// What is new since the last time.
void Step::HandUp() {
  if (request_ == nullptr) return;
  request_->calls = std::max(request_->calls, own_.calls);
  request_->spent_picousd =
      domain::AddPicousd(request_->spent_picousd, std::exchange(own_.spent_picousd, 0));
  request_->unpriced_calls += std::exchange(own_.unpriced_calls, 0);
  request_->labels.AddAll(own_.labels);
}

Task<Result<>> Step::Collect(domain::ChatRequest request) {
  const bool judged = request.answer_is_read;
  STRATA_CO_TRY(auto stream, co_await model_->Start(std::move(request), own_));
  while (true) {
    STRATA_CO_TRY(auto event, co_await stream->Next());
    answer_.Add(event);
    events_.push_back(std::move(event));
    if (answer_.ended()) break;
  }
  if (judged) stream_ = std::move(stream);
  co_return Result<>{};
}

Task<void> Step::Run(std::shared_ptr<Step> self, domain::ChatRequest request) {
  auto done = co_await self->Collect(std::move(request));
  if (!done.has_value()) {
    self->own_.span.Fail(done.error());
    self->error_ = std::move(done.error());
  }
  self->HandUp();
}

std::vector<domain::StreamEvent> Step::TakeEvents() {
  if (logprobs_) {  // the caller has not asked for them
    for (auto& event : events_) {
      if (auto* text = std::get_if<domain::TextDelta>(&event)) text->logprobs.clear();
    }
  }
  return std::move(events_);
}

Task<void> Step::RunAll(const std::vector<std::shared_ptr<Step>>& steps,
                        const domain::ChatRequest& request) {
  auto executor = co_await asio::this_coro::executor;
  // Shared with the runners, which may outlive this frame when the process stops.
  auto wake = std::make_shared<asio::steady_timer>(executor, std::chrono::hours(24));
  struct Orphans {
    const std::vector<std::shared_ptr<Step>>& steps;
    ~Orphans() {
      for (const auto& step : steps) {
        if (!step->done_) step->request_ = nullptr;
        if (!step->done_) step->stop_.request_stop();
      }
    }
  } orphans{steps};
  for (const auto& step : steps) {
    auto copy = request;
    if (step->temperature_) {
      copy.temperature = std::max(copy.temperature.value_or(0), *step->temperature_);
    }
    step->logprobs_ = step->logprobs_ && !copy.logprobs;
    copy.logprobs = copy.logprobs || step->logprobs_;
    asio::co_spawn(executor, Run(step, std::move(copy)), [step, wake](std::exception_ptr thrown) {
      if (thrown) step->error_ = ThrownError("gateway.step", thrown);
      step->done_ = true;
      wake->cancel();
    });
  }
  auto running = [](const auto& step) { return !step->done_; };
  while (std::ranges::any_of(steps, running)) {
    wake->expires_after(std::chrono::hours(24));
    boost::system::error_code ignored;
    co_await wake->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    // Without one of the answers the others decide nothing: nobody waits for a slow one.
    if (std::ranges::none_of(steps, [](const auto& step) { return step->error_.has_value(); })) {
      continue;
    }
    for (const auto& step : steps) {
      if (!step->done_) step->stop_.request_stop();
    }
  }
}

}  // namespace strata::gateway
