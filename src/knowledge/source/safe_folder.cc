#include "knowledge/source/safe_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

namespace strata::knowledge {
namespace {

constexpr int kDepthMax = 64;
constexpr std::string_view kTooDeep = "a folder more than 64 deep";

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Error FileError(std::string_view path, int number) {
  const std::string message = fmt::format("{}: {}", path, std::strerror(number));
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return Error(Code::kNotFound, message);
    case EXDEV:
    case ELOOP:
      return Error(Code::kPermissionDenied,
                   fmt::format("{}: a symbolic link leads out of the source", path));
    case EACCES:
    case EPERM:
      return Error(Code::kPermissionDenied, message);
    default:
      return Error(Code::kUnavailable, message);
  }
}

FileInfo InfoOf(const struct stat& st) {
  return {static_cast<std::uint64_t>(st.st_size),
          static_cast<std::int64_t>(st.st_mtim.tv_sec) * 1'000'000'000 + st.st_mtim.tv_nsec,
          static_cast<std::int64_t>(st.st_ctim.tv_sec) * 1'000'000'000 + st.st_ctim.tv_nsec};
}

// Whether a name that was listed is no longer there, or leads out of the source: then it is not the
// source's. After any other failure nobody knows, and what is below must not count as gone.
bool IsNotOurs(int number) {
  return number == ENOENT || number == ENOTDIR || number == EXDEV || number == ELOOP;
}

// Why a symbolic link is not followed.
std::string_view WhyNot(int number) {
  switch (number) {
    case EXDEV:
      return "a symbolic link that leads out of the source";
    case ELOOP:
      return "a symbolic link that leads in a circle";
    default:
      return "a symbolic link that leads nowhere";
  }
}

// What a name is that is neither file nor folder.
std::string_view KindOf(mode_t mode) {
  if (S_ISFIFO(mode)) return "a pipe, not a file";
  if (S_ISSOCK(mode)) return "a socket, not a file";
  return "a device, not a file";
}

Result<std::vector<std::string>> NamesIn(DIR* folder, std::string_view path) {
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(folder);
    if (entry == nullptr && errno != 0) return std::unexpected(FileError(path, errno));
    if (entry == nullptr) break;
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<SafeFolder> SafeFolder::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && errno == ENOTDIR) {
    return Fail(Code::kInvalidArgument, fmt::format("{} is not a folder", path));
  }
  if (fd < 0) return std::unexpected(FileError(path, errno));
  return SafeFolder(fd);
}

SafeFolder::~SafeFolder() {
  if (fd_ >= 0) close(fd_);
}

int SafeFolder::TryOpenAt(const std::string& relative, int flags) const {
  open_how how = {};
  // openat2 refuses flags that mean nothing for a path descriptor. A pipe must not block its
  // reader.
  const int further = (flags & O_PATH) != 0 ? 0 : O_NOCTTY | O_NONBLOCK;
  how.flags = static_cast<std::uint64_t>(flags | further | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(syscall(SYS_openat2, fd_, relative.c_str(), &how, sizeof how));
}

Result<int> SafeFolder::OpenAt(const std::string& relative, int flags) const {
  const int fd = TryOpenAt(relative, flags);
  if (fd < 0) return std::unexpected(FileError(relative, errno));
  return fd;
}

Result<FileInfo> SafeFolder::Stat(const std::string& relative) const {
  STRATA_TRY(const int opened, OpenAt(relative, O_RDONLY));
  const Descriptor file(opened);
  struct stat st = {};
  if (fstat(file.get(), &st) != 0) return std::unexpected(FileError(relative, errno));
  if (!S_ISREG(st.st_mode)) {
    return Fail(Code::kNotFound, fmt::format("{}: not a regular file", relative));
  }
  return InfoOf(st);
}

Result<std::string> SafeFolder::Read(const std::string& relative, std::uint64_t bytes_max) const {
  STRATA_TRY(const int opened, OpenAt(relative, O_RDONLY));
  const Descriptor file(opened);
  struct stat st = {};
  if (fstat(file.get(), &st) != 0) return std::unexpected(FileError(relative, errno));
  if (!S_ISREG(st.st_mode)) {
    return Fail(Code::kNotFound, fmt::format("{}: not a regular file", relative));
  }
  std::string bytes;
  std::string piece(1 << 17, '\0');
  while (true) {
    const ssize_t got = read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(FileError(relative, errno));
    if (got == 0) return bytes;
    bytes.append(piece, 0, static_cast<std::size_t>(got));
    if (bytes.size() > bytes_max) {
      return Fail(Code::kTooLarge, fmt::format("{}: larger than {} bytes", relative, bytes_max));
    }
  }
}

Result<SafeFolder::Names> SafeFolder::NamesOf(const std::string& folder) const {
  STRATA_TRY(const int fd, OpenAt(folder, O_RDONLY | O_DIRECTORY));
  DIR* stream = fdopendir(fd);
  if (stream == nullptr) {
    const int number = errno;
    close(fd);
    return std::unexpected(FileError(folder, number));
  }
  Names out;
  struct stat st = {};
  fstat(fd, &st);
  out.device = st.st_dev;
  out.inode = st.st_ino;
  auto names = NamesIn(stream, folder);
  closedir(stream);
  if (!names) return std::unexpected(std::move(names.error()));
  out.names = std::move(*names);
  return out;
}

bool SafeFolder::IsLink(const std::string& relative) const {
  const Descriptor held(TryOpenAt(relative, O_PATH | O_NOFOLLOW));
  struct stat st = {};
  return held.get() >= 0 && fstat(held.get(), &st) == 0 && S_ISLNK(st.st_mode);
}

Result<> SafeFolder::Walk(const Visitor& visitor) const {
  std::vector<std::pair<std::string, int>> folders = {{".", 0}};
  // Links may make a folder reachable twice, or loop.
  std::set<std::pair<std::uint64_t, std::uint64_t>> entered;
  while (!folders.empty()) {
    const auto [folder, depth] = std::move(folders.back());
    folders.pop_back();
    const auto listed = NamesOf(folder);
    const bool gone = !listed && listed.error().code() == Code::kNotFound;
    if (gone && depth > 0) continue;
    if (!listed) return std::unexpected(listed.error());
    if (!entered.insert({listed->device, listed->inode}).second) continue;
    for (const auto& name : listed->names) {
      const std::string path = folder == "." ? name : folder + '/' + name;
      const int fd = TryOpenAt(path, O_PATH);
      const int number = fd < 0 ? errno : 0;
      if (fd < 0 && !IsNotOurs(number)) return std::unexpected(FileError(path, number));
      if (fd < 0) {  // a name that is no link was removed meanwhile
        if (IsLink(path)) STRATA_CHECK_OK(visitor.skipped(path, WhyNot(number)));
        continue;
      }
      const Descriptor held(fd);
      struct stat st = {};
      if (fstat(fd, &st) != 0) return std::unexpected(FileError(path, errno));
      if (S_ISREG(st.st_mode)) {
        STRATA_CHECK_OK(visitor.file(path, InfoOf(st)));
      } else if (!S_ISDIR(st.st_mode)) {
        STRATA_CHECK_OK(visitor.skipped(path, KindOf(st.st_mode)));
      } else if (depth < kDepthMax) {
        folders.emplace_back(path, depth + 1);
      } else {
        STRATA_CHECK_OK(visitor.skipped(path, kTooDeep));
      }
    }
  }
  return {};
}

}  // namespace strata::knowledge
