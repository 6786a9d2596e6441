#pragma once
// The headers of tar archives: what Backup writes and Restore reads. POSIX.1-1988 ustar, with GNU's
// base-256 sizes for files of 8 GiB and more.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::store {

inline constexpr std::size_t kTarBlock = 512;

struct TarEntry {
  std::string name;  // relative, "models/ab/cd…"
  std::uint64_t bytes = 0;
};

// One block, a regular file of mode 0600. kUnsupported: a name that does not fit (100 bytes, or 155
// before a slash and 100 behind).
Result<std::string> TarHeader(const TarEntry& entry);

// nullopt: the block of zeros that ends an archive. kCorruption: checksum or number; kUnsupported:
// anything but a regular file; kInvalidArgument: a name that leaves the folder (see CheckRelative).
Result<std::optional<TarEntry>> ParseTarHeader(std::string_view block);

// Parts between slashes are neither empty nor "." nor "..", without control characters; not
// absolute.
Result<> CheckRelative(std::string_view name);

// What follows `bytes` of a file to fill its last block.
constexpr std::size_t TarPadding(std::uint64_t bytes) {
  return static_cast<std::size_t>((kTarBlock - bytes % kTarBlock) % kTarBlock);
}

}  // namespace strata::store
