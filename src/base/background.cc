#include "base/background.h"

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <mutex>
#include <set>
#include <string>

namespace strata {
namespace {

constexpr int kNiceDefault = 10;

std::atomic<int> background_nice = kNiceDefault;

struct Threads {
  std::mutex mutex;
  std::set<int> alive;
  BackgroundTimes ended;  // of those that are gone
};

// Never destroyed: pools may end after static objects.
Threads& All() {
  static auto* all = new Threads();
  return *all;
}

// The kernel's count, "RUN_NS WAIT_NS SLICES"; zeros where it keeps none.
BackgroundTimes TimesOf(int id) {
  std::ifstream file("/proc/self/task/" + std::to_string(id) + "/schedstat");
  std::int64_t ran = 0;
  std::int64_t waited = 0;
  if (!(file >> ran >> waited)) return {};
  return {.ran = std::chrono::nanoseconds(ran), .waited = std::chrono::nanoseconds(waited)};
}

void Add(BackgroundTimes& sum, const BackgroundTimes& more) {
  sum.ran += more.ran;
  sum.waited += more.waited;
}

}  // namespace

void SetBackgroundNice(int nice) { background_nice = nice; }
int BackgroundNice() { return background_nice; }

BackgroundTimes MeasureBackground() {
  auto& all = All();
  std::lock_guard lock(all.mutex);
  auto sum = all.ended;
  for (int id : all.alive) Add(sum, TimesOf(id));
  return sum;
}

BackgroundThread::BackgroundThread() : id_(::gettid()) {
  auto& all = All();
  std::lock_guard lock(all.mutex);
  all.alive.insert(id_);
}

BackgroundThread::~BackgroundThread() {
  auto& all = All();
  std::lock_guard lock(all.mutex);
  Add(all.ended, TimesOf(id_));
  all.alive.erase(id_);
}

}  // namespace strata
