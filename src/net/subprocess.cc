#include "net/subprocess.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace strata::net {
namespace {

using SteadyClock = std::chrono::steady_clock;

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { Close(); }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

struct Pipe {
  Fd read;
  Fd write;
};

Error SystemError(std::string_view what) {
  return Error(Code::kUnavailable, fmt::format("{}: {}", what, std::strerror(errno)));
}

Result<Pipe> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Fail(SystemError("pipe"));
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// Everything the child needs, made before fork: after it only async-signal-safe calls are allowed.
struct Prepared {
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::string program;
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  int report_fd = -1;                         // errno of a failed exec goes here
  std::vector<std::pair<int, int>> pass_fds;  // both above `scratch_from`'s reach after staging
  int highest_target = 2;
};

// `beyond`: how far the hard limit stands behind the soft one.
void SetLimit(int which, std::uint64_t value, std::uint64_t beyond = 0) {
  if (value == 0) return;
  rlimit limit{value, value + beyond};
  ::setrlimit(static_cast<__rlimit_resource>(which), &limit);
}

[[noreturn]] void FailChild(int report_fd) {
  int error = errno;
  (void)!::write(report_fd, &error, sizeof error);
  ::_exit(127);
}

// Moves descriptors out of the way of the numbers they must get, then to these numbers.
void PlaceDescriptors(const Prepared& prepared, std::array<int, 64>& staged) {
  int above = prepared.highest_target + 1;
  int report = ::fcntl(prepared.report_fd, F_DUPFD_CLOEXEC, above);
  if (report < 0) FailChild(prepared.report_fd);
  std::size_t count = 0;
  for (int fd : {prepared.stdin_fd, prepared.stdout_fd, prepared.stderr_fd}) {
    staged[count++] = ::fcntl(fd, F_DUPFD_CLOEXEC, above);
  }
  for (const auto& [from, to] : prepared.pass_fds) {
    staged[count++] = ::fcntl(from, F_DUPFD_CLOEXEC, above);
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (staged[i] < 0) FailChild(report);
    int target = i < 3 ? static_cast<int>(i) : prepared.pass_fds[i - 3].second;
    if (::dup2(staged[i], target) < 0) FailChild(report);
  }
  staged[63] = report;
}

bool IsKept(const Prepared& prepared, int fd) {
  if (fd <= 2) return true;
  for (const auto& [from, to] : prepared.pass_fds) {
    if (fd == to) return true;
  }
  return false;
}

// Runs in the child between fork and exec.
[[noreturn]] void BecomeChild(const ChildSpec& spec, const Prepared& prepared) {
  ::setsid();
  std::array<int, 64> staged{};
  PlaceDescriptors(prepared, staged);
  int report = staged[63];
  for (int fd = 3; fd <= prepared.highest_target; ++fd) {
    if (!IsKept(prepared, fd)) ::close(fd);
  }
  // The rest closes by itself on exec: what this process opens is close-on-exec, and so is what a
  // library forgot after this call.
  ::syscall(SYS_close_range, static_cast<unsigned>(prepared.highest_target + 1), ~0u,
            4u /* CLOSE_RANGE_CLOEXEC */);
  SetLimit(RLIMIT_AS, spec.address_space_bytes_max);
  // Past the hard limit the kernel sends SIGKILL, which could be anybody's: SIGXCPU says what it
  // was.
  SetLimit(RLIMIT_CPU, static_cast<std::uint64_t>(spec.cpu_time_max.count()), 1);
  SetLimit(RLIMIT_FSIZE, spec.file_bytes_max);
  SetLimit(RLIMIT_NOFILE, spec.open_files_max);
  rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (spec.no_new_privileges) ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (!spec.working_directory.empty() && ::chdir(spec.working_directory.c_str()) != 0) {
    FailChild(report);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execve(prepared.program.c_str(), prepared.argv.data(), prepared.envp.data());
  FailChild(report);
}

// argv[0] with a slash as it is; else the first executable of that name in PATH.
std::string FindProgram(const std::string& name) {
  if (name.find('/') != name.npos) return name;
  const char* path = ::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    auto end = std::min(rest.find(':'), rest.size());
    auto candidate = std::string(rest.substr(0, end)) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

Result<Prepared> Prepare(const ChildSpec& spec) {
  if (spec.argv.empty() || spec.argv[0].empty()) {
    return Fail(InvalidArgument("argv", "is empty"));
  }
  if (spec.pass_fds.size() > 32)
    return Fail(InvalidArgument("pass_fds", "has more than 32 entries"));
  Prepared prepared;
  prepared.program = FindProgram(spec.argv[0]);
  if (prepared.program.empty()) return Fail(NotFound("program", spec.argv[0]));
  for (const auto& text : spec.argv) prepared.argv.push_back(const_cast<char*>(text.c_str()));
  for (const auto& text : spec.environment)
    prepared.envp.push_back(const_cast<char*>(text.c_str()));
  prepared.argv.push_back(nullptr);
  prepared.envp.push_back(nullptr);
  for (const auto& pass : spec.pass_fds) {
    if (pass.second < 3 || pass.second > 255) {
      return Fail(InvalidArgument("pass_fds", "must get numbers from 3 to 255"));
    }
    prepared.highest_target = std::max(prepared.highest_target, pass.second);
  }
  prepared.pass_fds = spec.pass_fds;
  return prepared;
}

// A running child and our ends of its pipes. Kills the group when it goes.
class Child {
 public:
  explicit Child(const ChildSpec& spec) : spec_(spec) {}
  ~Child() {
    if (pid_ > 0) Reap();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  Result<> Start();
  // Feeds and reads until both outputs are closed or a limit is met.
  Result<> Pump();
  ChildOutput Reap();

 private:
  Result<> AwaitExec(Fd report);
  Result<> Step(SteadyClock::time_point until);
  Result<> ReadOutput();
  void ReadErrors();
  void WriteInput();
  Result<> CheckLimits(SteadyClock::time_point until) const;
  void NoteEnd();
  void KillGroup() const { ::kill(-pid_, SIGKILL); }

  const ChildSpec& spec_;
  pid_t pid_ = -1;
  Fd input_;
  Fd output_;
  Fd error_;
  Fd pidfd_;
  Fd wake_read_;
  Fd wake_write_;
  std::size_t written_ = 0;
  bool ended_ = false;
  ChildOutput out_;
};

Result<> Child::Start() {
  STRATA_TRY(auto prepared, Prepare(spec_));
  Pipe in;
  if (spec_.input_fd < 0) {
    STRATA_TRY(in, MakePipe());
  }
  STRATA_TRY(auto out, MakePipe());
  STRATA_TRY(auto err, MakePipe());
  STRATA_TRY(auto report, MakePipe());
  STRATA_TRY(auto wake, MakePipe());
  prepared.stdin_fd = spec_.input_fd >= 0 ? spec_.input_fd : in.read.get();
  prepared.stdout_fd = out.write.get();
  prepared.stderr_fd = err.write.get();
  prepared.report_fd = report.write.get();
  pid_ = ::fork();
  if (pid_ < 0) return Fail(SystemError("fork"));
  if (pid_ == 0) BecomeChild(spec_, prepared);
  pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  input_ = std::move(in.write);
  output_ = std::move(out.read);
  error_ = std::move(err.read);
  wake_read_ = std::move(wake.read);
  wake_write_ = std::move(wake.write);
  for (const Fd* fd : {&input_, &output_, &error_, &wake_write_}) {
    if (*fd) ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  }
  report.write.Close();
  return AwaitExec(std::move(report.read));
}

// The report pipe closes on a successful exec.
Result<> Child::AwaitExec(Fd report) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(report.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof error) return {};
  if (error == ENOENT || error == ENOTDIR) return Fail(NotFound("program", spec_.argv[0]));
  return Fail(Code::kUnavailable,
              fmt::format("cannot run {}: {}", spec_.argv[0], std::strerror(error)));
}

Result<> Child::CheckLimits(SteadyClock::time_point until) const {
  if (spec_.cancel.stop_requested()) {
    return Fail(Code::kCancelled, fmt::format("{} was cancelled", spec_.argv[0]));
  }
  if (SteadyClock::now() >= until) {
    return Fail(Code::kDeadlineExceeded, fmt::format("{} ran longer than {} ms", spec_.argv[0],
                                                     spec_.wall_time_max.count()));
  }
  return {};
}

Result<> Child::Pump() {
  auto until = SteadyClock::now() + spec_.wall_time_max;
  int wake = wake_write_.get();
  std::stop_callback on_cancel(spec_.cancel, [wake] { (void)!::write(wake, "x", 1); });
  if (spec_.input.empty()) input_.Close();
  while (output_ || error_) {
    STRATA_CHECK_OK(CheckLimits(until));
    STRATA_CHECK_OK(Step(until));
  }
  while (!ended_) {  // the outputs may be closed long before the end
    STRATA_CHECK_OK(CheckLimits(until));
    STRATA_CHECK_OK(Step(until));
  }
  return {};
}

// What the child leaves behind in its group would keep the pipes open for ever.
void Child::NoteEnd() {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      info.si_pid != pid_) {
    return;
  }
  ended_ = true;
  pidfd_.Close();
  KillGroup();
}

Result<> Child::Step(SteadyClock::time_point until) {
  std::array<pollfd, 5> polls{{{wake_read_.get(), POLLIN, 0},
                               {output_.get(), POLLIN, 0},
                               {error_.get(), POLLIN, 0},
                               {input_.get(), POLLOUT, 0},
                               {pidfd_.get(), POLLIN, 0}}};
  auto left = std::chrono::ceil<std::chrono::milliseconds>(until - SteadyClock::now()).count();
  // Without a pidfd (old kernels) the end is looked for.
  auto limit =
      static_cast<int>(std::clamp<std::int64_t>(left, 0, pidfd_ || ended_ ? 3'600'000 : 5));
  if (::poll(polls.data(), polls.size(), limit) < 0 && errno != EINTR) {
    return Fail(SystemError("poll"));
  }
  if (!ended_ && (polls[4].revents != 0 || !pidfd_)) NoteEnd();
  if (polls[3].revents != 0) WriteInput();
  if (polls[2].revents != 0) ReadErrors();
  if (polls[1].revents != 0) return ReadOutput();
  return {};
}

void Child::WriteInput() {
  // A child that closed its stdin would raise SIGPIPE here; the process ignores it (MSG_NOSIGNAL
  // has no twin for pipes), so it is blocked and taken for this one write.
  sigset_t pipe_signal, before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  auto put = ::write(input_.get(), spec_.input.data() + written_, spec_.input.size() - written_);
  bool broken = put < 0 && errno != EAGAIN && errno != EINTR;
  if (put < 0 && errno == EPIPE && sigismember(&before, SIGPIPE) == 0) {
    timespec none{};
    ::sigtimedwait(&pipe_signal, nullptr, &none);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (put > 0) written_ += static_cast<std::size_t>(put);
  if (broken || written_ == spec_.input.size()) input_.Close();
}

// Reads what is there. False: the other end is closed.
template <class F>
bool DrainPipe(const Fd& fd, F take) {
  char bytes[64 * 1024];
  auto got = ::read(fd.get(), bytes, sizeof bytes);
  if (got > 0) take(std::string_view(bytes, static_cast<std::size_t>(got)));
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

Result<> Child::ReadOutput() {
  if (!DrainPipe(output_, [&](std::string_view bytes) { out_.output.append(bytes); })) {
    output_.Close();
  }
  if (out_.output.size() > spec_.output_bytes_max) {
    return Fail(Code::kTooLarge,
                fmt::format("{} wrote more than {} bytes", spec_.argv[0], spec_.output_bytes_max));
  }
  return {};
}

void Child::ReadErrors() {
  auto keep = [&](std::string_view bytes) {
    out_.error_output.append(bytes.substr(0, spec_.error_bytes_max - out_.error_output.size()));
  };
  if (!DrainPipe(error_, keep)) error_.Close();
}

ChildOutput Child::Reap() {
  KillGroup();
  int status = 0;
  rusage used{};
  while (::wait4(pid_, &status, 0, &used) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFEXITED(status)) out_.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) out_.signal = WTERMSIG(status);
  auto micros = [](const timeval& t) {
    return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
  };
  out_.cpu_time = micros(used.ru_utime) + micros(used.ru_stime);
  out_.resident_bytes_max = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
  return std::move(out_);
}

}  // namespace

Result<ChildOutput> RunChild(const ChildSpec& spec) {
  Child child(spec);
  STRATA_CHECK_OK(child.Start());
  STRATA_CHECK_OK(child.Pump());
  return child.Reap();
}

std::string SignalWords(int signal) {
  const char* words = ::sigdescr_np(signal);
  return words != nullptr ? words : fmt::format("signal {}", signal);
}

}  // namespace strata::net
