#include "server/trace_links.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/hmac.h"
#include "base/rng.h"

namespace strata::server {
namespace {

constexpr std::size_t kSecretHexDigits = 64;
constexpr std::size_t kTokenBytes = 16;

Result<std::string> ReadSecret(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Fail(Code::kNotFound, fmt::format("{}: {}", path, std::strerror(errno)));
  std::string text(kSecretHexDigits, '\0');
  auto got = ::read(fd, text.data(), text.size());
  ::close(fd);
  auto bytes = got == static_cast<ssize_t>(kSecretHexDigits) ? HexDecode(text) : std::nullopt;
  if (!bytes)
    return Fail(Code::kCorruption,
                fmt::format("{} does not hold {} hex digits", path, kSecretHexDigits));
  return *bytes;
}

Result<> WriteSecret(const std::string& path) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return Fail(Code::kUnavailable, fmt::format("{}: {}", path, std::strerror(errno)));
  auto text = SecureRandomHex(kSecretHexDigits / 2);
  auto put = ::write(fd, text.data(), text.size());
  bool synced = ::fsync(fd) == 0;
  ::close(fd);
  if (put != static_cast<ssize_t>(text.size()) || !synced) {
    ::unlink(path.c_str());
    return Fail(Code::kUnavailable, fmt::format("{} could not be written", path));
  }
  return {};
}

}  // namespace

Result<TraceLinks> TraceLinks::Load(const std::string& secrets_folder, std::string public_url) {
  auto path = secrets_folder + "/links.key";
  if (::access(path.c_str(), F_OK) != 0) STRATA_CHECK_OK(WriteSecret(path));
  STRATA_TRY(auto secret, ReadSecret(path));
  return TraceLinks(PrepareHmacKey(secret), std::move(public_url));
}

TraceLinks::TraceLinks(std::string secret, std::string public_url)
    : secret_(std::move(secret)), base_(std::make_unique<Base>()) {
  SetPublicUrl(std::move(public_url));
}

void TraceLinks::SetPublicUrl(std::string url) {
  std::lock_guard lock(base_->mutex);
  base_->all.push_back(std::make_unique<const std::string>(std::move(url)));
  base_->now.store(base_->all.back().get(), std::memory_order_release);
}

std::string TraceLinks::TokenOf(std::string_view trace_id) const {
  return HexEncode(AsBytes(HmacSha256With(secret_, trace_id)).substr(0, kTokenBytes));
}

std::string TraceLinks::UrlOf(std::string_view trace_id) const {
  const auto token = TokenOf(trace_id);
  constexpr std::string_view kPath = "/console/trace/";
  constexpr std::string_view kToken = "?t=";
  const auto& base = public_url();
  std::string url;
  url.reserve(base.size() + kPath.size() + trace_id.size() + kToken.size() + token.size());
  url.append(base).append(kPath).append(trace_id).append(kToken).append(token);
  return url;
}

// A trace id is hex, so no trace's token opens the console.
constexpr std::string_view kConsoleSubject = "console";

std::string TraceLinks::ConsoleUrl() const {
  return fmt::format("{}/console?t={}", public_url(), TokenOf(kConsoleSubject));
}

bool TraceLinks::OpensConsole(std::string_view token) const {
  return ConstantTimeEqual(token, TokenOf(kConsoleSubject));
}

bool TraceLinks::Opens(std::string_view trace_id, std::string_view token) const {
  return ConstantTimeEqual(token, TokenOf(trace_id));
}

}  // namespace strata::server
