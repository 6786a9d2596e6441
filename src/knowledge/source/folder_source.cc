// Folders, and s3:// buckets that are mapped to folders.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>

#include "base/encoding.h"
#include "base/utf8.h"
#include "knowledge/parser.h"
#include "knowledge/source.h"
#include "knowledge/source/glob.h"
#include "knowledge/source/safe_folder.h"
#include "knowledge/source/version.h"

namespace strata::knowledge {
namespace {

constexpr std::string_view kSidecarEnding = ".metadata.json";
constexpr std::uint64_t kSidecarBytesMax = 64 << 10;

std::int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Has a name that begins with '.', ".." included.
bool IsHidden(const std::string& path) {
  return path.starts_with('.') || path.find("/.") != std::string::npos;
}

class FolderSource final : public Source {
 public:
  // `uri_prefix` + percent-encoded path = uri. `key_prefix`: paths begin with it (s3 prefixes need
  // not end at a folder).
  FolderSource(std::string root, std::string uri_prefix, std::string key_prefix,
               SourceOptions options)
      : root_(std::move(root)),
        uri_prefix_(std::move(uri_prefix)),
        key_prefix_(std::move(key_prefix)),
        options_(std::move(options)) {}

  Result<SourceListing> List(const KnownVersions& known, std::stop_token cancel) override {
    STRATA_TRY(const SafeFolder folder, SafeFolder::Open(root_));
    SourceListing listing;
    // Whether the listing has room for it.
    const auto room = [&]() -> Result<> {
      if (cancel.stop_requested()) return Fail(Code::kCancelled, "listing was cancelled");
      if (listing.items.size() + listing.skipped.size() < options_.files_max) return {};
      return Fail(Code::kTooLarge, fmt::format("{} has more than {} files (kb.source.files_max)",
                                               uri_prefix_, options_.files_max));
    };
    SafeFolder::Visitor visitor;
    visitor.file = [&](const std::string& path, const FileInfo& info) -> Result<> {
      if (!IsWanted(path)) return {};
      STRATA_CHECK_OK(room());
      return Add(folder, path, info, known, listing);
    };
    visitor.skipped = [&](const std::string& path, std::string_view why) -> Result<> {
      if (!IsWanted(path)) return {};
      STRATA_CHECK_OK(room());
      listing.skipped.push_back(SkippedOf(folder, path, std::string(why)));
      return {};
    };
    STRATA_CHECK_OK(folder.Walk(visitor));
    std::sort(listing.items.begin(), listing.items.end(),
              [](const auto& a, const auto& b) { return a.uri < b.uri; });
    std::sort(listing.skipped.begin(), listing.skipped.end(),
              [](const auto& a, const auto& b) { return a.uri < b.uri; });
    return listing;
  }

  Result<std::string> Fetch(const domain::SourceItem& item) override {
    STRATA_TRY(const std::string path, PathOf(item.uri));
    STRATA_TRY(const SafeFolder folder, SafeFolder::Open(root_));
    STRATA_TRY(std::string bytes, folder.Read(path, options_.file_bytes_max));
    STRATA_TRY(const std::string sidecar, ReadSidecar(folder, path));
    if (!SameContent(VersionOf("", bytes, sidecar), item.version)) {
      return Fail(Code::kConflict, fmt::format("{} has changed since it was listed", item.uri));
    }
    return bytes;
  }

  Result<domain::SourceItem> Stat(std::string_view uri) override {
    STRATA_TRY(const std::string path, PathOf(uri));
    STRATA_TRY(const SafeFolder folder, SafeFolder::Open(root_));
    STRATA_TRY(const FileInfo info, folder.Stat(path));
    return ItemOf(folder, path, info, {});
  }

 private:
  bool IsWanted(const std::string& path) const {
    if (!path.starts_with(key_prefix_) || path.ends_with(kSidecarEnding)) return false;
    const auto matches = [&](const std::string& glob) { return GlobMatches(glob, path); };
    const bool included = options_.include.empty() ||
                          std::any_of(options_.include.begin(), options_.include.end(), matches);
    return included && std::none_of(options_.exclude.begin(), options_.exclude.end(), matches);
  }

  std::string UriOf(const std::string& path) const {
    return uri_prefix_ + PercentEncode(path, "/!$&'()*+,;=:@");
  }

  Result<std::string> PathOf(std::string_view uri) const {
    if (!uri.starts_with(uri_prefix_)) {
      return std::unexpected(NotFound("document", uri));
    }
    auto path = PercentDecode(uri.substr(uri_prefix_.size()));
    if (!path || path->empty() || path->find('\0') != std::string::npos || IsHidden(*path) ||
        !IsWanted(*path)) {
      return std::unexpected(NotFound("document", uri));
    }
    return std::move(*path);
  }

  Result<> Add(const SafeFolder& folder, const std::string& path, const FileInfo& info,
               const KnownVersions& known, SourceListing& listing) const {
    auto item = ItemOf(folder, path, info, known);
    if (item) {
      listing.items.push_back(std::move(*item));
    } else if (item.error().code() == Code::kUnavailable) {
      // A disk's fault says nothing about the document.
      return std::unexpected(std::move(item.error()));
    } else if (item.error().code() != Code::kNotFound) {  // gone meanwhile: not there
      listing.skipped.push_back(SkippedOf(folder, path, item.error().message()));
    }
    return {};
  }

  SkippedItem SkippedOf(const SafeFolder& folder, const std::string& path,
                        std::string reason) const {
    SkippedItem skipped{.uri = UriOf(path), .reason = std::move(reason)};
    domain::SourceItem item;
    const auto sidecar = ReadSidecar(folder, path);
    if (sidecar && (sidecar->empty() || ApplySidecar(*sidecar, item))) {
      skipped.principals = std::move(item.principals);
    }
    return skipped;
  }

