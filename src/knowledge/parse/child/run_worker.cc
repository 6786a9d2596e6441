#include "knowledge/parse/child/run_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "base/utf8.h"
#include "net/subprocess.h"

namespace strata::knowledge::child {
namespace {

std::chrono::seconds CpuTimeOf(const ParseLimits& limits) {
  return std::chrono::ceil<std::chrono::seconds>(limits.time_max);
}

net::ChildSpec SpecOf(const WorkerCall& call, std::string request) {
  const ParseLimits& limits = call.options.limits;
  net::ChildSpec spec;
  spec.argv = {call.options.program, "parse-worker"};
  if (const char* pdfium = std::getenv("STRATA_PDFIUM"); pdfium != nullptr) {
    spec.environment.push_back(std::string("STRATA_PDFIUM=") + pdfium);
  }
  spec.working_directory = "/";
  spec.input = std::move(request);
  spec.wall_time_max =
      std::clamp(std::min(limits.time_max, call.time_left), std::chrono::milliseconds(1),
                 std::chrono::milliseconds(3'600'000));
  // Text, its blocks and boxes: a line box is 36 bytes and rarely stands for fewer than 4 of text.
  spec.output_bytes_max = limits.text_bytes_max * 16 + (std::size_t{64} << 20);
  if (kLimitsMemory) spec.address_space_bytes_max = limits.memory_bytes_max;
  spec.cpu_time_max = CpuTimeOf(limits);
  spec.file_bytes_max = 1;  // no file grows
  spec.open_files_max = 32;
  spec.cancel = call.cancel;
  return spec;
}

Error TooMuchMemory(const ParseLimits& limits) {
  return Error(Code::kTooLarge, fmt::format("parsing needs more than the {} MiB of memory that it "
                                            "may use (kb.parse.memory_mib)",
                                            limits.memory_bytes_max >> 20));
}

Error TooLate(const WorkerCall& call) {
  const auto time_max = call.options.limits.time_max;
  const auto what = call.time_left < time_max
                        ? fmt::format("parsing was ended at the request's deadline, after {} ms",
                                      call.time_left.count())
                        : fmt::format(
                              "parsing takes longer than the {} ms that it may "
                              "(kb.parse.time_ms)",
                              time_max.count());
  return Error(Code::kDeadlineExceeded, what);
}

Error DeathBy(int signal, const ParseLimits& limits) {
  switch (signal) {
    case SIGXCPU:
      return Error(Code::kDeadlineExceeded,
                   fmt::format("parsing takes more than the {} s of CPU that it may "
                               "(kb.parse.time_ms is {})",
                               CpuTimeOf(limits).count(), limits.time_max.count()));
    case SIGKILL:  // another time it may go well
      return Error(Code::kDeadlineExceeded,
                   "the parser was killed from outside: this machine may have run out of memory");
    case SIGSYS:
      return Error(Code::kInvalidArgument, "parsing was stopped at a forbidden system call");
    default:
      return Error(Code::kInvalidArgument,
                   fmt::format("the parser crashed on it ({})", net::SignalWords(signal)));
  }
}

Error DeathOf(const net::ChildOutput& output, const ParseLimits& limits) {
  if (output.signal != 0) return DeathBy(output.signal, limits);
  if (output.exit_code == kNoMemory) return TooMuchMemory(limits);
  return Error(Code::kUnavailable,
               fmt::format("the parser process ended with status {}: {}", output.exit_code,
                           ReplaceInvalidUtf8(Utf8Prefix(output.error_output, 300))));
}

}  // namespace

Error ForDocument(std::string_view name, Error error) {
  return std::move(error).Because(fmt::format("document {}", Utf8Prefix(name, 300)));
}

Result<std::string> RunWorker(const WorkerCall& call, std::string request) {
  auto output = net::RunChild(SpecOf(call, std::move(request)));
  if (!output) {
    Error error = std::move(output.error());
    if (error.code() == Code::kDeadlineExceeded) {
      error = TooLate(call);
    } else if (error.code() == Code::kNotFound) {
      error = Error(Code::kUnavailable, "the parser process cannot be started: " + error.message());
    }
    return std::unexpected(ForDocument(call.name, std::move(error)));
  }
  if (!output->ok())
    return std::unexpected(ForDocument(call.name, DeathOf(*output, call.options.limits)));
  return std::move(output->output);
}

}  // namespace strata::knowledge::child
