#pragma once
// Small whole-file operations with the modes and the durability that the data folder needs. They
// block. Paths in messages are the caller's own.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace strata::store {

// Owns a file descriptor.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) : fd_(fd) {}
  FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept;
  ~FileHandle();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// errno as an Error: ENOSPC, EDQUOT, EMFILE → kUnavailable, ENOENT → kNotFound, EACCES, EPERM,
// EROFS → kPermissionDenied, EEXIST, ENOTEMPTY → kConflict, else kUnavailable.
Error SystemError(int error_number, std::string_view doing, const std::string& path);

// Creates the folder and its parents (mode 0700); fine when it is there.
Result<> MakeFolder(const std::string& path);

// kTooLarge when it is longer than `bytes_max`.
Result<std::string> ReadWholeFile(const std::string& path, std::uint64_t bytes_max);

// All bytes, however many write calls that takes.
Result<> WriteAll(int fd, std::string_view bytes, const std::string& path);

// Mode 0600; written to a temporary file beside it, synced, renamed over it, folder synced: after a
// crash the old file is there or the new one.
Result<> WriteFileAtomic(const std::string& path, std::string_view bytes);
// The same of bytes that come piece by piece: `produce` hands them to what it is given. An error of
// either leaves the old file.
using PieceWriter = std::function<Result<>(std::string_view)>;
Result<> WriteFileAtomic(const std::string& path,
                         const std::function<Result<>(const PieceWriter&)>& produce);

Result<> SyncFolder(const std::string& path);

// Names in a folder, sorted, without "." and "..".
Result<std::vector<std::string>> ListFolder(const std::string& path);

// Fine when it is not there.
Result<> RemoveFile(const std::string& path);

}  // namespace strata::store
