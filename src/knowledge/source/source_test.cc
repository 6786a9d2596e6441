#include "knowledge/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "knowledge/reserved_attributes.h"
#include "knowledge/source/glob.h"

namespace strata::knowledge {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class SourceTest : public testing::Test {
 protected:
  SourceTest() {
    std::string name = testing::TempDir() + "strata-source-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~SourceTest() override { fs::remove_all(folder_); }

  // Files are dated back: what was written this second is never trusted by its time stamp.
  void Write(const std::string& path, std::string_view text, int hours_ago = 1) {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path, std::ios::binary) << text;
    fs::last_write_time(folder_ / path,
                        fs::file_time_type::clock::now() - std::chrono::hours(hours_ago));
  }

  std::unique_ptr<Source> Open(SourceOptions options = {}) {
    auto source = OpenSource(folder_.string(), std::move(options));
    EXPECT_TRUE(source.has_value());
    return std::move(*source);
  }

  SourceListing List(SourceOptions options = {}, const KnownVersions& known = {}) {
    auto listing = Open(std::move(options))->List(known, {});
    EXPECT_TRUE(listing.has_value());
    return std::move(*listing);
  }

  std::vector<std::string> Names(const SourceListing& listing) {
    std::vector<std::string> names;
    const std::string root = "file://" + folder_.string() + "/";
    for (const auto& item : listing.items) names.push_back(item.uri.substr(root.size()));
    return names;
  }

  static KnownVersions Known(const SourceListing& listing) {
    KnownVersions known;
    for (const auto& item : listing.items) known[item.uri] = item.version;
    return known;
  }

  fs::path folder_;
};

TEST_F(SourceTest, ListsRecursivelyInOrderWithMediaTypes) {
  Write("b.md", "# b");
  Write("a/x.pdf", "%PDF-1.4");
  Write("a/.hidden", "no");
  Write(".git/config", "no");
  const auto listing = List();
  ASSERT_THAT(Names(listing), ElementsAre("a/x.pdf", "b.md"));
  EXPECT_EQ(listing.items[0].media_type, "application/pdf");
  EXPECT_EQ(listing.items[1].media_type, "text/markdown");
}

TEST_F(SourceTest, HoldsIncludeAndExcludeGlobs) {
  Write("a.md", "1");
  Write("b.txt", "2");
  Write("drafts/c.md", "3");
  SourceOptions options;
  options.include = {"*.md"};
  options.exclude = {"drafts/**"};
  EXPECT_THAT(Names(List(options)), ElementsAre("a.md"));
}

TEST_F(SourceTest, FollowsLinksOnlyInsideTheFolder) {
  Write("real/a.md", "1");
  fs::create_symlink("real/a.md", folder_ / "link.md");
  fs::create_symlink("/etc/hostname", folder_ / "outside.txt");
  fs::create_directory_symlink(".", folder_ / "loop");
  EXPECT_THAT(Names(List()), ElementsAre("link.md", "real/a.md"));
  domain::SourceItem item;
  item.uri = "file://" + folder_.string() + "/outside.txt";
  EXPECT_EQ(Open()->Fetch(item).error().code(), Code::kPermissionDenied);
}

TEST_F(SourceTest, NamesWhatIsNoFileOfTheFolder) {
  Write("a.md", "1");
  ASSERT_EQ(mkfifo((folder_ / "pipe.md").c_str(), 0600), 0);
  fs::create_symlink("/etc/hostname", folder_ / "out.md");
  fs::create_directory_symlink("/etc", folder_ / "out");
  fs::create_symlink("gone.md", folder_ / "nowhere.md");
  fs::create_symlink("circle.md", folder_ / "circle.md");
  fs::create_symlink("a.md", folder_ / "inside.md");
  SourceOptions options;
  options.exclude = {"out"};
  const auto listing = List(options);
  EXPECT_THAT(Names(listing), ElementsAre("a.md", "inside.md"));
  std::vector<std::string> skipped;
  for (const auto& item : listing.skipped) {
    skipped.push_back(item.uri.substr(item.uri.rfind('/') + 1) + ": " + item.reason);
  }
  EXPECT_THAT(skipped, ElementsAre("circle.md: a symbolic link that leads in a circle",
                                   "nowhere.md: a symbolic link that leads nowhere",
                                   "out.md: a symbolic link that leads out of the source",
                                   "pipe.md: a pipe, not a file"));
  EXPECT_EQ(List().skipped.size(), 5U);
}

TEST_F(SourceTest, SkipsWhatIsTooLargeAndSaysWhy) {
  Write("big.txt", std::string(100, 'x'));
  SourceOptions options;
  options.file_bytes_max = 99;
  const auto listing = List(options);
  EXPECT_TRUE(listing.items.empty());
  ASSERT_EQ(listing.skipped.size(), 1U);
  EXPECT_THAT(listing.skipped[0].reason, HasSubstr("kb.source.file_bytes_max"));
}

TEST_F(SourceTest, TellsAddedChangedTouchedAndRemoved) {
  Write("same.md", "1");
  Write("changed.md", "1");
  Write("touched.md", "1");
  Write("gone.md", "1");
  auto known = Known(List());
  Write("changed.md", "2", 3);          // same size, other time
  for (auto& [uri, version] : known) {  // as releases before wrote it, without the time of change
    if (uri.ends_with("touched.md")) version.replace(0, version.find('-'), "1.946684800000000000");
  }
  Write("new.md", "1");
  fs::remove(folder_ / "gone.md");
  const auto changes = DiffSource(List({}, known), known);
  ASSERT_EQ(changes.added.size(), 1U);
  EXPECT_THAT(changes.added[0].uri, HasSubstr("new.md"));
  ASSERT_EQ(changes.changed.size(), 1U);
  EXPECT_THAT(changes.changed[0].uri, HasSubstr("changed.md"));
  ASSERT_EQ(changes.touched.size(), 1U);
  EXPECT_THAT(changes.touched[0].uri, HasSubstr("touched.md"));
  EXPECT_THAT(changes.removed, ElementsAre(HasSubstr("gone.md")));
}

TEST_F(SourceTest, SeesAChangeThatKeepsSizeAndTimeWhenTheFileWasJustWritten) {
  const auto now = fs::file_time_type::clock::now();
  Write("a.md", "1");
  fs::last_write_time(folder_ / "a.md", now);
  const auto known = Known(List());
  Write("a.md", "2");
  fs::last_write_time(folder_ / "a.md", now);
  EXPECT_EQ(DiffSource(List({}, known), known).changed.size(), 1U);
}

TEST_F(SourceTest, FetchRefusesBytesThatAreNotThoseListed) {
  Write("a.md", "1");
  const auto listing = List();
  ASSERT_EQ(listing.items.size(), 1U);
  const auto item = listing.items[0];
  EXPECT_EQ(*Open()->Fetch(item), "1");
  Write("a.md", "2");
  EXPECT_EQ(Open()->Fetch(item).error().code(), Code::kConflict);
}

TEST_F(SourceTest, AChangedSidecarTouchesItsDocumentWithoutChangingIt) {
  Write("a.md", "1");
  Write("a.md.metadata.json",
        R"({"metadataAttributes":{"year":2024,"team":{"value":{"type":"STRING","stringValue":"x"}},
            "strata_principals":["group:hr"],"strata_labels":["pii"]}})");
  const auto before = List();
  ASSERT_EQ(before.items.size(), 1U);
  EXPECT_EQ(before.items[0].metadata.text, R"({"year":2024,"team":"x"})");
  EXPECT_THAT(before.items[0].principals, ElementsAre("group:hr"));
  EXPECT_TRUE(before.items[0].labels.Has("pii"));
  Write("a.md.metadata.json", R"({"metadataAttributes":{}})");
  const auto known = Known(before);
  const auto changes = DiffSource(List({}, known), known);
  EXPECT_TRUE(changes.changed.empty());
  ASSERT_EQ(changes.touched.size(), 1U);
  EXPECT_THAT(changes.touched[0].principals, testing::IsEmpty());
}

