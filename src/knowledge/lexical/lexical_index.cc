#include "knowledge/lexical_index.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "base/check.h"
#include "base/crash_point.h"
#include "knowledge/lexical/fix_spelling.h"
#include "knowledge/lexical/index_buffer.h"
#include "knowledge/lexical/live_segment.h"
#include "knowledge/lexical/manifest.h"
#include "knowledge/lexical/query_words.h"
#include "knowledge/lexical/run_scores.h"
#include "knowledge/lexical/segment_merge.h"
#include "knowledge/lexical/snapshot_search.h"
#include "store/file.h"
#include "text/search_words.h"
#include "vector/mapped_file.h"

namespace strata::knowledge {
namespace {

using lexical::LiveSegment;
using lexical::Manifest;
using lexical::Snapshot;

constexpr std::string_view kManifestName = "lexical.manifest";
constexpr std::string_view kSegmentPrefix = "segment-";
constexpr std::string_view kSegmentSuffix = ".lex";
constexpr std::uint64_t kManifestBytesMax = std::uint64_t{1} << 30;

std::string SegmentName(std::uint64_t number) {
  std::string digits = std::to_string(number);
  digits.insert(0, digits.size() < 8 ? 8 - digits.size() : 0, '0');
  return std::string(kSegmentPrefix) + digits + std::string(kSegmentSuffix);
}

bool IsOwnFile(std::string_view name) {
  return name.starts_with(kSegmentPrefix) || name.starts_with(kManifestName);
}

Result<std::shared_ptr<const lexical::Segment>> OpenSegment(const std::string& path) {
  STRATA_TRY(auto file, vector::MappedFile::Open(path));
  auto segment = lexical::Segment::Open(file->bytes(), file);
  if (!segment) return Fail(std::move(segment.error()).Because("reading " + path));
  return segment;
}

Result<std::shared_ptr<const lexical::SpellingIndex>> SpellingOf(const lexical::Segment& segment) {
  STRATA_TRY(auto spelling, lexical::SpellingIndex::Build(segment));
  return std::make_shared<const lexical::SpellingIndex>(std::move(spelling));
}

class SegmentedIndex final : public LexicalIndex {
 public:
  SegmentedIndex(std::string folder, const LexicalIndexOptions& options)
      : folder_(std::move(folder)),
        options_(options),
        buffer_(static_cast<std::uint32_t>(options.title_weight)),
        committed_(std::make_shared<Snapshot>()) {}

  Result<void> Load();

  Result<void> Put(std::span<const LexicalDocument> documents) override;
  Result<void> Remove(std::span<const std::uint64_t> ids) override;
  Result<void> Clear() override;
  Result<void> Commit(std::uint64_t generation) override;
  Result<std::vector<LexicalHit>> Search(std::string_view query, std::size_t limit,
                                         const LexicalFilter& filter,
                                         std::span<const SpellingFix> fixes,
                                         std::string_view holding) const override;
  Result<std::vector<float>> ScoreRuns(std::string_view query, std::span<const ChunkRun> runs,
                                       const DocumentsOfChunks& documents,
                                       std::span<const SpellingFix> fixes) const override;
  Result<std::vector<SpellingFix>> FixSpelling(std::string_view query,
                                               const LexicalFilter& readable) const override;
  std::uint64_t generation() const override { return committed()->generation; }
  bool outdated() const override { return committed_version_ != lexical::kManifestVersion; }
  LexicalStats Stats() const override;

 private:
  std::string PathOf(std::string_view name) const { return folder_ + "/" + std::string(name); }
  std::shared_ptr<const Snapshot> committed() const {
    std::lock_guard lock(mutex_);
    return committed_;
  }
  void MarkDeleted(std::uint64_t id);
  Result<LiveSegment> WriteSegment(std::string_view bytes);
  Result<void> Flush();
  Result<void> Merge();
  Result<void> WriteManifest(std::uint64_t generation);
  void RemoveStrayFiles();

