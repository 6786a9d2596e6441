#include "server/cli/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace strata::server {
namespace {

constexpr char kInterrupted = 'i';
constexpr char kDone = 'd';

// Where the signal handler writes to.
std::atomic<int> g_pipe{-1};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void OnInterrupt(int) {
  const int error = errno;
  (void)!::write(g_pipe.load(), &kInterrupted, 1);
  errno = error;
}

}  // namespace

InterruptWatch::InterruptWatch(std::function<void()> first) {
  struct sigaction before{};
  if (::sigaction(SIGINT, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) return;
  if (::pipe2(pipe_, O_CLOEXEC) != 0) return;
  g_pipe = pipe_[1];
  thread_ = std::thread([this, first = std::move(first)] {
    char what = kDone;
    while (::read(pipe_[0], &what, 1) < 0 && errno == EINTR) continue;
    if (what == kInterrupted) first();
  });
  struct sigaction action{};
  action.sa_handler = OnInterrupt;
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  watching_ = ::sigaction(SIGINT, &action, nullptr) == 0;
}

InterruptWatch::~InterruptWatch() {
  if (watching_) ::signal(SIGINT, SIG_DFL);
  if (!thread_.joinable()) return;
  (void)!::write(pipe_[1], &kDone, 1);
  thread_.join();
  ::close(pipe_[0]);
  ::close(pipe_[1]);
}

}  // namespace strata::server
