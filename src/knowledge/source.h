#pragma once
// A Source is where documents come from: a folder, or an s3:// bucket that is mapped to a folder.
// Listing is incremental: what did not change since the known versions is not read again.
//
// Calls block on files: run them on a pool.
//
// A document FILE may have a sidecar FILE.metadata.json, Bedrock's form:
//   {"metadataAttributes": {"year": 2024, "team": {"value": {"type": "STRING", "stringValue":
//   "x"}}}}
// Attribute values are strings, numbers, booleans and lists of strings, plain or typed as above;
// they become SourceItem::metadata as one flat JSON object. The reserved ones are taken out and say
// who may read it (reserved_attributes.h). A sidecar that cannot be read makes its document skipped
// with the reason: indexing it without its principals would show it to everybody.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "base/result.h"
#include "domain/document.h"

namespace strata::knowledge {

// uri → version, as the knowledge base has them.
using KnownVersions = std::map<std::string, std::string, std::less<>>;

struct SkippedItem {
  std::string uri;
  std::string reason;  // "larger than 50 MiB (kb.source.file_bytes_max)"
  // As SourceItem's; absent: the sidecar cannot be read, so nobody knows.
  std::optional<std::vector<std::string>> principals = std::nullopt;
};

struct SourceListing {
  std::vector<domain::SourceItem> items;  // sorted by uri
  std::vector<SkippedItem> skipped;       // sorted by uri; they are not in `items`
};

// Thread-safe.
class Source {
 public:
  virtual ~Source() = default;

  // Everything the source holds now. `known` saves reading files whose size and time are as before.
  // Errors: kNotFound (the folder is gone), kPermissionDenied (it or a folder in it cannot be
  // read), kUnavailable (the disk), kTooLarge (more than files_max), kCancelled. Nothing must be
  // deleted because of any of them.
  virtual Result<SourceListing> List(const KnownVersions& known, std::stop_token cancel) = 0;

  // The bytes of one listed item. Errors: kNotFound (gone meanwhile), kConflict (the bytes are not
  // those of item.version any more: list again), kTooLarge, kPermissionDenied.
  virtual Result<std::string> Fetch(const domain::SourceItem& item) = 0;

  // One item by its uri, for documents that are synced singly. Errors as List, and kNotFound.
  virtual Result<domain::SourceItem> Stat(std::string_view uri) = 0;
};

struct SourceOptions {
  // Globs over the path below the root, '/' separated: `*` and `?` within a name, `**` over
  // folders,
  // `[a-z]`. A pattern without '/' matches the file name at any depth. Empty include: everything.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  std::uint64_t file_bytes_max = 50u << 20;
  std::size_t files_max = 1'000'000;
  std::map<std::string, std::string> s3_map;  // bucket → folder
};

// `uri`: a folder's path, "file:///folder", or "s3://bucket/prefix" whose bucket is in s3_map.
// Symbolic links are followed only inside the root, hidden files (".x") are left out.
// Errors: kNotFound, kInvalidArgument; kUnsupported for an unmapped bucket, with the line to add.
Result<std::unique_ptr<Source>> OpenSource(std::string_view uri, SourceOptions options);

// What a sync has to do. All sorted by uri.
struct SourceChanges {
  std::vector<domain::SourceItem> added;
  std::vector<domain::SourceItem> changed;
  // Same bytes under a new time stamp or with another sidecar: nothing to parse, but storing the
  // version saves hashing next time.
  std::vector<domain::SourceItem> touched;
  std::vector<std::string> removed;  // uris
};

// An item that is listed as skipped counts as removed: what may not be read must not be served.
SourceChanges DiffSource(const SourceListing& now, const KnownVersions& known);

// `text` is a sidecar's content; fills metadata, principals and labels of `item`. kInvalidArgument
// with the field.
Result<> ApplySidecar(std::string_view text, domain::SourceItem& item);

// Options named kb.source.* and kb.s3_map.
OptionTable SourceOptionTable();
Result<SourceOptions> SourceOptionsFrom(const Options& options);

}  // namespace strata::knowledge
