#pragma once
// A file mapped read-only into memory; the pages are shared with other processes and with the
// cache.

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::vector {

// Immutable; thread-safe. Whoever truncates the file while it is mapped kills the process (SIGBUS):
// map only files that are replaced by renaming, as strata writes them.
class MappedFile {
 public:
  // kNotFound, kUnavailable; both name the path. An empty file gives empty bytes.
  static Result<std::shared_ptr<const MappedFile>> Open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {data_, size_}; }
  // After all was read once, for a checksum: what is used comes back page by page.
  void LetGo() const;

 private:
  MappedFile(const char* data, std::size_t size) : data_(data), size_(size) {}
  const char* data_;
  std::size_t size_;
};

}  // namespace strata::vector
