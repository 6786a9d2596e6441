#include "base/crash_point.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>

namespace strata {
namespace {

// "name:n" of the environment.
class Passage {
 public:
  explicit Passage(const char* variable) {
    const char* text = std::getenv(variable);
    if (text == nullptr) return;
    std::string_view spec(text);
    if (auto colon = spec.rfind(':'); colon != spec.npos) {
      name_ = spec.substr(0, colon);
      at_ = std::strtoull(text + colon + 1, nullptr, 10);
    }
  }
  bool set() const { return !name_.empty(); }
  // Counts a passage; whether it is the one.
  bool Pass(std::string_view name) { return set() && name == name_ && ++passed_ == at_; }

 private:
  std::string name_;
  std::uint64_t at_ = 0;
  std::atomic<std::uint64_t> passed_{0};
};

struct Plan {
  Passage kill{"STRATA_CRASH_AT"};
  Passage raise{"STRATA_THROW_AT"};
  int count_fd = -1;

  Plan() {
    if (const char* file = std::getenv("STRATA_CRASH_COUNT")) {
      count_fd = ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
  }
  bool idle() const { return !kill.set() && !raise.set() && count_fd < 0; }
};

Plan& ThePlan() {
  static Plan plan;
  return plan;
}

}  // namespace

void CrashPoint(std::string_view name) {
  auto& plan = ThePlan();
  if (plan.idle()) return;
  if (plan.count_fd >= 0) {
    auto line = std::string(name) + "\n";
    [[maybe_unused]] auto written = ::write(plan.count_fd, line.data(), line.size());
  }
  if (plan.kill.Pass(name)) ::raise(SIGKILL);
  ThrowPoint(name);
}

void ThrowPoint(std::string_view name) {
  if (ThePlan().raise.Pass(name)) throw std::bad_alloc();
}

}  // namespace strata
