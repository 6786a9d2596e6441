#include "knowledge/base/names_keeper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/log.h"

namespace strata::knowledge {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSealed = 10;

// Passages of a base, as its database would have them.
class Library {
 public:
  explicit Library(std::string folder) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
    std::ofstream(Database()) << "there";
  }
  std::string Database() const { return folder_ + "/kb-1.db"; }
  std::string Names() const { return folder_ + "/kb-1.names"; }

  static graph::PassageNames NamesOf(std::uint64_t passage) {
    return {.titles = graph::NamesOfDocument("Paper " + std::to_string(passage), ""),
            .text = graph::NamesIn("After Paper " + std::to_string(passage / 2) + "."),
            .fingerprint = static_cast<std::uint32_t>(passage * 3)};
  }
  void Add(NamesKeeper& keeper, std::uint64_t count) {
    for (; count > 0; --count) {
      alive_.insert(++last_);
      keeper.Add(last_, NamesOf(last_));
    }
  }
  void Remove(NamesKeeper& keeper, std::uint64_t passage) {
    alive_.erase(passage);
    keeper.Remove(passage);
  }
  std::unique_ptr<NamesKeeper> Open() const {
    return std::make_unique<NamesKeeper>(
        NamesKeeperOptions{.database = Database(), .folder = Names(), .sealed_passages = kSealed});
  }
  // As after a restart. How many passages no file had.
  std::size_t Load(NamesKeeper& keeper) const {
    keeper.Load();
    std::size_t missing = 0;
    for (const auto passage : alive_) {
      if (keeper.Claim(passage, NamesOf(passage).fingerprint)) continue;
      keeper.Add(passage, NamesOf(passage));
      ++missing;
    }
    return missing;
  }
  static void Tend(NamesKeeper& keeper) {
    while (keeper.Tend([] { return false; })) {
    }
  }
  // Each passage is led to by its own name and by that of the one after it.
  void ExpectAll(const NamesKeeper& keeper) const {
    EXPECT_EQ(keeper.stats().passages, alive_.size());
    for (std::uint64_t passage = 1; passage <= last_; ++passage) {
      const auto answer = keeper.Walk("On Paper " + std::to_string(passage), {}, {});
      std::set<std::uint64_t> led_to;
      for (const auto& found : answer.passages) led_to.insert(found.passage);
      EXPECT_EQ(led_to.contains(passage), alive_.contains(passage)) << passage;
      for (const auto found : led_to) EXPECT_TRUE(alive_.contains(found));
    }
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(Names())) files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
  }

 private:
  const std::string folder_;
  std::set<std::uint64_t> alive_;
  std::uint64_t last_ = 0;
};

class NamesKeeperTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    library_ = std::make_unique<Library>(folder_);
  }
  void TearDown() override {
    SetLogSink(nullptr);
    fs::remove_all(folder_);
  }
  std::string folder_ = (fs::temp_directory_path() / "strata-names-XXXXXX").string();
  std::unique_ptr<Library> library_;
};

TEST_F(NamesKeeperTest, ARestartFindsOnlyTheLastFewAnew) {
  auto keeper = library_->Open();
  EXPECT_EQ(library_->Load(*keeper), 0U);
  library_->Add(*keeper, 95);
  Library::Tend(*keeper);
  EXPECT_GT(keeper->stats().file_bytes, 0U);
  for (std::uint64_t passage = 1; passage < 95; passage += 7) library_->Remove(*keeper, passage);
  auto again = library_->Open();
  EXPECT_EQ(library_->Load(*again), 4U) << "of 91 to 95, one of which is gone";
  library_->ExpectAll(*again);
}

