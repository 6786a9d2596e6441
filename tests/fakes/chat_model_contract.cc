#include "tests/fakes/chat_model_contract.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

namespace strata::fakes {

using domain::StreamEvent;
using provider::ChatStream;

domain::ChatRequest ChatModelSubject::UserSays(std::string text) {
  domain::ChatRequest request;
  domain::Message message;
  message.content.push_back(domain::TextBlock{.text = std::move(text), .citations = {}});
  request.messages.push_back(std::move(message));
  request.max_tokens = 16;
  request.stream = true;
  return request;
}

namespace contract {
namespace {

// How one answer went: its events up to the end or the error.
struct Outcome {
  std::vector<StreamEvent> events;
  std::optional<Error> error;
  domain::Usage usage;      // after the end
  bool usage_fell = false;  // UsageSoFar().output_tokens went down before the end
};

Task<Outcome> Ask(provider::ChatModel& model, domain::ChatRequest request, RequestContext& ctx) {
  Outcome out;
  auto started = co_await model.Start(std::move(request), ctx);
  if (!started.has_value()) {
    out.error = started.error();
    co_return out;
  }
  auto stream = std::move(*started);
  std::int64_t before = 0;
  for (;;) {
    auto event = co_await stream->Next();
    out.usage = stream->UsageSoFar();
    if (!event.has_value()) {
      out.error = event.error();
      break;
    }
    bool end = std::holds_alternative<domain::StreamEnd>(*event);
    out.usage_fell |= !end && out.usage.output_tokens < before;
    before = out.usage.output_tokens;
    out.events.push_back(std::move(*event));
    if (end) break;
  }
  co_return out;
}

Outcome Run(ChatModelSubject& subject, domain::ChatRequest request) {
  RequestContext ctx;
  return subject.runtime().Run(Ask(subject.model(), std::move(request), ctx));
}

// Follows the order of domain/stream.h.
struct OrderCheck {
  bool started = false;
  bool ended = false;
  int open = -1;
  int next_index = 0;

  void operator()(const domain::StreamStart&) {
    EXPECT_FALSE(started) << "two starts";
    started = true;
  }
  void operator()(const domain::BlockStart& block) {
    EXPECT_TRUE(started && !ended);
    EXPECT_EQ(open, -1) << "blocks must not interleave";
    EXPECT_EQ(block.index, next_index);
    open = next_index++;
    if (block.kind == domain::BlockKind::kToolUse) {
      EXPECT_FALSE(block.tool_use_id.empty());
      EXPECT_FALSE(block.tool_name.empty());
    }
  }
  void operator()(const domain::BlockStop& stop) {
    EXPECT_EQ(stop.index, open);
    open = -1;
  }
  void operator()(const domain::WireChunk&) { EXPECT_TRUE(started && !ended); }
  void operator()(const domain::WireStop&) { ADD_FAILURE() << "only guardrails stop bytes"; }
  void operator()(const domain::StreamEnd&) {
    EXPECT_TRUE(started);
    EXPECT_EQ(open, -1) << "a block is open at the end";
    EXPECT_FALSE(ended) << "two ends";
    ended = true;
  }
  template <class Delta>
  void operator()(const Delta& delta) {
    EXPECT_EQ(delta.index, open) << "a delta outside its block";
  }
};

void ExpectOrder(const Outcome& outcome) {
  ASSERT_FALSE(outcome.error.has_value()) << outcome.error->message();
  OrderCheck order;
  for (const auto& event : outcome.events) std::visit(order, event);
  EXPECT_TRUE(order.ended);
}

std::string TextOfEvents(const std::vector<StreamEvent>& events) {
  domain::StreamAccumulator all;
  for (const auto& event : events) all.Add(event);
  return domain::TextOf(all.response().content);
}

}  // namespace

void EventsComeInOrderAndEndOnce(ChatModelSubject& subject) {
  auto outcome = Run(subject, subject.Request());
  ExpectOrder(outcome);
  EXPECT_FALSE(TextOfEvents(outcome.events).empty());
}

void WholeAnswerHasTheSameShape(ChatModelSubject& subject) {
  auto request = subject.Request();
  request.stream = false;
  auto outcome = Run(subject, std::move(request));
  ExpectOrder(outcome);
  EXPECT_FALSE(TextOfEvents(outcome.events).empty());
}

void UsageIsKnownAtEveryMoment(ChatModelSubject& subject) {
  auto outcome = Run(subject, subject.Request());
  ASSERT_FALSE(outcome.error.has_value()) << outcome.error->message();
  EXPECT_FALSE(outcome.usage_fell);
  EXPECT_GT(outcome.usage.PromptTokens(), 0);
  EXPECT_GT(outcome.usage.output_tokens, 0);
  const auto& end = std::get<domain::StreamEnd>(outcome.events.back());
  EXPECT_EQ(end.usage, outcome.usage);
}

void CancelledRequestIsNotAnswered(ChatModelSubject& subject) {
  std::stop_source source;
  source.request_stop();
  RequestContext ctx;
  ctx.cancel = source.get_token();
  auto outcome = subject.runtime().Run(Ask(subject.model(), subject.Request(), ctx));
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->code(), Code::kCancelled);
}

void PassedDeadlineIsNotAnswered(ChatModelSubject& subject) {
  RequestContext ctx;
  ctx.deadline = ctx.clock->Steady() - std::chrono::seconds(1);
  auto outcome = subject.runtime().Run(Ask(subject.model(), subject.Request(), ctx));
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->code(), Code::kDeadlineExceeded);
}

