#include "provider/llama/generation.h"

#include <algorithm>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iterator>
#include <utility>

#include "base/check.h"

namespace strata::provider::llama {

namespace asio = boost::asio;

Generation::Generation(std::int64_t prompt_tokens) { usage_.input_tokens = prompt_tokens; }

// Suspends until the state changes; returns at once when there is something to take.
Task<void> Generation::Wait() {
  co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
      [this](auto handler) {
        auto executor = asio::get_associated_executor(handler);
        // The guard moves on with the handler: once posted, the engine's thread must hold nothing
        // of an io_context that may end with this coroutine.
        Wake wake = [executor, handler = std::move(handler),
                     guard = asio::executor_work_guard<decltype(executor)>(executor)]() mutable {
          asio::post(executor, [handler = std::move(handler), guard = std::move(guard)]() mutable {
            std::move(handler)();
          });
        };
        {
          std::lock_guard lock(mutex_);
          STRATA_CHECK(!waiter_, "two coroutines wait for one generation");
          waiter_ = std::move(wake);
          bool ready = !text_.empty() || end_ || error_ || (admitted_ && !admission_seen_);
          wake = ready ? TakeWaiter() : Wake();
        }
        if (wake) wake();
      },
      asio::use_awaitable);
}

Task<Result<>> Generation::Admitted() {
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (admitted_) {
        admission_seen_ = true;
        co_return Result<>{};
      }
      if (error_) co_return std::unexpected(*error_);
    }
    co_await Wait();
  }
}

Task<Result<Generation::Step>> Generation::Next() {
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      admission_seen_ = true;
      if (!text_.empty() || end_) {
        Step step{.text = std::exchange(text_, {}),
                  .logprobs = std::exchange(logprobs_, {}),
                  .end = end_};
        co_return step;
      }
      if (error_) co_return std::unexpected(*error_);
    }
    co_await Wait();
  }
}

domain::Usage Generation::usage() const {
  std::lock_guard lock(mutex_);
  return usage_;
}

Generation::Wake Generation::TakeWaiter() { return std::exchange(waiter_, {}); }

void Generation::Cancel() {
  Wake wake;
  {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (!end_ && !error_) error_ = Error(Code::kCancelled, "the client has gone away");
    wake = TakeWaiter();
  }
  if (wake) wake();
}

bool Generation::cancelled() const {
  std::lock_guard lock(mutex_);
  return cancelled_;
}

void Generation::Admit(std::int64_t cached_tokens) {
  Wake wake;
  {
    std::lock_guard lock(mutex_);
    if (admitted_) return;  // it lost its place for a while; what was billed stands
    admitted_ = true;
    usage_.cache_read_tokens = cached_tokens;
    usage_.input_tokens -= cached_tokens;
    wake = TakeWaiter();
  }
  if (wake) wake();
}

void Generation::Add(std::string_view text, Logprobs logprobs) {
  Wake wake;
  {
    std::lock_guard lock(mutex_);
    ++usage_.output_tokens;
    text_ += text;
    std::ranges::move(logprobs, std::back_inserter(logprobs_));
    if (!text.empty()) wake = TakeWaiter();
  }
  if (wake) wake();
}

void Generation::AddRest(std::string_view text, Logprobs logprobs) {
  std::lock_guard lock(mutex_);  // Finish follows and wakes
  text_ += text;
  std::ranges::move(logprobs, std::back_inserter(logprobs_));
}

void Generation::Finish(GenerationEnd end) {
  Wake wake;
  {
    std::lock_guard lock(mutex_);
    if (!error_) end_ = std::move(end);
    wake = TakeWaiter();
  }
  if (wake) wake();
}

void Generation::Fail(Error error) {
  Wake wake;
  {
    std::lock_guard lock(mutex_);
    if (!end_ && !error_) error_ = std::move(error);
    wake = TakeWaiter();
  }
  if (wake) wake();
}

}  // namespace strata::provider::llama