  Result<domain::SourceItem> ItemOf(const SafeFolder& folder, const std::string& path,
                                    const FileInfo& info, const KnownVersions& known) const {
    if (!IsValidUtf8(path)) return Fail(Code::kInvalidArgument, "the file's name is not UTF-8");
    if (info.bytes > options_.file_bytes_max) {
      return Fail(Code::kTooLarge, fmt::format("{} bytes, more than {} (kb.source.file_bytes_max)",
                                               info.bytes, options_.file_bytes_max));
    }
    domain::SourceItem item;
    item.uri = UriOf(path);
    item.bytes = info.bytes;
    STRATA_TRY(const std::string sidecar, ReadSidecar(folder, path));
    if (!sidecar.empty()) {
      if (auto applied = ApplySidecar(sidecar, item); !applied) {
        return std::unexpected(
            std::move(applied.error()).Because(fmt::format("{}{}", path, kSidecarEnding)));
      }
    }
    std::optional<FileInfo> sidecar_info;
    if (auto found = folder.Stat(path + std::string(kSidecarEnding)); found) sidecar_info = *found;
    const std::string stamp = StampOf(info, sidecar_info, NowNs());
    const auto before = known.find(item.uri);
    if (before != known.end() && HasStamp(before->second, stamp)) {
      item.version = before->second;
      item.media_type = DetectMediaType(path, "");
      if (item.media_type != "application/octet-stream") return item;
    }
    STRATA_TRY(const std::string bytes, folder.Read(path, options_.file_bytes_max));
    item.bytes = bytes.size();
    item.version = VersionOf(stamp, bytes, sidecar);
    item.media_type = DetectMediaType(path, bytes);
    return item;
  }

  static Result<std::string> ReadSidecar(const SafeFolder& folder, const std::string& path) {
    auto text = folder.Read(path + std::string(kSidecarEnding), kSidecarBytesMax);
    if (text) return text;
    if (text.error().code() == Code::kNotFound) return std::string();
    return std::unexpected(std::move(text.error()));
  }

  const std::string root_;
  const std::string uri_prefix_;
  const std::string key_prefix_;
  const SourceOptions options_;
};

Result<std::unique_ptr<Source>> OpenBucket(std::string_view uri, SourceOptions options) {
  const std::string_view rest = uri.substr(5);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string bucket(rest.substr(0, slash));
  const std::string prefix(rest.substr(std::min(slash + 1, rest.size())));
  const auto folder = options.s3_map.find(bucket);
  if (bucket.empty()) return std::unexpected(InvalidArgument("uri", "s3:// needs a bucket"));
  if (folder == options.s3_map.end()) {
    return Fail(Code::kUnsupported,
                fmt::format("bucket {} is not mapped to a folder; add to the configuration: "
                            "kb.s3_map: [\"{}=/path/to/folder\"]",
                            bucket.substr(0, 100), bucket.substr(0, 100)));
  }
  // No key has them, as paths are resolved; such a source would be empty for ever.
  for (const auto& part : std::filesystem::path(prefix)) {
    if (part != ".." && part != ".") continue;
    return std::unexpected(InvalidArgument(
        "uri", fmt::format("the prefix '{}' holds '{}', which no key of a bucket does",
                           Utf8Prefix(prefix, 200), part.string())));
  }
  const std::string root = folder->second;
  STRATA_CHECK_OK(SafeFolder::Open(root));
  return std::make_unique<FolderSource>(root, "s3://" + bucket + "/", prefix, std::move(options));
}

}  // namespace

Result<std::unique_ptr<Source>> OpenSource(std::string_view uri, SourceOptions options) {
  if (uri.starts_with("s3://")) return OpenBucket(uri, std::move(options));
  std::string path(uri);
  if (uri.starts_with("file://")) {
    auto decoded = PercentDecode(uri.substr(7));
    if (!decoded || !decoded->starts_with('/')) {
      return std::unexpected(InvalidArgument("uri", "file:// needs an absolute path"));
    }
    path = std::move(*decoded);
  } else if (uri.find("://") != std::string_view::npos) {
    return Fail(Code::kUnsupported,
                fmt::format("{}: sources are folders, file:// and s3://", uri.substr(0, 200)));
  }
  if (path.empty() || path.find('\0') != std::string::npos) {
    return std::unexpected(InvalidArgument("uri", "names no folder"));
  }
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::weakly_canonical(path, error);
  if (error) return std::unexpected(NotFound("folder", path));
  STRATA_CHECK_OK(SafeFolder::Open(absolute));
  std::string prefix = "file://" + PercentEncode(absolute.string(), "/");
  if (!prefix.ends_with('/')) prefix += '/';
  return std::make_unique<FolderSource>(absolute, prefix, "", std::move(options));
}

SourceChanges DiffSource(const SourceListing& now, const KnownVersions& known) {
  SourceChanges changes;
  std::set<std::string_view> seen;
  for (const auto& item : now.items) {
    seen.insert(item.uri);
    const auto before = known.find(item.uri);
    if (before == known.end()) {
      changes.added.push_back(item);
    } else if (before->second == item.version) {
      continue;
    } else if (SameContent(before->second, item.version)) {
      changes.touched.push_back(item);
    } else {
      changes.changed.push_back(item);
    }
  }
  for (const auto& [uri, _] : known) {
    if (!seen.contains(uri)) changes.removed.push_back(uri);
  }
  return changes;
}

}  // namespace strata::knowledge
