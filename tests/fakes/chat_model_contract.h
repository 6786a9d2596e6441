#pragma once
// The contract test of ChatModel: what every implementation promises, whoever it is. In the unit
// test of an implementation:
//
//   class FakeSubject final : public fakes::ChatModelSubject { … };
//   STRATA_CHAT_MODEL_CONTRACT(FakeChatModel, [] { return std::make_unique<FakeSubject>(); });
//
// which defines one GoogleTest a promise. The subject must answer Request() with some text.

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "net/runtime.h"
#include "provider/chat_model.h"

namespace strata::fakes {

class ChatModelSubject {
 public:
  virtual ~ChatModelSubject() = default;
  virtual provider::ChatModel& model() = 0;
  virtual net::Runtime& runtime() = 0;

  // A question that the model answers with at least one character of text.
  virtual domain::ChatRequest Request() { return UserSays("Say hello."); }

  static domain::ChatRequest UserSays(std::string text);
};

using MakeSubject = std::function<std::unique_ptr<ChatModelSubject>()>;

namespace contract {

void EventsComeInOrderAndEndOnce(ChatModelSubject& subject);
void WholeAnswerHasTheSameShape(ChatModelSubject& subject);
void UsageIsKnownAtEveryMoment(ChatModelSubject& subject);
void CancelledRequestIsNotAnswered(ChatModelSubject& subject);
void PassedDeadlineIsNotAnswered(ChatModelSubject& subject);
void DroppedStreamLeavesTheModelUsable(ChatModelSubject& subject);
void CancelInTheMiddleEndsTheStream(ChatModelSubject& subject);
void ServesSeveralRequestsAtOnce(ChatModelSubject& subject);
void EmptyConversationIsRefused(ChatModelSubject& subject);
void CountIsPositiveOrUnsupported(ChatModelSubject& subject);
void InfoIsConstant(ChatModelSubject& subject);

}  // namespace contract
}  // namespace strata::fakes

#define STRATA_CHAT_MODEL_PROMISE(Name, make, promise)                             \
  TEST(Name##ChatModelContract, promise) {                                         \
    ::strata::fakes::MakeSubject make_subject = make;                              \
    ::std::unique_ptr<::strata::fakes::ChatModelSubject> subject = make_subject(); \
    ::strata::fakes::contract::promise(*subject);                                  \
  }

// The factory may hold commas, so it is the variadic rest.
#define STRATA_CHAT_MODEL_CONTRACT(Name, ...)                                       \
  STRATA_CHAT_MODEL_PROMISE(Name, (__VA_ARGS__), EventsComeInOrderAndEndOnce)       \
  STRATA_CHAT_MODEL_PROMISE(Name, (__VA_ARGS__), WholeAnswerHasTheSameShape)        \
  STRATA_CHAT_MODEL_PROMISE(Name, (__VA_ARGS__), UsageIsKnownAtEveryMoment)         \
  STRATA_CHAT_MODEL_PROMISE(Name, (__VA_ARGS__), CancelledRequestIsNotAnswered)     \
  STRATA_CHAT_MODEL_PROMISE(Name, (__VA_ARGS__), PassedDeadlineIsNotAnswered)       \
  STRATA_CHAT_MODEL_PROMISE(Name, (__VA_ARGS__), DroppedStreamLeavesTheModelUsable) \
  STRATA_CHAT_MODEL_PROMISE(Name, (__VA_ARGS__), CancelInTheMiddleEndsTheStream)    \
  STRATA_CHAT_MODEL_PROMISE(Name, (__VA_ARGS__), ServesSeveralRequestsAtOnce)       \
  STRATA_CHAT_MODEL_PROMISE(Name, (__VA_ARGS__), EmptyConversationIsRefused)        \
  STRATA_CHAT_MODEL_PROMISE(Name, (__VA_ARGS__), CountIsPositiveOrUnsupported)      \
  STRATA_CHAT_MODEL_PROMISE(Name, (__VA_ARGS__), InfoIsConstant)