TEST_F(SourceTest, ABrokenSidecarHidesItsDocument) {
  Write("a.md", "1");
  Write("a.md.metadata.json", R"({"metadataAttributes":{"strata_principals":"hr"}})");
  const auto listing = List();
  EXPECT_TRUE(listing.items.empty());
  ASSERT_EQ(listing.skipped.size(), 1U);
  EXPECT_THAT(listing.skipped[0].reason, HasSubstr("strata_principals"));
  EXPECT_FALSE(listing.skipped[0].principals.has_value()) << "nobody knows who may know of it";
}

TEST_F(SourceTest, WhatIsSkippedHasItsReadersStill) {
  constexpr const char* kSidecar = R"({"metadataAttributes":{"strata_principals":["user:7"]}})";
  Write("large.md", std::string(100, 'x'));
  Write("large.md.metadata.json", kSidecar);
  fs::create_symlink("/etc/hostname", folder_ / "out.md");
  Write("out.md.metadata.json", kSidecar);
  Write("public.md", std::string(100, 'x'));
  SourceOptions options;
  options.file_bytes_max = 10;
  const auto listing = List(options);
  ASSERT_EQ(listing.skipped.size(), 3U);
  const std::vector<std::string> restricted = {"user:7"};
  EXPECT_EQ(listing.skipped[0].principals, restricted);
  EXPECT_EQ(listing.skipped[1].principals, restricted);
  EXPECT_EQ(listing.skipped[2].principals, std::vector<std::string>());
}

TEST_F(SourceTest, ASidecarThatNamesNobodyHidesItsDocument) {
  Write("a.md", "1");
  Write("a.md.metadata.json", R"({"metadataAttributes":{"strata_principals":[]}})");
  const auto listing = List();
  EXPECT_TRUE(listing.items.empty());
  ASSERT_EQ(listing.skipped.size(), 1U);
  EXPECT_THAT(listing.skipped[0].reason, HasSubstr("nobody could read it"));
}

