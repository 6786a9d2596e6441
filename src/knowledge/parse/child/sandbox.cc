#include "knowledge/parse/child/sandbox.h"

#include <fmt/format.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

// The filter is written as BPF by hand: libseccomp is under the LGPL, and nothing copyleft is
// linked.

namespace strata::knowledge::child {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "the parser's sandbox knows the system calls of x86-64 and aarch64 only"
#endif

constexpr auto kAllowed = std::to_array<int>({
    __NR_read,          __NR_write,        __NR_readv,           __NR_writev,
    __NR_lseek,         __NR_close,        __NR_fstat,           __NR_munmap,
    __NR_mremap,        __NR_brk,          __NR_madvise,         __NR_futex,
    __NR_rt_sigaction,  __NR_rt_sigreturn, __NR_rt_sigprocmask,  __NR_sigaltstack,
    __NR_getpid,        __NR_gettid,       __NR_tgkill,          __NR_sched_yield,
    __NR_clock_gettime, __NR_gettimeofday, __NR_getrandom,       __NR_exit,
    __NR_exit_group,    __NR_nanosleep,    __NR_clock_nanosleep, __NR_restart_syscall,
});

// Asked by libraries on their way; the answer "no" does them no harm.
constexpr auto kRefused = std::to_array<int>({
#if defined(__x86_64__)
    __NR_open,
    __NR_stat,
    __NR_lstat,
    __NR_access,
    __NR_readlink,
    __NR_time,
#endif
    __NR_openat,
    __NR_newfstatat,
    __NR_statx,
    __NR_faccessat,
    __NR_faccessat2,
    __NR_readlinkat,
    __NR_getdents64,
    __NR_getcwd,
    __NR_ioctl,
    __NR_fcntl,
    __NR_uname,
    __NR_sysinfo,
    __NR_prlimit64,
    __NR_getrusage,
    __NR_getuid,
    __NR_geteuid,
    __NR_getgid,
    __NR_getegid,
    __NR_sched_getaffinity,
    __NR_prctl,
    __NR_clone3,
    __NR_statfs,
});

void Load(std::vector<sock_filter>& code, std::size_t offset) {
  code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
}

// If the loaded word equals `value`: return `verdict`.
void ReturnIfEqual(std::vector<sock_filter>& code, std::uint32_t value, std::uint32_t verdict) {
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
  code.push_back(BPF_STMT(BPF_RET | BPF_K, verdict));
}

// mmap and mprotect: allowed unless they ask for executable memory.
void GuardExecutable(std::vector<sock_filter>& code, int call) {
  constexpr std::size_t kProtection = offsetof(seccomp_data, args) + 2 * sizeof(std::uint64_t);
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 4));
  Load(code, kProtection);  // the low word: both architectures are little-endian
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1));
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

std::vector<sock_filter> Filter() {
  std::vector<sock_filter> code;
  Load(code, offsetof(seccomp_data, arch));
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0));
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  Load(code, offsetof(seccomp_data, nr));
  for (const int call : kAllowed) {
    ReturnIfEqual(code, static_cast<std::uint32_t>(call), SECCOMP_RET_ALLOW);
  }
  for (const int call : kRefused) {
    ReturnIfEqual(code, static_cast<std::uint32_t>(call), SECCOMP_RET_ERRNO | EPERM);
  }
  GuardExecutable(code, __NR_mmap);
  GuardExecutable(code, __NR_mprotect);
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  return code;
}

}  // namespace

Result<> EnterSandbox() {
  std::vector<sock_filter> code = Filter();
  const sock_fprog program = {.len = static_cast<unsigned short>(code.size()),
                              .filter = code.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
      syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
    return Fail(
        Code::kUnavailable,
        fmt::format("the parser's sandbox could not be set up: seccomp: {}", std::strerror(errno)));
  }
  return {};
}

}  // namespace strata::knowledge::child
