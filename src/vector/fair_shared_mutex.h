#pragma once
// A std::shared_mutex whose writers do not starve: glibc's lets readers in as long as one of them
// is inside, so that under steady searching nothing could ever be changed.

#include <mutex>
#include <shared_mutex>

namespace strata::vector {

// For std::unique_lock and std::shared_lock. Who comes while a writer waits, waits behind it.
class FairSharedMutex {
 public:
  void lock() {
    std::lock_guard turn(turn_);
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }
  void lock_shared() {
    std::lock_guard turn(turn_);
    mutex_.lock_shared();
  }
  void unlock_shared() { mutex_.unlock_shared(); }

 private:
  std::mutex turn_;
  std::shared_mutex mutex_;
};

}  // namespace strata::vector
