#pragma once
// Ctrl-C while a command waits for something that it can end in an orderly way.

#include <functional>
#include <thread>

namespace strata::server {

// At most one at a time. Does nothing where SIGINT is ignored (nohup, a shell's background jobs).
class InterruptWatch {
 public:
  // `first` runs once, on a thread of the watch, at the first Ctrl-C; a second one ends the process
  // as it would without a watch.
  explicit InterruptWatch(std::function<void()> first);
  // Waits for `first` if it runs.
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

 private:
  int pipe_[2] = {-1, -1};
  bool watching_ = false;
  std::thread thread_;
};

}  // namespace strata::server