namespace {

Task<std::optional<Error>> TakeOneEvent(provider::ChatModel& model, domain::ChatRequest request,
                                        RequestContext& ctx) {
  auto started = co_await model.Start(std::move(request), ctx);
  if (!started.has_value()) co_return started.error();
  auto stream = std::move(*started);
  auto event = co_await stream->Next();
  if (!event.has_value()) co_return event.error();
  co_return std::nullopt;  // the stream is dropped here, in the middle
}

Task<Outcome> CancelAfterOneEvent(provider::ChatModel& model, domain::ChatRequest request,
                                  RequestContext& ctx, std::stop_source source) {
  Outcome out;
  auto started = co_await model.Start(std::move(request), ctx);
  if (!started.has_value()) {
    out.error = started.error();
    co_return out;
  }
  auto stream = std::move(*started);
  for (;;) {
    auto event = co_await stream->Next();
    source.request_stop();
    out.usage = stream->UsageSoFar();
    if (!event.has_value()) {
      out.error = event.error();
      break;
    }
    out.events.push_back(std::move(*event));
    if (std::holds_alternative<domain::StreamEnd>(out.events.back())) break;
  }
  co_return out;
}

}  // namespace

void DroppedStreamLeavesTheModelUsable(ChatModelSubject& subject) {
  for (int i = 0; i < 3; ++i) {
    RequestContext ctx;
    auto error = subject.runtime().Run(TakeOneEvent(subject.model(), subject.Request(), ctx));
    EXPECT_FALSE(error.has_value()) << error->message();
  }
  ExpectOrder(Run(subject, subject.Request()));
}

// What was decoded already may still come out; whatever ends the stream is the end or kCancelled.
void CancelInTheMiddleEndsTheStream(ChatModelSubject& subject) {
  std::stop_source source;
  RequestContext ctx;
  ctx.cancel = source.get_token();
  auto outcome =
      subject.runtime().Run(CancelAfterOneEvent(subject.model(), subject.Request(), ctx, source));
  if (outcome.error.has_value()) EXPECT_EQ(outcome.error->code(), Code::kCancelled);
  EXPECT_GE(outcome.usage.PromptTokens(), 0);
  ExpectOrder(Run(subject, subject.Request()));
}

void ServesSeveralRequestsAtOnce(ChatModelSubject& subject) {
  constexpr int kRequests = 4;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Outcome> outcomes;
  std::vector<RequestContext> contexts(kRequests);
  auto one = [&](RequestContext& ctx) -> Task<void> {
    auto outcome = co_await Ask(subject.model(), subject.Request(), ctx);
    std::lock_guard lock(mutex);
    outcomes.push_back(std::move(outcome));
    changed.notify_all();
  };
  for (auto& ctx : contexts) subject.runtime().Spawn(one(ctx));
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return outcomes.size() == kRequests; });
  for (const auto& outcome : outcomes) ExpectOrder(outcome);
}

void EmptyConversationIsRefused(ChatModelSubject& subject) {
  auto request = subject.Request();
  request.messages.clear();
  request.system.clear();
  auto outcome = Run(subject, std::move(request));
  ASSERT_TRUE(outcome.error.has_value());
  EXPECT_EQ(outcome.error->code(), Code::kInvalidArgument) << outcome.error->message();
}

void CountIsPositiveOrUnsupported(ChatModelSubject& subject) {
  RequestContext ctx;
  auto count = subject.runtime().Run(subject.model().CountTokens(subject.Request(), ctx));
  if (count.has_value()) {
    EXPECT_GT(*count, 0);
  } else {
    EXPECT_EQ(count.error().code(), Code::kUnsupported) << count.error().message();
  }
}

void InfoIsConstant(ChatModelSubject& subject) {
  const auto* info = &subject.model().Info();
  std::string id = info->id;
  EXPECT_FALSE(id.empty());
  EXPECT_FALSE(info->provider.empty());
  EXPECT_TRUE(info->can.chat);
  Run(subject, subject.Request());
  EXPECT_EQ(&subject.model().Info(), info);
  EXPECT_EQ(info->id, id);
}

}  // namespace contract
}  // namespace strata::fakes