  const std::string folder_;
  const LexicalIndexOptions options_;

  // The writer's: what the next commit will consist of.
  lexical::IndexBuffer buffer_;
  std::vector<LiveSegment> next_;
  std::uint64_t next_number_ = 1;
  std::uint32_t version_ = lexical::kManifestVersion;
  // Those made since the last commit, by segment number.
  std::map<std::uint64_t, std::shared_ptr<lexical::Tombstones>> own_tombstones_;

  std::atomic<std::uint32_t> committed_version_ = lexical::kManifestVersion;
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> committed_;
};

Result<void> SegmentedIndex::Load() {
  STRATA_CHECK_OK(store::MakeFolder(folder_));
  auto bytes = store::ReadWholeFile(PathOf(kManifestName), kManifestBytesMax);
  if (!bytes) {
    if (bytes.error().code() != Code::kNotFound) return std::unexpected(std::move(bytes.error()));
    RemoveStrayFiles();
    return {};
  }
  STRATA_TRY(Manifest manifest, lexical::DecodeManifest(*bytes));
  if (manifest.title_weight != static_cast<std::uint32_t>(options_.title_weight)) {
    return Fail(Code::kConflict, "the lexical index in " + folder_ +
                                     " was made with title weight " +
                                     std::to_string(manifest.title_weight) + ": rebuild it");
  }
  for (const Manifest::Entry& entry : manifest.segments) {
    auto segment = OpenSegment(PathOf(SegmentName(entry.number)));
    if (!segment) {
      // A file that the manifest names is part of the index: without it there is none.
      bool gone = segment.error().code() == Code::kNotFound;
      if (gone) return Fail(Code::kCorruption, segment.error().message());
      return std::unexpected(std::move(segment.error()));
    }
    if ((*segment)->documents() != entry.documents) {
      return Fail(Code::kCorruption, "a lexical segment is not the one that the manifest names");
    }
    STRATA_TRY(auto spelling, SpellingOf(**segment));
    next_.push_back({.number = entry.number,
                     .segment = *segment,
                     .deleted = entry.deleted,
                     .spelling = std::move(spelling)});
  }
  next_number_ = manifest.next_number;
  committed_version_ = version_ = manifest.version;
  committed_ = std::make_shared<const Snapshot>(Snapshot{manifest.generation, next_});
  RemoveStrayFiles();
  return {};
}

Result<void> SegmentedIndex::Put(std::span<const LexicalDocument> documents) {
  for (const LexicalDocument& document : documents) {
    STRATA_CHECK_OK(lexical::IndexBuffer::Check(document));
  }
  for (const LexicalDocument& document : documents) {
    buffer_.Put(document);
    MarkDeleted(document.id);
    if (buffer_.memory_bytes() >= options_.buffer_bytes_max) STRATA_CHECK_OK(Flush());
  }
  return {};
}

Result<void> SegmentedIndex::Remove(std::span<const std::uint64_t> ids) {
  for (std::uint64_t id : ids) {
    buffer_.Remove(id);
    MarkDeleted(id);
  }
  return {};
}

Result<void> SegmentedIndex::Clear() {
  buffer_.Clear();
  next_.clear();
  version_ = lexical::kManifestVersion;
  return {};
}

// In the written segments. Searches read the tombstones of the last commit, so that the first
// change after it makes a copy.
void SegmentedIndex::MarkDeleted(std::uint64_t id) {
  for (LiveSegment& live : next_) {
    auto ordinal = live.segment->FindDocument(id);
    if (!ordinal || live.IsDeleted(*ordinal)) continue;
    std::shared_ptr<lexical::Tombstones>& own = own_tombstones_[live.number];
    if (own == nullptr) {
      own = live.deleted ? std::make_shared<lexical::Tombstones>(*live.deleted)
                         : std::make_shared<lexical::Tombstones>(live.segment->documents());
      live.deleted = own;
    }
    own->Add(*ordinal);
  }
}

Result<LiveSegment> SegmentedIndex::WriteSegment(std::string_view bytes) {
  std::uint64_t number = next_number_++;
  std::string path = PathOf(SegmentName(number));
  STRATA_CHECK_OK(store::WriteFileAtomic(path, bytes));
  CrashPoint("lexical.segment");
  STRATA_TRY(auto segment, OpenSegment(path));
  STRATA_TRY(auto spelling, SpellingOf(*segment));
  return LiveSegment{.number = number,
                     .segment = std::move(segment),
                     .deleted = nullptr,
                     .spelling = std::move(spelling)};
}

Result<void> SegmentedIndex::Flush() {
  if (!buffer_.empty()) {
    STRATA_TRY(auto live, WriteSegment(buffer_.MakeSegment()));
    next_.push_back(std::move(live));
  }
  buffer_.Clear();
  return {};
}

Result<void> SegmentedIndex::Merge() {
  for (auto due = lexical::DueMerges(next_); !due.empty(); due = lexical::DueMerges(next_)) {
    std::vector<LiveSegment> kept;
    std::set<std::size_t> taken;
    for (const std::vector<std::size_t>& group : due) {
      std::vector<LiveSegment> parts;
      std::uint64_t documents = 0;
      for (std::size_t i : group) {
        parts.push_back(next_[i]);
        documents += next_[i].live_count();
        taken.insert(i);
      }
      if (documents == 0) continue;
      STRATA_TRY(std::string bytes, lexical::MergeSegments(parts));
      STRATA_TRY(auto live, WriteSegment(bytes));
      kept.push_back(std::move(live));
    }
    for (std::size_t i = 0; i < next_.size(); ++i) {
      if (!taken.contains(i)) kept.push_back(next_[i]);
    }
    next_ = std::move(kept);
  }
  return {};
}

Result<void> SegmentedIndex::WriteManifest(std::uint64_t generation) {
  Manifest manifest{.version = version_,
                    .generation = generation,
                    .next_number = next_number_,
                    .title_weight = static_cast<std::uint32_t>(options_.title_weight),
                    .segments = {}};
  for (const LiveSegment& live : next_) {
    manifest.segments.push_back({live.number, live.segment->documents(), live.deleted});
  }
  return store::WriteFileAtomic(PathOf(kManifestName), lexical::EncodeManifest(manifest));
}

Result<void> SegmentedIndex::Commit(std::uint64_t generation) {
  STRATA_CHECK_OK(Flush());
  STRATA_CHECK_OK(Merge());
  STRATA_CHECK_OK(WriteManifest(generation));
  CrashPoint("lexical.manifest");
  {
    auto snapshot = std::make_shared<const Snapshot>(Snapshot{generation, next_});
    std::lock_guard lock(mutex_);
    committed_.swap(snapshot);
  }
  committed_version_ = version_;
  own_tombstones_.clear();
  RemoveStrayFiles();
  return {};
}

// Segments that the last commit does not name. Mapped ones stay readable for the searches that
// still use them. A file that cannot be removed now is removed another time.
void SegmentedIndex::RemoveStrayFiles() {
  std::set<std::string> named = {std::string(kManifestName)};
  for (const LiveSegment& live : next_) named.insert(SegmentName(live.number));
  auto files = store::ListFolder(folder_);
  if (!files) return;
  for (const std::string& file : *files) {
    if (!IsOwnFile(file) || named.contains(file)) continue;
    [[maybe_unused]] const auto removed = store::RemoveFile(PathOf(file));
  }
}

// What is looked for.
struct QueryWords {
  std::map<std::string, std::uint32_t> words;  // with how often the query says each
  std::set<std::string> guessed;               // those among them that it does not say
};

QueryWords WordsOf(std::string_view query, std::span<const SpellingFix> fixes) {
  QueryWords out{.words = lexical::WordsOfQuery(query), .guessed = {}};
  for (const SpellingFix& fix : fixes) {
    const auto unknown = out.words.find(fix.word);
    if (unknown == out.words.end()) continue;
    const auto repeats = unknown->second;
    out.words.erase(unknown);
    if (out.words.emplace(fix.instead, repeats).second) out.guessed.insert(fix.instead);
  }
  return out;
}

Result<std::vector<LexicalHit>> SegmentedIndex::Search(std::string_view query, std::size_t limit,
                                                       const LexicalFilter& filter,
                                                       std::span<const SpellingFix> fixes,
                                                       std::string_view holding) const {
  if (limit == 0) return std::vector<LexicalHit>();
  std::shared_ptr<const Snapshot> snapshot = committed();
  auto [words, guessed] = WordsOf(query, fixes);
  std::set<std::string> needed;
  if (!holding.empty()) {
    for (std::string& word : text::SearchWordMaker().Words(holding)) {
      // A corrected word is in nothing that may be read.
      const auto fix = std::ranges::find(fixes, word, &SpellingFix::word);
      if (fix != fixes.end()) return std::vector<LexicalHit>();
      words.try_emplace(word, 1);  // the query has it, behind the words of it that count
      needed.insert(std::move(word));
    }
    if (needed.empty()) return std::vector<LexicalHit>();
  }
  return lexical::SearchSnapshot(*snapshot, words, {options_.k1, options_.b}, limit, filter,
                                 lexical::Pruning::kMaxScore, {guessed, needed});
}

Result<std::vector<float>> SegmentedIndex::ScoreRuns(std::string_view query,
                                                     std::span<const ChunkRun> runs,
                                                     const DocumentsOfChunks& documents,
                                                     std::span<const SpellingFix> fixes) const {
  const auto [words, guessed] = WordsOf(query, fixes);
  return lexical::ScoreRunsOf(*committed(), words, {options_.k1, options_.b}, runs, documents,
                              guessed);
}

Result<std::vector<SpellingFix>> SegmentedIndex::FixSpelling(std::string_view query,
                                                             const LexicalFilter& readable) const {
  return lexical::FixSpelling(*committed(), query, readable);
}

LexicalStats SegmentedIndex::Stats() const {
  auto snapshot = committed();
  LexicalStats stats;
  for (const LiveSegment& live : snapshot->segments) {
    stats.documents += live.live_count();
    stats.deleted += live.deleted_count();
    stats.terms += live.segment->terms();
    stats.segments += 1;
    stats.file_bytes += live.segment->file_bytes();
    stats.spelling_words += live.spelling->words();
    stats.spelling_bytes += live.spelling->memory_bytes();
  }
  return stats;
}

}  // namespace

Result<std::unique_ptr<LexicalIndex>> OpenLexicalIndex(const std::string& folder,
                                                       const LexicalIndexOptions& options) {
  if (options.title_weight < 1 || options.title_weight > 16) {
    return Fail(InvalidArgument("title_weight", "must be 1..16"));
  }
  if (!(options.k1 >= 0 && options.k1 <= 10)) return Fail(InvalidArgument("k1", "must be 0..10"));
  if (!(options.b >= 0 && options.b <= 1)) return Fail(InvalidArgument("b", "must be 0..1"));
  auto index = std::make_unique<SegmentedIndex>(folder, options);
  STRATA_CHECK_OK(index->Load());
  return index;
}

Result<void> RemoveLexicalIndex(const std::string& folder) {
  auto files = store::ListFolder(folder);
  if (!files) {
    if (files.error().code() == Code::kNotFound) return {};
    return std::unexpected(std::move(files.error()));
  }
  // The manifest goes first: without it the rest counts as nothing.
  STRATA_CHECK_OK(store::RemoveFile(folder + "/" + std::string(kManifestName)));
  for (const std::string& file : *files) {
    if (!IsOwnFile(file)) continue;
    STRATA_CHECK_OK(store::RemoveFile(std::string(folder).append("/").append(file)));
  }
  return {};
}

}  // namespace strata::knowledge
