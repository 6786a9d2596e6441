// The child's main: request, sandbox, work, answer.

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <new>

#include "knowledge/parse/child/sandbox.h"
#include "knowledge/parse/child/wire.h"
#include "knowledge/parse/in_process.h"
#include "knowledge/parse/pdf/pdfium_api.h"
#include "knowledge/parse/pdf/render.h"
#include "knowledge/parse_worker.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kRequestBytesMax = std::size_t{1} << 30;

// On its way to a crash: was the last refusal of the C library one of memory?
void TellLackOfMemory(int signal) {
  if (errno == ENOMEM) _exit(child::kNoMemory);
  raise(signal);  // kills when this returns: the handler holds once
}

// PDFium answers an allocation that fails with abort(), other libraries fall over a null pointer:
// to the parent that would be a crash.
void WatchForLackOfMemory() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  static std::array<char, 64 << 10> aside;  // there is no room left on a stack that ran over
  const stack_t stack = {.ss_sp = aside.data(), .ss_flags = 0, .ss_size = aside.size()};
  sigaltstack(&stack, nullptr);
  struct sigaction action = {};
  action.sa_handler = TellLackOfMemory;
  action.sa_flags = SA_ONSTACK | static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGTRAP}) {
    sigaction(signal, &action, nullptr);
  }
}

Result<std::string> ReadRequest() {
  std::string bytes;
  std::string piece(1 << 16, '\0');
  while (bytes.size() <= kRequestBytesMax) {
    const ssize_t got = read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(Code::kUnavailable, "stdin cannot be read");
    if (got == 0) return bytes;
    bytes.append(piece, 0, static_cast<std::size_t>(got));
  }
  return Fail(Code::kTooLarge, "the request is too large");
}

bool WriteAnswer(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Libraries must be mapped before the sandbox closes.
Result<> Prepare(const child::Request& request) {
  const auto* parse = std::get_if<child::ParseRequest>(&request);
  const bool pdf = parse == nullptr || parse->media_type.starts_with("application/pdf") ||
                   DetectMediaType(parse->name, parse->bytes) == "application/pdf";
  if (pdf) {
    if (auto loaded = pdfium::Load(); !loaded) return std::unexpected(loaded.error());
  }
  return child::EnterSandbox();
}

std::string Work(const child::Request& request) {
  if (const auto* parse = std::get_if<child::ParseRequest>(&request)) {
    auto document = ParseInProcess(parse->name, parse->media_type, parse->bytes, parse->limits);
    return document ? child::EncodeDocument(*document) : child::EncodeError(document.error());
  }
  const auto& render = std::get<child::RenderRequest>(request);
  auto page = pdf::RenderPage(render.input, render.limits);
  return page ? child::EncodePage(*page) : child::EncodeError(page.error());
}

std::string Answer(const child::Request& request) {
  try {
    if (auto ready = Prepare(request); !ready) return child::EncodeError(ready.error());
    return Work(request);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return child::EncodeError(
        Error(Code::kInvalidArgument, fmt::format("cannot be parsed: {}", error.what())));
  }
}

child::ExitStatus Run() {
  const auto bytes = ReadRequest();
  if (!bytes) return child::kBadRequest;
  const auto request = child::DecodeRequest(*bytes);
  if (!request) return child::kBadRequest;
  const bool written = WriteAnswer(Answer(*request));
  // Not by return: destructors of what a hostile document built are a risk without a use.
  _exit(written ? child::kDone : child::kBrokenPipe);
}

}  // namespace

int ParseWorkerMain(int, char**) {
  WatchForLackOfMemory();
  try {
    return Run();
  } catch (const std::bad_alloc&) {
    _exit(child::kNoMemory);
  }
}

}  // namespace strata::knowledge
