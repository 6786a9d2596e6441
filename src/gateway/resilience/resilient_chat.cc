#include "gateway/resilience/resilient_chat.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/caught.h"
#include "base/encoding.h"
#include "domain/wire.h"

namespace strata::gateway {
namespace {

namespace asio = boost::asio;
using provider::ChatStream;
using std::chrono::milliseconds;

// When what an attempt has cost is known: at its answer's end, or when the answer's reader has it
// recorded (ChatRequest::answer_is_read).
enum class Settles : std::uint8_t { kAtEnd, kWhenRecorded };

// The answer of the attempt that gave a token. Tells the deployment's health how it ended.
class ResilientStream final : public ChatStream {
 public:
  // `set` keeps the models alive.
  ResilientStream(std::shared_ptr<Attempt> attempt,
                  std::shared_ptr<const Deployments<provider::ChatModel>> set, Settles settles)
      : set_(std::move(set)), attempt_(std::move(attempt)), settles_(settles) {}

  ~ResilientStream() override {
    if (!ended_) return;
    attempt_->stream.reset();  // recorded by now
    attempt_->Settle(AttemptOutcome::kOk);
  }

  Task<Result<domain::StreamEvent>> Next() override {
    if (at_ < attempt_->head.size()) {
      auto& event = attempt_->head[at_++];
      Note(event);
      co_return std::move(event);
    }
    auto event = co_await attempt_->stream->Next();
    if (event.has_value()) {
      Note(*event);
    } else {
      auto outcome = OutcomeOf(event.error(), AttemptStage::kAnswer);
      // The answer was coming: that it takes longer than its caller waits is nobody's fault.
      auto heard = outcome == AttemptOutcome::kTimeout ? AttemptOutcome::kCancelled : outcome;
      attempt_->choice.ticket.End(heard, event.error().retry_after());
      attempt_->Settle(outcome, &event.error());
    }
    co_return event;
  }

  domain::Usage UsageSoFar() const override { return attempt_->stream->UsageSoFar(); }

  // What is blocked is no fault of the deployment.
  Result<> Record(const Error* blocked) override {
    auto recorded = attempt_->stream->Record(blocked);
    attempt_->choice.ticket.End(AttemptOutcome::kOk);
    attempt_->Settle(AttemptOutcome::kOk, blocked);
    return recorded;
  }

 private:
  void Note(const domain::StreamEvent& event) {
    if (!std::holds_alternative<domain::StreamEnd>(event)) return;
    ended_ = true;
    attempt_->choice.ticket.End(AttemptOutcome::kOk);
    if (settles_ == Settles::kAtEnd) attempt_->Settle(AttemptOutcome::kOk);
  }

