#pragma once
// One attempt of a request under way: its own cancel and deadline, its span; of a chat, its stream
// up to the first token.

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "gateway/resilience/attempts.h"
#include "provider/chat_model.h"

namespace strata::gateway {

// Belongs to one io thread. Shared by the request's coroutine and, in a race, the coroutine that
// opens the stream.
class Attempt {
 public:
  // Whether the attempt shares the request's context, or has a copy with a cancel of its own.
  enum class Context : std::uint8_t { kShared, kOwn };

  Attempt(Choice made, const Lane& lane, std::shared_ptr<provider::ChatModel> of,
          RequestContext& request, Context kind);
  // Of a call that is no chat: whoever makes it does so with ctx(), and says when it is done.
  Attempt(Choice made, const Lane& lane, RequestContext& request, Context kind)
      : Attempt(std::move(made), lane, nullptr, request, kind) {}
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt();

  // Starts the model with `request`, which it takes, and reads up to the first event that is not
  // StreamStart. Sets `error` or `stream` and `head`. `self` is kept for as long as it runs.
  static Task<void> Open(std::shared_ptr<Attempt> self);

  void Cancel();
  // Cancels the attempt when it is not done after `limit`, for as long as the result lives.
  static Task<std::shared_ptr<void>> Limit(std::weak_ptr<Attempt> attempt,
                                           std::chrono::milliseconds limit);
  // The error of the call: that nothing came in time where Limit cancelled it.
  Error Explained(Error error, std::string_view model) const;

  // Of one that runs beside another: before it opens.
  void NumberBehind(Attempt& other);

  // Writes the outcome on the attempt's span and gives what it cost to the request. Once.
  void Settle(AttemptOutcome outcome, const Error* error = nullptr);

  // The request's coroutine is gone with the process's io threads: nothing may be told to it.
  void Orphan() { settled_ = true; }

  RequestContext& ctx() { return own_ ? *own_ : request_; }

  Choice choice;
  domain::ChatRequest request;
  std::unique_ptr<provider::ChatStream> stream;  // destroyed before the contexts it refers to
  std::vector<domain::StreamEvent> head;         // what was read already
  std::optional<Error> error;
  AttemptStage stage = AttemptStage::kStart;
  bool done = false;

 private:
  struct Stop {
    std::stop_source* source;
    void operator()() const { source->request_stop(); }
  };
  void Fork(const Lane& lane);
  void HandUpNumbers();
  void OutOfPatience(std::chrono::milliseconds limit);

  const std::shared_ptr<provider::ChatModel> model_;
  RequestContext& request_;
  std::stop_source stop_{std::nostopstate};  // of one with a context of its own
  std::unique_ptr<RequestContext> own_;
  std::optional<std::stop_callback<Stop>> on_client_gone_;
  std::optional<std::chrono::milliseconds> patience_;
  bool settled_ = false;
};

}  // namespace strata::gateway
