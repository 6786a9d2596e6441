#pragma once
// How work that nobody waits for shares the cores with what somebody waits for. Thread-safe.

#include <chrono>

namespace strata {

// Niceness of background threads that start from now on, above the process's own (see
// LowerThreadPriority): 0, an equal share, to 19. Threads that run keep theirs, as the way back
// needs privileges. 10 until it is set.
void SetBackgroundNice(int nice);
int BackgroundNice();

// What the operating system gave to all background threads of this process until now, and how long
// they were ready and stood behind others. Both stay 0 where it does not say.
struct BackgroundTimes {
  std::chrono::nanoseconds ran{0};
  std::chrono::nanoseconds waited{0};
};
BackgroundTimes MeasureBackground();

// Counts the calling thread among the background threads while it lives.
class BackgroundThread {
 public:
  BackgroundThread();
  ~BackgroundThread();
  BackgroundThread(const BackgroundThread&) = delete;
  BackgroundThread& operator=(const BackgroundThread&) = delete;

 private:
  int id_;  // the kernel's, of the thread
};

}  // namespace strata