  std::shared_ptr<const Deployments<provider::ChatModel>> set_;
  std::shared_ptr<Attempt> attempt_;
  const Settles settles_;
  bool ended_ = false;
  std::size_t at_ = 0;
};

// Waits until `wake` is cancelled or its time has come.
Task<void> Wait(asio::steady_timer& wake) {
  boost::system::error_code ignored;
  co_await wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

// Ends the attempt that another one beat, or that failed beside one that failed too.
void Lost(Attempt& attempt, Attempts& attempts) {
  bool failed = attempt.error && attempt.error->code() != Code::kCancelled;
  auto outcome = AttemptOutcome::kCancelled;
  if (failed) outcome = attempts.FailedBeside(attempt.choice, *attempt.error, attempt.stage);
  attempt.choice.ticket.End(outcome);
  attempt.stream.reset();
  attempt.Settle(outcome, failed ? &*attempt.error : nullptr);
}

// How a conversation begins: what stays the same from turn to turn, and what a prompt cache keeps.
// nullopt: it cannot be read, which the model will say.
std::optional<std::uint64_t> HashOfBeginning(domain::ChatRequest request) {
  if (!domain::DecodeWhole(request).has_value()) return std::nullopt;
  auto hash = Hash64(domain::TextOf(request.system));
  for (const auto& tool : request.tools) hash = Hash64(tool.name, hash);
  for (const auto& message : request.messages) {
    hash = Hash64(domain::TextOf(message.content), hash);
    if (message.role == domain::Role::kUser) break;
  }
  return hash;
}

}  // namespace

std::optional<std::uint64_t> ResilientChat::StickyKey(const domain::ChatRequest& request,
                                                      const RequestContext& ctx) const {
  auto sticky = pool_.spec().sticky;
  if (sticky == Sticky::kNone) return std::nullopt;
  if (!ctx.session.empty()) return Hash64(ctx.session, Hash64(ctx.workspace.value));
  if (sticky == Sticky::kUser && !request.user.empty()) {
    return Hash64(request.user, Hash64(ctx.workspace.value));
  }
  if (sticky == Sticky::kConversation) return HashOfBeginning(request);
  return std::nullopt;
}

route::Headroom HeadroomOf(provider::ChatModel& model) {
  auto* watched = dynamic_cast<HasHeadroom*>(&model);
  return watched == nullptr ? route::Headroom{} : watched->Left();
}

route::Headroom ResilientChat::Left() {
  auto set = pool_.Get();
  std::optional<route::Headroom> best;
  for (const auto& lane : set->lanes) {
    const auto& health = *lane->health;
    if (lane->tier != 0 || health.State() == BreakerState::kOpen) continue;
    route::Headroom left{.quota_left = health.Throttled() ? 0 : health.QuotaShare(),
                         .queue = health.Queue()};
    if (!best || left.Used() < best->Used()) best = left;
  }
  return best.value_or(route::Headroom{});
}

Task<Result<std::unique_ptr<ChatStream>>> ResilientChat::Start(domain::ChatRequest&& request,
                                                               RequestContext& ctx) {
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  const auto settles = request.answer_is_read ? Settles::kWhenRecorded : Settles::kAtEnd;
  auto set = pool_.Get();
  if (set->lanes.empty()) co_return Fail(NoDeployment(pool_.spec().id, set->missing));
  Attempts attempts(set->lanes, rules_, budget_, ctx, parts_.env.random, request.stream,
                    StickyKey(request, ctx));
  while (true) {
    STRATA_CO_TRY(auto choice, attempts.Choose());
    std::shared_ptr<Attempt> attempt;
    if (set->lanes.size() == 1 && choice.number == 1 && !attempts.Patience()) {
      // The first attempt at a model named directly, which is nearly every request, is as it would
      // be without this layer.
      attempt = std::make_shared<Attempt>(std::move(choice), *set->lanes[0], set->models[0], ctx,
                                          Attempt::Context::kShared);
      attempt->request = request;
      co_await Attempt::Open(attempt);
    } else {
      attempt = co_await Try(*set, attempts, std::move(choice), request, ctx);
    }
    if (!attempt->error) {
      set->lanes[attempt->choice.lane]->health->SetQuotaShare(attempt->ctx().quota_share);
      co_return std::make_unique<ResilientStream>(std::move(attempt), std::move(set), settles);
    }
    auto error = std::move(*attempt->error);
    attempt->Settle(OutcomeOf(error, attempt->stage), &error);
    auto wait = attempts.Failed(std::move(attempt->choice), std::move(error), attempt->stage);
    attempt.reset();
    if (!wait) co_return Fail(attempts.Final());
    if (wait->count() > 0) STRATA_CO_CHECK_OK(co_await parts_.env.sleep(*wait, ctx.cancel));
  }
}

// One attempt to its first token or its failure; with a second one beside it when it is slow and
// the pool hedges.
Task<std::shared_ptr<Attempt>> ResilientChat::Try(const Set& set, Attempts& attempts, Choice choice,
                                                  const domain::ChatRequest& request,
                                                  RequestContext& ctx) {
  auto patience = attempts.Patience();
  bool hedge = pool_.spec().hedge_after.count() > 0 && set.lanes.size() > 1;
  auto at = choice.lane;
  auto attempt = std::make_shared<Attempt>(std::move(choice), *set.lanes[at], set.models[at], ctx,
                                           Attempt::Context::kOwn);
  std::shared_ptr<void> alarm;
  if (patience) alarm = co_await Attempt::Limit(attempt, *patience);
  if (hedge) co_return co_await Race(set, attempts, std::move(attempt), request, ctx);
  attempt->request = request;
  co_await Attempt::Open(attempt);
  co_return attempt;
}

// Ends with the attempt that gave a token first, or with the last that failed; every other has
// ended by then, its call metered.
Task<std::shared_ptr<Attempt>> ResilientChat::Race(const Set& set, Attempts& attempts,
                                                   std::shared_ptr<Attempt> first,
                                                   const domain::ChatRequest& request,
                                                   RequestContext& ctx) {
  auto executor = co_await asio::this_coro::executor;
  // Shared with the runners, which may outlive this frame when the process stops.
  auto wake = std::make_shared<asio::steady_timer>(executor, pool_.spec().hedge_after);
  auto run = [&](const std::shared_ptr<Attempt>& attempt) {
    attempt->request = request;
    asio::co_spawn(executor, Attempt::Open(attempt),
                   [attempt, wake](const std::exception_ptr& thrown) {
                     if (thrown) attempt->error = ThrownError("gateway.attempt", thrown);
                     attempt->done = true;
                     wake->cancel();
                   });
  };
  struct Orphans {
    std::vector<std::shared_ptr<Attempt>> attempts;
    ~Orphans() {
      for (auto& attempt : attempts) attempt->Orphan();
    }
  } orphans;
  orphans.attempts.push_back(first);
  run(first);
  if (!first->done) co_await Wait(*wake);
  std::shared_ptr<Attempt> second;
  std::shared_ptr<void> alarm;  // the first one has its own
  if (!first->done) {
    if (auto choice = attempts.ChooseHedge()) {
      auto at = choice->lane;
      second = std::make_shared<Attempt>(std::move(*choice), *set.lanes[at], set.models[at], ctx,
                                         Attempt::Context::kOwn);
      second->NumberBehind(*first);
      if (auto patience = attempts.Patience()) alarm = co_await Attempt::Limit(second, *patience);
      orphans.attempts.push_back(second);
      run(second);
    }
  }
  auto won = [](const std::shared_ptr<Attempt>& a) { return a && a->done && !a->error; };
  auto running = [](const std::shared_ptr<Attempt>& a) { return a && !a->done; };
  while (!won(first) && !won(second) && (running(first) || running(second))) {
    wake->expires_after(std::chrono::hours(24));
    co_await Wait(*wake);
  }
  bool second_won = won(second) && !won(first);
  auto winner = second_won ? second : first;
  auto loser = second_won ? first : second;
  if (loser) {
    if (running(loser)) loser->Cancel();
    while (running(loser)) {
      wake->expires_after(std::chrono::hours(24));
      co_await Wait(*wake);
    }
    Lost(*loser, attempts);
  }
  orphans.attempts.clear();
  co_return winner;
}

Task<Result<std::int64_t>> ResilientChat::CountTokens(domain::ChatRequest request,
                                                      RequestContext& ctx) {
  auto set = pool_.Get();
  Error last = NoDeployment(info_.id, set->missing);
  for (const auto& model : set->models) {
    auto copy = request;
    auto count = co_await model->CountTokens(std::move(copy), ctx);
    if (count.has_value()) co_return *count;
    last = std::move(count.error());
    STRATA_CO_CHECK_OK(ctx.CheckAlive());
    if (last.code() == Code::kInvalidArgument) break;  // the request's own fault everywhere
  }
  co_return Fail(std::move(last));
}

}  // namespace strata::gateway
