#pragma once
// Notices a provider that falls silent in the middle of a streamed answer, its connection open.

#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include "base/task.h"
#include "provider/remote/let_go.h"

namespace strata::provider::remote {

// From the first piece of an answer on: while the next one is waited for, and not while the caller
// takes its time. One timer a stream, which is set again only when it fires: a piece costs a look
// at the clock. Used on the io thread that reads the answer.
class StallWatch {
 public:
  // `limit` 0: never.
  StallWatch(std::shared_ptr<Cancel> cancel, std::chrono::milliseconds limit)
      : cancel_(std::move(cancel)), limit_(limit) {}
  ~StallWatch();
  StallWatch(const StallWatch&) = delete;
  StallWatch& operator=(const StallWatch&) = delete;

  // The next bytes, as ClientResponse::Read. kUnavailable when none came for so long; the call is
  // cancelled then.
  Task<Result<std::string_view>> Read(net::ClientResponse& response);

 private:
  struct State;
  std::shared_ptr<Cancel> cancel_;  // null: never
  const std::chrono::milliseconds limit_;
  bool begun_ = false;            // a piece has come
  std::shared_ptr<State> state_;  // null: nothing was waited for yet
};

}  // namespace strata::provider::remote