TEST_F(NamesKeeperTest, FilesStayFewAndGoWithWhatIsInThem) {
  auto keeper = library_->Open();
  library_->Load(*keeper);
  for (int i = 0; i < 64; ++i) {
    library_->Add(*keeper, kSealed);
    Library::Tend(*keeper);
    EXPECT_EQ(library_->Files().size(), keeper->stats().segments);
    EXPECT_LE(keeper->stats().segments, 7U);
  }
  const auto before = keeper->stats().file_bytes;
  for (std::uint64_t passage = 1; passage <= 400; ++passage) library_->Remove(*keeper, passage);
  Library::Tend(*keeper);
  EXPECT_LT(keeper->stats().file_bytes, before / 2);
  library_->ExpectAll(*keeper);
  for (std::uint64_t passage = 401; passage <= 640; ++passage) library_->Remove(*keeper, passage);
  Library::Tend(*keeper);
  EXPECT_EQ(library_->Files().size(), 0U);
}

TEST_F(NamesKeeperTest, DamagedFilesAreLoggedAndMadeAgain) {
  auto keeper = library_->Open();
  library_->Load(*keeper);
  library_->Add(*keeper, 4 * kSealed);
  Library::Tend(*keeper);
  ASSERT_EQ(library_->Files().size(), 1U);
  std::fstream(library_->Files().front()).seekp(100).put('\x7F');
  std::ofstream(library_->Names() + "/segment-00000009.names.1234.tmp") << "half";
  int logged = 0;
  SetLogSink([&](Level, std::string_view event, std::string_view) {
    logged += event == "kb.names.rebuild" ? 1 : 0;
  });
  auto again = library_->Open();
  EXPECT_EQ(library_->Load(*again), 4 * kSealed);
  EXPECT_EQ(logged, 1);
  EXPECT_TRUE(library_->Files().empty());
  library_->ExpectAll(*again);
  Library::Tend(*again);
  EXPECT_EQ(library_->Load(*library_->Open()), 0U);
}

TEST_F(NamesKeeperTest, NothingIsSavedBesideADeletedBaseOrOnceItIsClosed) {
  auto keeper = library_->Open();
  library_->Load(*keeper);
  library_->Add(*keeper, 3 * kSealed);
  EXPECT_FALSE(keeper->Tend([] { return true; }));
  EXPECT_TRUE(library_->Files().empty());
  fs::remove(library_->Database());
  EXPECT_FALSE(keeper->Tend([] { return false; }));
  EXPECT_TRUE(library_->Files().empty());
  library_->ExpectAll(*keeper);
}

// Killed when a segment that stands for two others is written, and when they are to go.
class NamesKeeperCrash : public testing::TestWithParam<const char*> {};

Library Fill(const std::string& folder, const std::string& point) {
  if (!point.empty()) ::setenv("STRATA_CRASH_AT", (point + ":2").c_str(), 1);
  fs::remove_all(folder);
  Library library(folder);
  auto keeper = library.Open();
  library.Load(*keeper);
  library.Add(*keeper, 2 * kSealed);
  Library::Tend(*keeper);
  library.Add(*keeper, 2 * kSealed);
  library.Remove(*keeper, 3);
  Library::Tend(*keeper);
  return library;
}

TEST_P(NamesKeeperCrash, LeavesNothingTwiceAndNothingLost) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const std::string folder = testing::TempDir() + "strata-crash-" + GetParam();
  EXPECT_EXIT(Fill(folder, GetParam()), testing::KilledBySignal(SIGKILL), "");
  const auto was = Library(folder).Files();
  const auto library = Fill(folder + "-whole", "");
  const auto whole = library.Open();
  library.Load(*whole);
  {
    // The same passages on the files that the crash left.
    fs::remove_all(library.Names());
    fs::rename(Library(folder).Names(), library.Names());
    auto keeper = library.Open();
    EXPECT_LE(library.Load(*keeper), 2 * kSealed);
    library.ExpectAll(*keeper);
    Library::Tend(*keeper);
    library.ExpectAll(*keeper);
    EXPECT_EQ(library.Files().size(), keeper->stats().segments) << "of " << was.size();
  }
  fs::remove_all(folder);
  fs::remove_all(folder + "-whole");
}

INSTANTIATE_TEST_SUITE_P(AtEachDurableStep, NamesKeeperCrash,
                         testing::Values("kb.names.segment", "kb.names.replaced"),
                         [](const auto& info) {
                           return std::string(info.param).ends_with("segment") ? "Segment"
                                                                               : "Replaced";
                         });

}  // namespace
}  // namespace strata::knowledge
