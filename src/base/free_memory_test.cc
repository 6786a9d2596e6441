#include "base/free_memory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/encoding.h"

namespace strata {
namespace {

// Resident pages of mapped files, in KiB.
long MappedFilesKib() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("RssFile:")) return std::stol(line.substr(8));
  }
  return -1;
}

TEST(ReturnMemoryOfStart, LetsGoOfCodeThatComesBackWhenItIsUsed) {
  const auto digest = Sha256Hex("abc");
  const auto before = MappedFilesKib();
  ReturnMemoryOfStart();
  const auto after = MappedFilesKib();
  EXPECT_LT(after, before);
  EXPECT_EQ(Sha256Hex("abc"), digest);
}

}  // namespace
}  // namespace strata
