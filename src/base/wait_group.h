#pragma once
// Work of its own that an owner waits for before it ends.

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>

namespace strata {

// Thread-safe.
class WaitGroup {
 public:
  // Held by one piece of work; counts it until it is destroyed. As a coroutine's parameter the
  // first: it goes last, however the coroutine ends.
  class Ticket {
   public:
    explicit Ticket(WaitGroup& group) : group_(&group) {
      std::lock_guard lock(group.mutex_);
      ++group.count_;
    }
    Ticket(Ticket&& other) noexcept : group_(std::exchange(other.group_, nullptr)) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() {
      if (group_ == nullptr) return;
      std::lock_guard lock(group_->mutex_);
      --group_->count_;
      group_->none_.notify_all();
    }

   private:
    WaitGroup* group_;
  };

  std::size_t count() const {
    std::lock_guard lock(mutex_);
    return count_;
  }
  // Blocks until no ticket is left.
  void Wait() {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable none_;
  std::size_t count_ = 0;
};

}  // namespace strata
