#include "store/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/format_message.h"
#include "base/rng.h"

namespace strata::store {

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

FileHandle::~FileHandle() {
  if (fd_ >= 0) ::close(fd_);
}

Error SystemError(int error_number, std::string_view doing, const std::string& path) {
  auto code = Code::kUnavailable;
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      code = Code::kNotFound;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = Code::kPermissionDenied;
      break;
    case EEXIST:
    case ENOTEMPTY:
      code = Code::kConflict;
      break;
    default:
      break;
  }
  const bool too_many = error_number == EMFILE || error_number == ENFILE;
  return Error(code,
               FormatMessage("{} {}: {}{}", Own(doing), path, Own(std::strerror(error_number)),
                             Own(too_many ? " (ulimit -n allows more)" : "")));
}

Result<> MakeFolder(const std::string& path) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    auto part = path.substr(0, at);
    if (::mkdir(part.c_str(), 0700) == 0 || errno == EEXIST) continue;
    return Fail(SystemError(errno, "creating folder", part));
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return Fail(SystemError(errno, "reading", path));
  if (!S_ISDIR(info.st_mode)) return Fail(Code::kConflict, path + " is not a folder");
  return {};
}

Result<std::string> ReadWholeFile(const std::string& path, std::uint64_t bytes_max) {
  FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Fail(SystemError(errno, "opening", path));
  std::string bytes;
  char buffer[1 << 16];
  while (true) {
    auto got = ::read(file.get(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(SystemError(errno, "reading", path));
    if (got == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(got) > bytes_max) {
      return Fail(Code::kTooLarge, FormatMessage("{} is longer than {} bytes", path, bytes_max));
    }
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
}

Result<> WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    auto put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Fail(SystemError(errno, "writing", path));
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<> WriteFileAtomic(const std::string& path, std::string_view bytes) {
  return WriteFileAtomic(path, [&](const PieceWriter& write) { return write(bytes); });
}

Result<> WriteFileAtomic(const std::string& path,
                         const std::function<Result<>(const PieceWriter&)>& produce) {
  auto temporary = fmt::format("{}.{}.tmp", path, SecureRandomHex(4));
  auto written = [&]() -> Result<> {
    FileHandle file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.valid()) return Fail(SystemError(errno, "creating", temporary));
    STRATA_CHECK_OK(
        produce([&](std::string_view piece) { return WriteAll(file.get(), piece, temporary); }));
    if (::fsync(file.get()) != 0) return Fail(SystemError(errno, "syncing", temporary));
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
      return Fail(SystemError(errno, "replacing", path));
    }
    return {};
  }();
  if (!written.has_value()) {
    ::unlink(temporary.c_str());
    return written;
  }
  auto slash = path.rfind('/');
  return SyncFolder(slash == path.npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1)));
}

Result<> SyncFolder(const std::string& path) {
  FileHandle folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return Fail(SystemError(errno, "opening", path));
  if (::fsync(folder.get()) != 0) return Fail(SystemError(errno, "syncing", path));
  return {};
}

Result<std::vector<std::string>> ListFolder(const std::string& path) {
  auto close = [](DIR* dir) { ::closedir(dir); };
  std::unique_ptr<DIR, decltype(close)> folder(::opendir(path.c_str()), close);
  if (!folder) return Fail(SystemError(errno, "listing", path));
  std::vector<std::string> names;
  while (auto* entry = ::readdir(folder.get())) {
    std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<> RemoveFile(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return Fail(SystemError(errno, "removing", path));
  }
  return {};
}

}  // namespace strata::store
