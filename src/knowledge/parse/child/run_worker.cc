#include "knowledge/parse/child/run_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "base/utf8.h"
#include "net/subprocess.h"

namespace strata::knowledge::child {
namespace {

// Sanitizers reserve terabytes of address space for their shadow.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STRATA_UNBOUNDED_ADDRESS_SPACE 1
#endif
#endif
#ifdef STRATA_UNBOUNDED_ADDRESS_SPACE
constexpr bool kLimitAddressSpace = false;
#else
constexpr bool kLimitAddressSpace = true;
#endif

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
  if (kLimitAddressSpace) spec.address_space_bytes_max = limits.memory_bytes_max;
  spec.cpu_time_max = std::chrono::ceil<std::chrono::seconds>(limits.time_max);
  spec.file_bytes_max = 1;  // no file grows
  spec.open_files_max = 32;
  spec.cancel = call.cancel;
  return spec;
}

Error DeathOf(const net::ChildOutput& output, const ParseLimits& limits) {
  if (output.signal == SIGXCPU || output.signal == SIGKILL) {
    return Error(Code::kDeadlineExceeded,
                 fmt::format("parsing took more than {} ms of CPU (kb.parse.time_ms) or was killed "
                             "for its memory",
                             limits.time_max.count()));
  }
  if (output.signal == SIGSYS) {
    return Error(Code::kInvalidArgument, "parsing was stopped at a forbidden system call");
  }
  if (output.signal != 0) {
    return Error(Code::kInvalidArgument,
                 fmt::format("the parser crashed on it (signal {})", output.signal));
  }
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
      error =
          Error(Code::kDeadlineExceeded,
                fmt::format("parsing took more than {} ms (kb.parse.time_ms, or the deadline of "
                            "the request)",
                            std::min(call.options.limits.time_max, call.time_left).count()));
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
