#include "gateway/routing/plan_stream.h"

#include "base/check.h"
#include "gateway/meter.h"

namespace strata::gateway {
namespace {

// On the request's span: what the answer cost and what it is compared with.
void NoteCosts(RequestContext& ctx, const domain::Usage& usage) {
  auto strong = CostUnder(ctx.always_strong, usage);
  auto cheap = CostUnder(ctx.always_cheap, usage);
  if (strong) ctx.span.Set("always_strong_usd", domain::FormatUsd(*strong));
  if (cheap) ctx.span.Set("always_cheap_usd", domain::FormatUsd(*cheap));
}

class Replay final : public provider::ChatStream {
 public:
  Replay(std::shared_ptr<Step> step, RequestContext& ctx)
      : step_(std::move(step)), events_(step_->TakeEvents()), ctx_(ctx) {}
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;
  // Whole, though its reader did not come to its end: as a meter has it.
  ~Replay() override { [[maybe_unused]] auto recorded = step_->Record(nullptr); }

  Task<Result<domain::StreamEvent>> Next() override {
    STRATA_CHECK(at_ < events_.size(), "a stream was asked for more than its end");
    auto event = std::move(events_[at_++]);
    if (const auto* end = std::get_if<domain::StreamEnd>(&event)) {
      usage_ = end->usage;
      NoteCosts(ctx_, usage_);
    }
    co_return std::move(event);
  }
  domain::Usage UsageSoFar() const override { return usage_; }
  Result<> Record(const Error* blocked) override { return step_->Record(blocked); }

 private:
  const std::shared_ptr<Step> step_;
  std::vector<domain::StreamEvent> events_;
  RequestContext& ctx_;
  std::size_t at_ = 0;
  domain::Usage usage_;
};

class Routed final : public provider::ChatStream {
 public:
  Routed(std::unique_ptr<provider::ChatStream> inner, RequestContext& ctx, SessionNote note)
      : inner_(std::move(inner)), ctx_(ctx), note_(std::move(note)) {}

  Task<Result<domain::StreamEvent>> Next() override {
    auto event = co_await inner_->Next();
    if (event.has_value()) {
      if (const auto* end = std::get_if<domain::StreamEnd>(&*event)) End(end->usage);
    }
    co_return std::move(event);
  }
  domain::Usage UsageSoFar() const override { return inner_->UsageSoFar(); }
  Result<> Record(const Error* blocked) override { return inner_->Record(blocked); }

 private:
  void End(const domain::Usage& usage) {
    NoteCosts(ctx_, usage);
    if (note_.table == nullptr) return;
    route::SessionMemory memory{.model = note_.model, .tokens = usage.TotalTokens()};
    note_.table->Remember(note_.key, std::move(memory), ctx_.clock->Steady());
  }

  std::unique_ptr<provider::ChatStream> inner_;
  RequestContext& ctx_;
  SessionNote note_;
};

class Tapped final : public provider::ChatStream {
 public:
  Tapped(std::unique_ptr<provider::ChatStream> inner, AnswerTaker& taker, AnsweredRequest sample,
         RequestContext& ctx)
      : inner_(std::move(inner)), taker_(taker), sample_(std::move(sample)), ctx_(ctx) {}
  Tapped(const Tapped&) = delete;
  Tapped& operator=(const Tapped&) = delete;
  ~Tapped() override {
    if (!answer_.ended() || blocked_) return;
    sample_.answer = answer_.Take();
    sample_.facts = ctx_;
    taker_.Take(std::move(sample_));
  }

  Task<Result<domain::StreamEvent>> Next() override {
    auto event = co_await inner_->Next();
    if (event.has_value()) answer_.Add(*event);
    co_return std::move(event);
  }
  domain::Usage UsageSoFar() const override { return inner_->UsageSoFar(); }
  Result<> Record(const Error* blocked) override {
    blocked_ = blocked != nullptr;
    return inner_->Record(blocked);
  }

 private:
  std::unique_ptr<provider::ChatStream> inner_;
  AnswerTaker& taker_;
  AnsweredRequest sample_;
  RequestContext& ctx_;
  domain::StreamAccumulator answer_;
  bool blocked_ = false;
};

}  // namespace

std::unique_ptr<provider::ChatStream> TappedStream(std::unique_ptr<provider::ChatStream> inner,
                                                   AnswerTaker& taker, AnsweredRequest sample,
                                                   RequestContext& ctx) {
  return std::make_unique<Tapped>(std::move(inner), taker, std::move(sample), ctx);
}

std::unique_ptr<provider::ChatStream> ReplayStream(std::shared_ptr<Step> step,
                                                   RequestContext& ctx) {
  return std::make_unique<Replay>(std::move(step), ctx);
}

std::unique_ptr<provider::ChatStream> RoutedStream(std::unique_ptr<provider::ChatStream> inner,
                                                   RequestContext& ctx, SessionNote note) {
  return std::make_unique<Routed>(std::move(inner), ctx, std::move(note));
}

}  // namespace strata::gateway
