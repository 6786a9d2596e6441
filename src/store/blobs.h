#pragma once
// A content-addressed folder: the id of a blob is the SHA-256 of its bytes, so the same bytes are
// stored once and a repeat is harmless. blobs/ab/cdef….

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::store {

// Thread-safe; blocks on the disk, so use it on a pool.
class BlobFolder {
 public:
  // `bytes_max`: of one blob.
  static Result<BlobFolder> Open(std::string path, std::uint64_t bytes_max = 1ULL << 30);

  // Written to a temporary file, synced, renamed: a crash leaves the whole blob or none. Returns
  // the id, 64 hex digits. kTooLarge, kUnavailable (disk full).
  Result<std::string> Put(std::string_view bytes) const;
  Result<std::string> PutFile(const std::string& source_path) const;  // copied in pieces

  // kNotFound; kInvalidArgument (not an id); kCorruption when the bytes no longer match the id.
  Result<std::string> Get(std::string_view id) const;
  // A part, without the check of the whole; less than `size` at the end.
  Result<std::string> GetRange(std::string_view id, std::uint64_t offset, std::size_t size) const;
  Result<std::uint64_t> Size(std::string_view id) const;
  Result<bool> Has(std::string_view id) const;
  // Where its file lies, for libraries that map files.
  Result<std::string> PathOf(std::string_view id) const;
  Result<> Remove(std::string_view id) const;

  struct Collected {
    std::int64_t removed = 0;
    std::uint64_t bytes = 0;
  };
  // Removes blobs for which `referenced` is false and temporary files, both only when older than an
  // hour, so that a blob whose reference is being written stays.
  Result<Collected> Collect(const std::function<bool(std::string_view id)>& referenced) const;

 private:
  BlobFolder(std::string path, std::uint64_t bytes_max)
      : path_(std::move(path)), bytes_max_(bytes_max) {}
  std::string path_;
  std::uint64_t bytes_max_;
};

}  // namespace strata::store
