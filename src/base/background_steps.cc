#include "base/background_steps.h"

#include <atomic>
#include <mutex>
#include <utility>

#include "base/caught.h"

namespace strata {

struct BackgroundSteps::State : std::enable_shared_from_this<State> {
  State(Pool* given_pool, std::string_view given_name, std::function<bool()> given_step)
      : pool(given_pool), name(given_name), step(std::move(given_step)) {}

  Pool* const pool;
  const std::string_view name;
  const std::function<bool()> step;
  std::mutex running;  // held during a step
  std::atomic<bool> closing = false;
  std::atomic<bool> scheduled = false;
  std::atomic<bool> woken = false;  // since the last step began

  void Schedule() {
    if (pool == nullptr || closing || scheduled.exchange(true)) return;
    auto work = [self = shared_from_this()] { self->Run(); };
    // A full queue is emptied by steps that end; the next call of Wake asks again.
    if (!pool->Post(std::move(work), Urgency::kBackground).has_value()) scheduled = false;
  }

  void Run() {
    std::lock_guard lock(running);
    woken = false;
    bool more = false;
    if (!closing) CallCaught(name, [&] { more = step(); });
    scheduled = false;
    if (more || woken) Schedule();
  }
};

BackgroundSteps::BackgroundSteps(Pool* pool, std::string_view name, std::function<bool()> step)
    : state_(std::make_shared<State>(pool, name, std::move(step))) {}

BackgroundSteps::~BackgroundSteps() {
  state_->closing = true;
  std::lock_guard lock(state_->running);
}

void BackgroundSteps::Wake() {
  state_->woken = true;
  state_->Schedule();
}

bool BackgroundSteps::closing() const { return state_->closing; }
bool BackgroundSteps::possible() const { return state_->pool != nullptr; }

}  // namespace strata
