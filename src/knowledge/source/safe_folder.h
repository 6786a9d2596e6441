#pragma once
// Reading below a folder without leaving it: paths are resolved by the kernel under the folder's
// descriptor, so that a symbolic link that changes between check and use leads nowhere.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::knowledge {

struct FileInfo {
  std::uint64_t bytes = 0;
  std::int64_t mtime_ns = 0;  // since 1970; whoever writes the file may set it to anything
  std::int64_t ctime_ns = 0;  // since 1970; the kernel's own of the last change
};

// Owns the folder's descriptor. Thread-safe.
class SafeFolder {
 public:
  // kNotFound, kPermissionDenied, kInvalidArgument (not a folder).
  static Result<SafeFolder> Open(const std::string& path);
  SafeFolder(SafeFolder&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  SafeFolder& operator=(SafeFolder&&) = delete;
  ~SafeFolder();

  // Regular files only. kNotFound, kPermissionDenied (a link that leads outside, too).
  Result<FileInfo> Stat(const std::string& relative) const;

  // At most `bytes_max` bytes; more is kTooLarge.
  Result<std::string> Read(const std::string& relative, std::uint64_t bytes_max) const;

  struct Visitor {
    std::function<Result<>(const std::string& relative, const FileInfo&)> file;
    // What is no file of this folder, and why: links that lead out of it or nowhere, pipes,
    // sockets, devices, folders that lie too deep.
    std::function<Result<>(const std::string& relative, std::string_view why)> skipped;
  };
  // Goes through every regular file, hidden names (".x") left out, folders at most 64 deep. Linked
  // folders are entered when they lie inside, each at most once. Stops at the first error that the
  // visitor returns, and at a folder that cannot be read: half a list would look as if the rest
  // were gone.
  Result<> Walk(const Visitor& visitor) const;

 private:
  // The names in a folder, sorted, and what tells it from others.
  struct Names {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::vector<std::string> names;
  };

  explicit SafeFolder(int fd) : fd_(fd) {}
  Result<Names> NamesOf(const std::string& folder) const;
  // Whether the name itself, not what it leads to, is a symbolic link.
  bool IsLink(const std::string& relative) const;
  // -1, with errno, on failure.
  int TryOpenAt(const std::string& relative, int flags) const;
  Result<int> OpenAt(const std::string& relative, int flags) const;

  int fd_;
};

}  // namespace strata::knowledge
