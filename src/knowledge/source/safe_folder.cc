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
          static_cast<std::int64_t>(st.st_mtim.tv_sec) * 1'000'000'000 + st.st_mtim.tv_nsec};
}

std::vector<std::string> NamesIn(DIR* folder) {
  std::vector<std::string> names;
  while (const dirent* entry = readdir(folder)) {
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

Result<int> SafeFolder::OpenAt(const std::string& relative, int flags) const {
  open_how how = {};
  // openat2 refuses flags that mean nothing for a path descriptor. A pipe must not block its
  // reader.
  const int further = (flags & O_PATH) != 0 ? 0 : O_NOCTTY | O_NONBLOCK;
  how.flags = static_cast<std::uint64_t>(flags | further | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const long fd = syscall(SYS_openat2, fd_, relative.c_str(), &how, sizeof how);
  if (fd < 0) return std::unexpected(FileError(relative, errno));
  return static_cast<int>(fd);
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

Result<> SafeFolder::Walk(
    const std::function<Result<>(const std::string&, const FileInfo&)>& visit) const {
  std::vector<std::pair<std::string, int>> folders = {{".", 0}};
  std::set<std::pair<dev_t, ino_t>> entered;  // links may make a folder reachable twice, or loop
  while (!folders.empty()) {
    const auto [folder, depth] = std::move(folders.back());
    folders.pop_back();
    auto opened = OpenAt(folder, O_RDONLY | O_DIRECTORY);
    if (!opened && depth > 0) continue;  // gone meanwhile, or not ours to read
    if (!opened) return std::unexpected(std::move(opened.error()));
    DIR* stream = fdopendir(*opened);
    if (stream == nullptr) {
      close(*opened);
      return std::unexpected(FileError(folder, errno));
    }
    struct stat st = {};
    fstat(dirfd(stream), &st);
    const bool first = entered.insert({st.st_dev, st.st_ino}).second;
    const std::vector<std::string> names = first ? NamesIn(stream) : std::vector<std::string>();
    closedir(stream);
    for (const auto& name : names) {
      const std::string path = folder == "." ? name : folder + '/' + name;
      auto file = OpenAt(path, O_PATH);
      if (!file) continue;
      const Descriptor held(*file);
      if (fstat(held.get(), &st) != 0) continue;
      if (S_ISDIR(st.st_mode) && depth < kDepthMax) folders.emplace_back(path, depth + 1);
      if (S_ISREG(st.st_mode)) STRATA_CHECK_OK(visit(path, InfoOf(st)));
    }
  }
  return {};
}

}  // namespace strata::knowledge