TEST(ReservedAttributesTest, AreTakenOutAndTheOthersStay) {
  JsonText metadata{R"({"year":9007199254740993,"strata_principals":["user:7"],
                        "strata_labels":["pii"]})"};
  const auto reserved = TakeReserved(metadata);
  ASSERT_TRUE(reserved.has_value());
  EXPECT_THAT(reserved->principals, ElementsAre("user:7"));
  EXPECT_THAT(reserved->labels, ElementsAre("pii"));
  EXPECT_EQ(metadata.text, R"({"year":9007199254740993})");
  JsonText plain{R"({"year": 1.50})"};
  EXPECT_TRUE(TakeReserved(plain)->empty());
  EXPECT_EQ(plain.text, R"({"year": 1.50})");
}

TEST(ReservedAttributesTest, WhatIsNotOfTheFormIsRefused) {
  for (const char* text : {
           R"({"strata_principals":"user:7"})",
           R"({"strata_principals":[]})",
           R"({"strata_principals":[7]})",
           R"({"strata_principals":[""]})",
           R"({"strata_principals":null})",
           R"({"strata_principal":["user:7"]})",
           R"({"Strata_Principals":["user:7"]})",
           R"({"metadata":{"strata_principals":["user:7"]}})",
           R"({"list":[1,{"x":{"strata_labels":["pii"]}}]})",
       }) {
    JsonText metadata{text};
    const auto reserved = TakeReserved(metadata);
    ASSERT_FALSE(reserved.has_value()) << text;
    EXPECT_EQ(reserved.error().code(), Code::kInvalidArgument);
    EXPECT_THAT(reserved.error().message(), HasSubstr("trata_")) << text;
  }
}

TEST_F(SourceTest, MapsBucketsToFoldersAndNamesTheMissingLine) {
  Write("docs/a.md", "1");
  Write("other/b.md", "1");
  SourceOptions options;
  options.s3_map["bucket"] = folder_.string();
  auto source = OpenSource("s3://bucket/docs/", options);
  ASSERT_TRUE(source.has_value());
  const auto listing = (*source)->List({}, {});
  ASSERT_EQ(listing->items.size(), 1U);
  EXPECT_EQ(listing->items[0].uri, "s3://bucket/docs/a.md");
  EXPECT_EQ(*(*source)->Fetch(listing->items[0]), "1");
  const auto outside = OpenSource("s3://bucket/../docs/", options);
  ASSERT_FALSE(outside.has_value());
  EXPECT_EQ(outside.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(outside.error().message(), HasSubstr("'..'"));
  const auto unknown = OpenSource("s3://nobody/docs", options);
  EXPECT_EQ(unknown.error().code(), Code::kUnsupported);
  EXPECT_THAT(unknown.error().message(), HasSubstr("kb.s3_map: [\"nobody="));
}

TEST_F(SourceTest, AMissingFolderIsAnErrorNotAnEmptyListing) {
  auto source = Open();
  fs::remove_all(folder_);
  EXPECT_EQ(source->List({}, {}).error().code(), Code::kNotFound);
}

// Acts on files as another user while it lives, on this thread only: root may read everything.
class AsNobody {
 public:
  AsNobody() { setfsuid(65534); }
  ~AsNobody() { setfsuid(geteuid()); }
};

TEST_F(SourceTest, AFolderThatCannotBeReadIsAnErrorNotAnEmptyListing) {
  Write("a.md", "1");
  Write("closed/b.md", "1");
  fs::permissions(folder_, fs::perms(0755));
  fs::permissions(folder_ / "closed", fs::perms::none);
  Result<SourceListing> listing;
  {
    AsNobody nobody;
    listing = Open()->List({}, {});
  }
  fs::permissions(folder_ / "closed", fs::perms::owner_all);
  ASSERT_FALSE(listing.has_value());
  EXPECT_EQ(listing.error().code(), Code::kPermissionDenied);
  EXPECT_THAT(listing.error().message(), HasSubstr("closed"));
}

TEST_F(SourceTest, UrisCannotClimbOut) {
  Write("a.md", "1");
  const std::string root = "file://" + folder_.string() + "/";
  for (const char* path : {"../x", "%2e%2e/x", "a/../../x", ".git/config", ""}) {
    EXPECT_EQ(Open()->Stat(root + path).error().code(), Code::kNotFound) << path;
  }
}

TEST(Glob, MatchesAsShellsDo) {
  EXPECT_TRUE(GlobMatches("*.md", "a/b/c.md"));
  EXPECT_FALSE(GlobMatches("a/*.md", "a/b/c.md"));
  EXPECT_TRUE(GlobMatches("a/**/*.md", "a/b/c.md"));
  EXPECT_TRUE(GlobMatches("**/c.md", "c.md"));
  EXPECT_TRUE(GlobMatches("/a/**", "a/b"));
  EXPECT_TRUE(GlobMatches("[a-c]?[!x]", "bzz"));
  EXPECT_FALSE(GlobMatches("[a-", "a"));
  EXPECT_FALSE(GlobMatches(std::string(200, '*') + "b", std::string(2000, 'a')));
}

}  // namespace
}  // namespace strata::knowledge
