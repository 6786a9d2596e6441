#include "store/blobs.h"

#include <gtest/gtest.h>
#include <sys/time.h>

#include <fstream>

#include "base/encoding.h"
#include "store/file.h"
#include "store/testing.h"

namespace strata::store {
namespace {

BlobFolder OpenBlobs(const TempFolder& folder, std::uint64_t bytes_max = 1 << 20) {
  auto blobs = BlobFolder::Open(folder / "blobs", bytes_max);
  EXPECT_TRUE(blobs.has_value());
  return std::move(*blobs);
}

TEST(Blobs, TheSameBytesAreOneBlob) {
  TempFolder folder;
  auto blobs = OpenBlobs(folder);
  std::string bytes("a\0b", 3);
  auto id = blobs.Put(bytes);
  ASSERT_TRUE(id.has_value()) << id.error().message();
  EXPECT_EQ(*id, Sha256Hex(bytes));
  EXPECT_EQ(*blobs.Put(bytes), *id);
  ASSERT_TRUE(WriteFileAtomic(folder / "source", bytes));
  EXPECT_EQ(*blobs.PutFile(folder / "source"), *id);
  EXPECT_EQ(*blobs.Get(*id), bytes);
  EXPECT_EQ(*blobs.GetRange(*id, 1, 10), std::string("\0b", 2));
  EXPECT_EQ(*blobs.GetRange(*id, 9, 10), "");
  EXPECT_EQ(*blobs.Size(*id), 3U);
  ASSERT_TRUE(blobs.Remove(*id));
  EXPECT_FALSE(*blobs.Has(*id));
  EXPECT_EQ(blobs.Get(*id).error().code(), Code::kNotFound);
}

TEST(Blobs, WhatIsTooLargeLeavesNothingBehind) {
  TempFolder folder;
  auto blobs = OpenBlobs(folder, 10);
  EXPECT_EQ(blobs.Put(std::string(11, 'x')).error().code(), Code::kTooLarge);
  ASSERT_TRUE(WriteFileAtomic(folder / "source", std::string(11, 'x')));
  EXPECT_EQ(blobs.PutFile(folder / "source").error().code(), Code::kTooLarge);
  EXPECT_TRUE(ListFolder(folder / "blobs")->empty());
}

TEST(Blobs, AnIdIsNeverAPath) {
  TempFolder folder;
  auto blobs = OpenBlobs(folder);
  for (const char* id : {"", "..", "../../etc/passwd", "AB"}) {
    EXPECT_EQ(blobs.Get(id).error().code(), Code::kInvalidArgument) << id;
    EXPECT_EQ(blobs.Remove(id).error().code(), Code::kInvalidArgument) << id;
  }
}

TEST(Blobs, ABlobThatChangedOnTheDiskIsNotHandedOut) {
  TempFolder folder;
  auto blobs = OpenBlobs(folder);
  auto id = blobs.Put("right");
  {
    std::ofstream(*blobs.PathOf(*id)) << "wrong";
  }
  EXPECT_EQ(blobs.Get(*id).error().code(), Code::kCorruption);
}

TEST(Blobs, OnlyOldBlobsThatNobodyNamesAreCollected) {
  TempFolder folder;
  auto blobs = OpenBlobs(folder);
  auto kept = blobs.Put("kept");
  auto old = blobs.Put("old");
  auto young = blobs.Put("young");
  ASSERT_TRUE(WriteFileAtomic(folder / "blobs/left.tmp", "left"));
  timeval long_ago[2] = {{.tv_sec = 1'000'000, .tv_usec = 0}, {.tv_sec = 1'000'000, .tv_usec = 0}};
  for (const auto& path : {*blobs.PathOf(*kept), *blobs.PathOf(*old), folder / "blobs/left.tmp"}) {
    ASSERT_EQ(::utimes(path.c_str(), long_ago), 0);
  }
  auto collected = blobs.Collect([&](std::string_view id) { return id == *kept; });
  ASSERT_TRUE(collected.has_value());
  EXPECT_EQ(collected->removed, 2);
  EXPECT_EQ(collected->bytes, 7U);
  EXPECT_TRUE(*blobs.Has(*kept));
  EXPECT_FALSE(*blobs.Has(*old));
  EXPECT_TRUE(*blobs.Has(*young));
}

}  // namespace
}  // namespace strata::store
