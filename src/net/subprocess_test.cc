#include "net/subprocess.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

namespace strata::net {
namespace {

ChildSpec Shell(std::string script) {
  ChildSpec spec;
  spec.argv = {"/bin/sh", "-c", std::move(script)};
  return spec;
}

TEST(RunChild, PassesInputAndCollectsBothOutputsAndTheExitCode) {
  auto spec = Shell("cat; echo oops >&2; exit 3");
  spec.input = std::string(1'000'000, 'x');
  auto out = RunChild(spec);
  ASSERT_TRUE(out.has_value()) << out.error().message();
  EXPECT_EQ(out->output, spec.input);
  EXPECT_EQ(out->error_output, "oops\n");
  EXPECT_EQ(out->exit_code, 3);
  EXPECT_FALSE(out->ok());
}

TEST(RunChild, InputFileMayBeADescriptor) {
  auto spec = Shell("wc -c");
  spec.input_fd = ::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(spec.input_fd, 0);
  auto out = RunChild(spec);
  ::close(spec.input_fd);
  ASSERT_TRUE(out.has_value());
  EXPECT_GT(std::stoi(out->output), 0);
}

TEST(RunChild, ChildThatClosesItsInputDoesNotKillUs) {
  auto spec = Shell("exec 0<&-; echo done");
  spec.input = std::string(1'000'000, 'x');
  auto out = RunChild(spec);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->output, "done\n");
}

TEST(RunChild, WallTimeKillsTheWholeGroup) {
  auto spec = Shell("sleep 1000 & echo $!; wait");
  spec.wall_time_max = std::chrono::milliseconds(200);
  auto before = std::chrono::steady_clock::now();
  auto out = RunChild(spec);
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().code(), Code::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(20));
}

TEST(RunChild, GrandchildThatKeepsThePipeOpenDoesNotHoldUsUp) {
  auto spec = Shell("sleep 1000 & echo done");
  auto out = RunChild(spec);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->output, "done\n");
}

TEST(RunChild, TooMuchOutputIsAnErrorAndErrorOutputIsCut) {
  auto spec = Shell("yes");
  spec.output_bytes_max = 100'000;
  auto out = RunChild(spec);
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().code(), Code::kTooLarge);
  auto noisy = Shell("head -c 500000 /dev/zero >&2");
  noisy.error_bytes_max = 1000;
  auto cut = RunChild(noisy);
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(cut->error_output.size(), 1000u);
}

TEST(RunChild, CancelEndsItAtOnce) {
  std::stop_source stop;
  auto spec = Shell("sleep 1000");
  spec.cancel = stop.get_token();
  std::thread canceller([&] { stop.request_stop(); });
  auto out = RunChild(spec);
  canceller.join();
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().code(), Code::kCancelled);
}

TEST(RunChild, CpuAndMemoryLimitsHold) {
  auto busy = Shell("while :; do :; done");
  busy.cpu_time_max = std::chrono::seconds(1);
  auto out = RunChild(busy);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->signal, SIGXCPU) << "SIGKILL would not say whose it was";
  auto large = Shell("ulimit -v; ulimit -n; ulimit -c");
  large.address_space_bytes_max = 512u << 20;
  large.open_files_max = 77;
  auto limits = RunChild(large);
  ASSERT_TRUE(limits.has_value());
  EXPECT_EQ(limits->output, "524288\n77\n0\n");
}

TEST(RunChild, ASignalHasAName) {
  auto out = RunChild(Shell("kill -SEGV $$"));
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(SignalWords(out->signal), "Segmentation fault");
  EXPECT_EQ(SignalWords(10'000), "signal 10000");
}

TEST(RunChild, OnlyNamedDescriptorsAndVariablesReachTheChild) {
  int leak = ::open("/dev/null", O_RDONLY);  // on purpose without O_CLOEXEC
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::setenv("STRATA_SECRET", "hush", 1);
  auto spec =
      Shell("for f in /proc/self/fd/*; do echo ${f##*/}; done; cat <&7; echo ${STRATA_SECRET}-");
  spec.pass_fds = {{ends[0], 7}};
  ASSERT_EQ(::write(ends[1], "passed\n", 7), 7);
  ::close(ends[1]);
  auto out = RunChild(spec);
  ::close(leak);
  ::close(ends[0]);
  ASSERT_TRUE(out.has_value());
  EXPECT_NE(out->output.find("7\n"), std::string::npos);
  EXPECT_NE(out->output.find("passed\n-\n"), std::string::npos) << out->output;
  int descriptors = 0;
  for (auto part : {"\n8\n", "\n9\n", "\n10\n", "\n11\n"}) {
    descriptors += out->output.find(part) != std::string::npos;
  }
  EXPECT_LE(descriptors, 1) << out->output;  // the shell may hold one of its own
}

TEST(RunChild, MissingProgramAndBadSpecAreErrors) {
  ChildSpec spec;
  EXPECT_EQ(RunChild(spec).error().code(), Code::kInvalidArgument);
  spec.argv = {"/no/such/program"};
  EXPECT_EQ(RunChild(spec).error().code(), Code::kNotFound);
  spec.argv = {"no-such-program-anywhere"};
  EXPECT_EQ(RunChild(spec).error().code(), Code::kNotFound);
  spec.argv = {"/etc/passwd"};
  EXPECT_EQ(RunChild(spec).error().code(), Code::kUnavailable);
  spec = Shell("true");
  spec.working_directory = "/no/such/folder";
  EXPECT_FALSE(RunChild(spec).has_value());
}

TEST(RunChild, ManyAtOnceDoNotDisturbEachOther) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([i] {
      for (int j = 0; j < 5; ++j) {
        auto spec = Shell("cat");
        spec.input = std::to_string(i) + "/" + std::to_string(j);
        auto out = RunChild(spec);
        ASSERT_TRUE(out.has_value());
        EXPECT_EQ(out->output, spec.input);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace strata::net
