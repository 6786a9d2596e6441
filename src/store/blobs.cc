#include "store/blobs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/crash_point.h"
#include "base/encoding.h"
#include "base/rng.h"
#include "store/file.h"
#include "store/hasher.h"

namespace strata::store {
namespace {

constexpr std::size_t kPiece = 1 << 18;
constexpr auto kYoung = std::chrono::hours(1);  // what is younger is not collected

bool IsBlobId(std::string_view id) {
  return id.size() == 64 && id.find_first_not_of("0123456789abcdef") == id.npos;
}

std::string FolderOf(const std::string& root, std::string_view id) {
  return fmt::format("{}/{}", root, id.substr(0, 2));
}

// Takes its file away unless it was put in place.
class Temporary {
 public:
  static Result<Temporary> Create(const std::string& root) {
    auto path = fmt::format("{}/{}.tmp", root, SecureRandomHex(8));
    FileHandle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.valid()) return Fail(SystemError(errno, "creating", path));
    return Temporary(std::move(path), std::move(file));
  }
  Temporary(Temporary&& other) noexcept
      : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}
  Temporary& operator=(Temporary&&) = delete;
  ~Temporary() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  Result<> Write(std::string_view bytes) { return WriteAll(file_.get(), bytes, path_); }

  Result<> MoveTo(const std::string& root, std::string_view id) {
    if (::fsync(file_.get()) != 0) return Fail(SystemError(errno, "syncing", path_));
    CrashPoint("blob.put.written");
    auto folder = FolderOf(root, id);
    STRATA_CHECK_OK(MakeFolder(folder));
    auto target = fmt::format("{}/{}", folder, id.substr(2));
    if (::rename(path_.c_str(), target.c_str()) != 0) {
      return Fail(SystemError(errno, "storing", target));
    }
    path_.clear();
    CrashPoint("blob.put.renamed");
    return SyncFolder(folder);
  }

 private:
  Temporary(std::string path, FileHandle file) : path_(std::move(path)), file_(std::move(file)) {}
  std::string path_;
  FileHandle file_;
};

bool IsOld(const std::string& path, struct stat& info) {
  if (::stat(path.c_str(), &info) != 0) return false;
  auto age =
      std::chrono::system_clock::now() - std::chrono::system_clock::from_time_t(info.st_mtime);
  return age > kYoung;
}

Error TooLarge(std::uint64_t bytes_max) {
  return Error(Code::kTooLarge, fmt::format("a blob may have {} bytes", bytes_max));
}

}  // namespace

Result<BlobFolder> BlobFolder::Open(std::string path, std::uint64_t bytes_max) {
  STRATA_CHECK_OK(MakeFolder(path));
  return BlobFolder(std::move(path), bytes_max);
}

Result<std::string> BlobFolder::Put(std::string_view bytes) const {
  if (bytes.size() > bytes_max_) return Fail(TooLarge(bytes_max_));
  auto id = Sha256Hex(bytes);
  STRATA_TRY(bool there, Has(id));
  if (there) {
    // A fresh time keeps it from being collected before its new reference is written.
    STRATA_TRY(auto path, PathOf(id));
    ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
    return id;
  }
  STRATA_TRY(auto temporary, Temporary::Create(path_));
  STRATA_CHECK_OK(temporary.Write(bytes));
  STRATA_CHECK_OK(temporary.MoveTo(path_, id));
  return id;
}

Result<std::string> BlobFolder::PutFile(const std::string& source_path) const {
  FileHandle source(::open(source_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source.valid()) return Fail(SystemError(errno, "opening", source_path));
  STRATA_TRY(auto temporary, Temporary::Create(path_));
  Hasher hasher;
  std::uint64_t total = 0;
  std::string buffer(kPiece, '\0');
  while (true) {
    auto got = ::read(source.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(SystemError(errno, "reading", source_path));
    if (got == 0) break;
    auto piece = std::string_view(buffer).substr(0, static_cast<std::size_t>(got));
    total += piece.size();
    if (total > bytes_max_) return Fail(TooLarge(bytes_max_));
    hasher.Add(piece);
    STRATA_CHECK_OK(temporary.Write(piece));
  }
  auto id = hasher.Hex();
  STRATA_CHECK_OK(temporary.MoveTo(path_, id));
  return id;
}

Result<std::string> BlobFolder::Get(std::string_view id) const {
  STRATA_TRY(auto path, PathOf(id));
  auto bytes = ReadWholeFile(path, bytes_max_);
  if (!bytes.has_value()) {
    if (bytes.error().code() == Code::kNotFound) return Fail(NotFound("blob", id));
    return bytes;
  }
  if (Sha256Hex(*bytes) != id) {
    return Fail(Code::kCorruption, fmt::format("blob {} no longer matches its id", id));
  }
  return bytes;
}

Result<std::string> BlobFolder::GetRange(std::string_view id, std::uint64_t offset,
                                         std::size_t size) const {
  STRATA_TRY(auto path, PathOf(id));
  FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    return Fail(errno == ENOENT ? NotFound("blob", id) : SystemError(errno, "opening", path));
  }
  STRATA_TRY(auto whole, Size(id));
  if (offset >= whole) return std::string();
  std::string bytes(std::min<std::uint64_t>(size, whole - offset), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    auto got = ::pread(file.get(), bytes.data() + done, bytes.size() - done,
                       static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(SystemError(errno, "reading", path));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Result<std::uint64_t> BlobFolder::Size(std::string_view id) const {
  STRATA_TRY(auto path, PathOf(id));
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) return static_cast<std::uint64_t>(info.st_size);
  return Fail(errno == ENOENT ? NotFound("blob", id) : SystemError(errno, "reading", path));
}

Result<bool> BlobFolder::Has(std::string_view id) const {
  auto size = Size(id);
  if (size.has_value()) return true;
  if (size.error().code() == Code::kNotFound) return false;
  return Fail(std::move(size.error()));
}

Result<std::string> BlobFolder::PathOf(std::string_view id) const {
  if (!IsBlobId(id)) {
    return Fail(InvalidArgument("blob", "a blob's id has 64 hex digits in lower case"));
  }
  return fmt::format("{}/{}", FolderOf(path_, id), id.substr(2));
}

Result<> BlobFolder::Remove(std::string_view id) const {
  STRATA_TRY(auto path, PathOf(id));
  return RemoveFile(path);
}

Result<BlobFolder::Collected> BlobFolder::Collect(
    const std::function<bool(std::string_view id)>& referenced) const {
  Collected collected;
  auto remove = [&](const std::string& path) -> Result<> {
    struct stat info{};
    if (!IsOld(path, info)) return {};
    STRATA_CHECK_OK(RemoveFile(path));
    ++collected.removed;
    collected.bytes += static_cast<std::uint64_t>(info.st_size);
    return {};
  };
  STRATA_TRY(auto shards, ListFolder(path_));
  for (const auto& shard : shards) {
    auto folder = path_ + "/" + shard;
    if (shard.ends_with(".tmp")) {
      STRATA_CHECK_OK(remove(folder));
      continue;
    }
    if (shard.size() != 2) continue;
    STRATA_TRY(auto names, ListFolder(folder));
    for (const auto& name : names) {
      auto id = shard + name;
      if (IsBlobId(id) && !referenced(id)) STRATA_CHECK_OK(remove(folder + "/" + name));
    }
  }
  return collected;
}

}  // namespace strata::store
