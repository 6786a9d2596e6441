#include "vector/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace strata::vector {
namespace {

std::unexpected<Error> FailFor(const std::string& path, int error) {
  auto code = error == ENOENT || error == ENOTDIR ? Code::kNotFound : Code::kUnavailable;
  return Fail(code, fmt::format("cannot read {}: {}", path, std::strerror(error)));
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::Open(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FailFor(path, errno);
  struct stat status{};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    int error = S_ISDIR(status.st_mode) ? EISDIR : errno == 0 ? EINVAL : errno;
    ::close(fd);
    return FailFor(path, error);
  }
  auto size = static_cast<std::size_t>(status.st_size);
  void* data = nullptr;
  if (size > 0) data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  int error = errno;
  ::close(fd);
  if (data == MAP_FAILED) return FailFor(path, error);
  return std::shared_ptr<const MappedFile>(new MappedFile(static_cast<const char*>(data), size));
}

void MappedFile::LetGo() const {
  if (size_ > 0) ::madvise(const_cast<char*>(data_), size_, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(const_cast<char*>(data_), size_);
}

}  // namespace strata::vector
