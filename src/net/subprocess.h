#pragma once
// Runs one child process to its end under limits. Blocking: call it from a pool thread
// (RunBlocking), never from an io thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace strata::net {

struct ChildSpec {
  // argv[0] is the program: a path (with '/'), or a name looked up in PATH.
  std::vector<std::string> argv;
  // The whole environment of the child, "NAME=value"; nothing is inherited, so that secrets in our
  // own environment stay here.
  std::vector<std::string> environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"};
  std::string working_directory;  // "": ours

  std::string input;  // written to the child's stdin, which is then closed
  int input_fd = -1;  // instead of `input`: becomes the child's stdin; stays the caller's to close
  // Further descriptors that the child keeps, {ours, number in the child (>= 3)}; all others are
  // closed.
  std::vector<std::pair<int, int>> pass_fds;

  std::chrono::milliseconds wall_time_max{30'000};  // then the whole process group is killed
  std::size_t output_bytes_max = 64u << 20;         // stdout; more is kTooLarge and kills
  std::size_t error_bytes_max = 64u << 10;          // stderr; the rest is read and dropped
  std::uint64_t address_space_bytes_max = 0;        // RLIMIT_AS; 0: unlimited
  std::chrono::seconds cpu_time_max{0};             // RLIMIT_CPU, by SIGXCPU; 0: unlimited
  std::uint64_t file_bytes_max = 0;                 // RLIMIT_FSIZE; 0: unlimited
  std::uint32_t open_files_max = 256;               // RLIMIT_NOFILE
  bool no_new_privileges = true;                    // PR_SET_NO_NEW_PRIVS
  std::stop_token cancel;                           // kills the group at once
};

struct ChildOutput {
  int exit_code = 0;  // 0..255 when the child ended by itself
  int signal = 0;     // != 0: killed by this signal (SIGXCPU: cpu_time_max; SIGKILL: from outside)
  std::string output;
  std::string error_output;
  std::chrono::microseconds cpu_time{0};  // user and system
  std::uint64_t resident_bytes_max = 0;   // peak of the child

  bool ok() const { return signal == 0 && exit_code == 0; }
};

// Runs the child in its own session and process group; what is left of the group is killed before
// this returns. Thread-safe. A child that fails is a value (exit_code, signal), not an error.
// Errors: kNotFound (no such program), kDeadlineExceeded (wall time), kTooLarge (output),
// kCancelled, kUnavailable (no process or pipe to be had), kInvalidArgument (empty argv).
Result<ChildOutput> RunChild(const ChildSpec& spec);

// "Segmentation fault": what a signal that ends a process is called.
std::string SignalWords(int signal);

}  // namespace strata::net
