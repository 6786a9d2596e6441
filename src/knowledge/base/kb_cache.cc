#include "knowledge/base/kb_cache.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/crash_point.h"
#include "base/encoding.h"
#include "base/log.h"

namespace strata::knowledge {
namespace {

// Rows handed to the indexes at a time, so that catching up needs little memory.
constexpr std::size_t kBatch = 1024;

bool IsRestricted(const AccessList& access) {
  return !access.allow.empty() || !access.deny.empty();
}

// Collects chunks and hands them on in batches.
class WordBatch {
 public:
  explicit WordBatch(LexicalIndex& index) : index_(index) {}

  Result<> Add(const ChunkChange& change) {
    texts_.emplace_back(std::string(change.context), std::string(change.text));
    rows_.push_back(change.row);
    return rows_.size() < kBatch ? Result<>() : Flush();
  }

  Result<> Flush() {
    std::vector<LexicalDocument> documents;
    documents.reserve(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      documents.push_back({.id = rows_[i], .title = texts_[i].first, .body = texts_[i].second});
    }
    STRATA_CHECK_OK(index_.Put(documents));
    rows_.clear();
    texts_.clear();
    return {};
  }

 private:
  LexicalIndex& index_;
  std::vector<std::uint64_t> rows_;
  std::vector<std::pair<std::string, std::string>> texts_;
};

class VectorBatch {
 public:
  explicit VectorBatch(vector::VectorIndex& index) : index_(index) {}

  Result<> Add(const ChunkChange& change) {
    if (change.vector.size() != index_.dimensions() * sizeof(float)) {
      return Fail(Code::kCorruption, "a stored vector has the wrong size");
    }
    const auto at = values_.size();
    values_.resize(at + index_.dimensions());
    std::memcpy(values_.data() + at, change.vector.data(), change.vector.size());
    rows_.push_back(change.row);
    return rows_.size() < kBatch ? Result<>() : Flush();
  }

  Result<> Flush() {
    if (rows_.empty()) return {};
    STRATA_CHECK_OK(index_.Upsert(rows_, values_));
    rows_.clear();
    values_.clear();
    return {};
  }

 private:
  vector::VectorIndex& index_;
  std::vector<std::uint64_t> rows_;
  std::vector<float> values_;
};

// Of all that the names of a passage are found in.
std::uint32_t FingerprintOf(const ChunkChange& change, std::span<const graph::NameId> titles) {
  const std::string_view bytes(reinterpret_cast<const char*>(titles.data()), titles.size_bytes());
  return static_cast<std::uint32_t>(Hash64(bytes, Hash64(change.context, Hash64(change.text))));
}

graph::PassageNames NamesOf(const ChunkChange& change, std::span<const graph::NameId> titles) {
  graph::PassageNames names{.titles = {titles.begin(), titles.end()},
                            .text = graph::NamesIn(change.text),
                            .fingerprint = FingerprintOf(change, titles)};
  graph::AddHeadings(change.context, names.text);
  return names;
}

}  // namespace

KbCache::KbCache(store::SqlFile& file, KbCacheOptions options, Pool* background)
    : file_(file),
      lexical_folder_(std::move(options.lexical_folder)),
      names_(std::move(options.names)),
      vectors_(std::move(options.vectors), background),
      steps_(background, "kb.cache", [this] { return Tend(); }) {}

Result<std::unique_ptr<KbCache>> KbCache::Open(store::SqlFile& file, KbCacheOptions options,
                                               Pool* background) {
  std::unique_ptr<KbCache> cache(new KbCache(file, std::move(options), background));
  STRATA_CHECK_OK(cache->OpenWords());
  return cache;
}

Result<> KbCache::OpenWords() {
  auto opened = OpenLexicalIndex(lexical_folder_);
  if (!opened.has_value() && opened.error().code() == Code::kCorruption) {
    Log(Level::kWarning, "kb.lexical.rebuild", {{"reason", opened.error().message()}});
    STRATA_CHECK_OK(RemoveLexicalIndex(lexical_folder_));
    opened = OpenLexicalIndex(lexical_folder_);
  }
  if (!opened.has_value()) return std::unexpected(std::move(opened.error()));
  words_ = std::move(*opened);
  STRATA_TRY(const auto changes,
             file_.ReadBlocking([](store::Database& db) { return ReadGeneration(db); }));
  // Nothing was ever committed: it was damaged or is gone, or making it anew was interrupted.
  const bool lost = words_->generation() == 0 && changes > 0;
  words_stale_ = lost || words_->outdated();
  return {};
}

std::int64_t KbCache::generation() const {
  std::shared_lock lock(mutex_);
  return generation_;
}

std::int64_t KbCache::followed() const {
  return std::min(generation(), static_cast<std::int64_t>(words_->generation()));
}

Result<> KbCache::CatchUp() {
  std::lock_guard follow(follow_mutex_);
  return Follow();
}

Result<bool> KbCache::TryCatchUp(std::chrono::milliseconds patience) {
  std::unique_lock follow(follow_mutex_, patience);
  if (!follow.owns_lock()) return false;
  STRATA_CHECK_OK(Follow());
  return true;
}

Result<> KbCache::Follow() {
  // Generation, removals, facts and chunks of the same state.
  return ReadOneState(file_, [&](store::Database& db) { return Follow(db); });
}

Result<> KbCache::Follow(store::Database& db) {
  STRATA_TRY(auto to, ReadGeneration(db));
  const std::int64_t since = generation();
  // Also when nothing changed: words that were made in the background stand for what was then.
  STRATA_CHECK_OK(FollowWords(db, to));
  if (loaded_ && since == to) return {};
  STRATA_TRY(auto facts, FactsAfter(db, loaded_ ? since : -1));
  if (loaded_) {  // else nothing is here that could go
    STRATA_TRY(const auto removed, ChunksRemovedAfter(db, since));
    TakeRemovals(removed);
  } else {
    names_.Load();
  }
  STRATA_CHECK_OK(TakeFacts(std::move(facts)));
  STRATA_CHECK_OK(TakeChunks(db, since));
  vectors_.Followed(to);
  {
    std::unique_lock lock(mutex_);
    generation_ = to;
    loaded_ = true;
  }
  steps_.Wake();
  return {};
}

Result<> KbCache::FollowWords(store::Database& db, std::int64_t to) {
  if (building_words_) return {};
  if (words_stale_ && steps_.possible()) {
    // Searches that wait for the base need not wait for very many.
    const auto at_once = static_cast<std::int64_t>(names_.sealed_passages());
    STRATA_TRY(const bool many, HasMoreChunks(db, at_once));
    if (many) {
      build_generation_ = to;
      building_words_ = true;
      return {};
    }
  }
  STRATA_CHECK_OK(UpdateWords(db, to, words_stale_));
  words_stale_ = false;
  return {};
}

// The segments have a generation of their own, as they outlive the process.
Result<> KbCache::UpdateWords(store::Database& db, std::int64_t to, bool anew) {
  auto since = static_cast<std::int64_t>(words_->generation());
  if (since == to && !anew) return {};
  STRATA_TRY(auto followable, OldestFollowable(db));
  if (anew || since > to || since < followable) {
    STRATA_CHECK_OK(words_->Clear());
    since = 0;
  } else {
    STRATA_TRY(auto removed, ChunksRemovedAfter(db, since));
    STRATA_CHECK_OK(words_->Remove(removed));
  }
  WordBatch batch(*words_);
  STRATA_CHECK_OK(
      ForEachChunkAfter(db, since, [&](const ChunkChange& change) { return batch.Add(change); }));
  STRATA_CHECK_OK(batch.Flush());
  CrashPoint("kb.lexical.before_commit");
  STRATA_CHECK_OK(words_->Commit(static_cast<std::uint64_t>(to)));
  CrashPoint("kb.lexical.committed");
  return {};
}

Result<bool> KbCache::BuildWords() {
  if (!building_words_) return false;
  STRATA_TRY(const bool more, BuildSomeWords());
  if (more) return true;
  // Each batch is of the state in which it was read; whatever changed since the first is followed
  // here, so that no search waits for it.
  STRATA_CHECK_OK(words_->Commit(static_cast<std::uint64_t>(build_generation_)));
  const auto follow_up = [&](store::Database& db) -> Result<> {
    STRATA_TRY(const auto to, ReadGeneration(db));
    return UpdateWords(db, to, false);
  };
  STRATA_CHECK_OK(ReadOneState(file_, follow_up));
  Log(Level::kInfo, "kb.lexical.built",
      {{"passages", built_}, {"generation", words_->generation()}});
  std::lock_guard follow(follow_mutex_);
  building_words_ = words_stale_ = false;
  return true;
}

Result<bool> KbCache::BuildSomeWords() {
  constexpr std::size_t kLogged = 100'000;
  if (built_ == 0) {
    Log(Level::kInfo, "kb.lexical.building", {{"generation", build_generation_}});
    STRATA_CHECK_OK(words_->Clear());
  }
  constexpr auto kLast = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  WordBatch batch(*words_);
  std::size_t read = 0;
  auto next = build_next_;
  STRATA_CHECK_OK(file_.ReadBlocking([&](store::Database& db) {
    return ForEachChunkBetween(db, build_next_, kLast, kBatch, [&](const ChunkChange& change) {
      next = change.row + 1;
      ++read;
      return batch.Add(change);
    });
  }));
  STRATA_CHECK_OK(batch.Flush());
  build_next_ = next;
  if ((built_ + read) / kLogged > built_ / kLogged) {
    Log(Level::kInfo, "kb.lexical.building", {{"passages", built_ + read}});
  }
  built_ += read;
  return read == kBatch;
}

void KbCache::TakeRemovals(const std::vector<std::uint64_t>& rows) {
  if (rows.empty()) return;
  vectors_.index().Remove(rows);
  std::unique_lock lock(mutex_);
  for (const auto row : rows) {
    const auto slot = owners_.Find(row);
    if (slot == ChunkOwners::kNone) continue;
    names_.Remove(row);
    owners_.Remove(row);
    auto& facts = *slots_[slot];
    if (--facts.chunks > 0) continue;
    restricted_ -= IsRestricted(facts.access) ? 1 : 0;
    const auto document_row = facts.document_row;
    slots_[slot] = nullptr;
    free_slots_.push_back(slot);
    facts_.erase(document_row);
  }
}

Result<> KbCache::TakeFacts(std::vector<DocumentFacts> list) {
  std::unique_lock lock(mutex_);
  for (auto& entry : list) {
    STRATA_TRY(auto metadata, ParseMetadata(entry.metadata));
    // Bedrock's own attributes, which its filters know too.
    metadata.try_emplace("x-amz-bedrock-kb-source-uri", entry.uri);
    metadata.try_emplace("x-amz-bedrock-kb-data-source-id", entry.source_id);
    auto& facts = FactsOf(entry.row);
    restricted_ += (IsRestricted(entry.access) ? 1 : 0) - (IsRestricted(facts.access) ? 1 : 0);
    facts.metadata = std::move(metadata);
    facts.access = std::move(entry.access);
    facts.names = graph::NamesOfDocument(entry.title, entry.uri);
  }
  return {};
}

Result<> KbCache::TakeChunks(store::Database& db, std::int64_t since) {
  VectorBatch batch(vectors_.index());
  STRATA_CHECK_OK(ForEachChunkAfter(db, since, [&](const ChunkChange& change) -> Result<> {
    std::optional<std::vector<graph::NameId>> titles;
    {
      // Known before it can be found: a row without facts is never let through.
      std::unique_lock lock(mutex_);
      auto& facts = FactsOf(change.document_row);
      if (owners_.Add(change.row, facts.slot)) {
        ++facts.chunks;
        titles = facts.names;
      }
    }
    if (titles) TakeNames(change, *titles);
    return batch.Add(change);
  }));
  return batch.Flush();
}

void KbCache::TakeNames(const ChunkChange& change, std::span<const graph::NameId> titles) {
  if (!loaded_) {
    if (names_.Claim(change.row, FingerprintOf(change, titles))) return;
    // Searches that wait for the base need not wait for very many that no file has.
    if (++named_ > names_.sealed_passages() && steps_.possible()) {
      std::unique_lock lock(mutex_);
      const bool none = unnamed_first_ > unnamed_last_;
      unnamed_first_ = none ? change.row : std::min(unnamed_first_, change.row);
      unnamed_last_ = none ? change.row : std::max(unnamed_last_, change.row);
      return;
    }
  }
  names_.Add(change.row, NamesOf(change, titles));
}

bool KbCache::Tend() {
  auto more = BuildWords();
  if (more.has_value() && !*more) more = NameSome();
  if (!more.has_value()) {
    Log(Level::kWarning, "kb.cache.background_failed", {{"error", more.error().message()}});
    return false;
  }
  return *more || names_.Tend([this] { return steps_.closing(); });
}

Result<bool> KbCache::NameSome() {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  {
    std::shared_lock lock(mutex_);
    if (!loaded_ || unnamed_first_ > unnamed_last_) return false;
    first = unnamed_first_;
    last = unnamed_last_;
  }
  std::size_t read = 0;
  STRATA_CHECK_OK(file_.ReadBlocking([&](store::Database& db) {
    return ForEachChunkBetween(db, first, last, kBatch, [&](const ChunkChange& change) {
      NameLate(change);
      first = change.row + 1;
      ++read;
      return Result<>();
    });
  }));
  if (read < kBatch) {
    first = last + 1;
    Log(Level::kInfo, "kb.names.built",
        {{"passages", names_.stats().passages}, {"generation", generation()}});
  }
  std::unique_lock lock(mutex_);
  unnamed_first_ = first;
  return true;
}

void KbCache::NameLate(const ChunkChange& change) {
  std::vector<graph::NameId> titles;
  {
    std::shared_lock lock(mutex_);
    const auto slot = owners_.Find(change.row);
    if (slot == ChunkOwners::kNone || names_.Has(change.row)) return;
    titles = slots_[slot]->names;
  }
  const auto names = NamesOf(change, titles);
  std::shared_lock lock(mutex_);  // it may be gone, and cannot go meanwhile
  if (owners_.Find(change.row) != ChunkOwners::kNone) names_.Add(change.row, names);
}

bool KbCache::unnamed() const {
  std::shared_lock lock(mutex_);
  return unnamed_first_ <= unnamed_last_;
}

bool KbCache::NeedsCheck(const SearchScope& scope) const {
  return scope.filter != nullptr || restricted_ > 0;
}

KbCache::Facts& KbCache::FactsOf(std::int64_t document_row) {
  const auto [at, fresh] = facts_.try_emplace(document_row);
  auto& facts = at->second;
  if (!fresh) return facts;
  facts.document_row = document_row;
  if (free_slots_.empty()) {
    facts.slot = static_cast<ChunkOwners::Slot>(slots_.size());
    slots_.push_back(&facts);
  } else {
    facts.slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[facts.slot] = &facts;
  }
  return facts;
}

bool KbCache::MayBeFound(const Facts& facts, const SearchScope& scope) const {
  return scope.principals != nullptr && MayRead(facts.access, *scope.principals) &&
         (scope.filter == nullptr || Matches(*scope.filter, facts.metadata));
}

bool KbCache::Allowed(std::uint64_t row, const SearchScope& scope, Verdicts& verdicts) const {
  const auto slot = owners_.Find(row);
  if (slot == ChunkOwners::kNone) return false;
  if (!NeedsCheck(scope)) return true;
  if (verdicts.empty()) verdicts.resize(slots_.size());
  auto& verdict = verdicts[slot];
  if (verdict == Verdict::kUnknown) {
    verdict = MayBeFound(*slots_[slot], scope) ? Verdict::kYes : Verdict::kNo;
  }
  return verdict == Verdict::kYes;
}

Result<std::vector<SpellingFix>> KbCache::FixSpelling(std::string_view query,
                                                      const SearchScope& scope) const {
  // What the index of before does not know may be spelt right.
  if (building_words_) return std::vector<SpellingFix>();
  // A word that the filter leaves out is spelt right all the same.
  const SearchScope anything{.filter = nullptr, .principals = scope.principals};
  Verdicts verdicts;
  std::shared_lock lock(mutex_);
  return words_->FixSpelling(query,
                             [&](std::uint64_t row) { return Allowed(row, anything, verdicts); });
}

Result<std::vector<LegHit>> KbCache::SearchWords(std::string_view query, std::size_t limit,
                                                 const SearchScope& scope,
                                                 std::span<const SpellingFix> fixes,
                                                 std::string_view holding) const {
  Verdicts verdicts;
  std::shared_lock lock(mutex_);
  const auto allowed = [&](std::uint64_t row) { return Allowed(row, scope, verdicts); };
  STRATA_TRY(auto hits, words_->Search(query, limit, allowed, fixes, holding));
  std::vector<LegHit> out;
  for (const auto& hit : hits) out.push_back({.row = hit.id, .score = hit.score});
  return out;
}

Result<std::vector<LegHit>> KbCache::SearchVectors(std::span<const float> query, std::size_t limit,
                                                   const SearchScope& scope) const {
  Verdicts verdicts;
  std::shared_lock lock(mutex_);
  STRATA_TRY(auto hits, vectors_.index().Search(query, limit, [&](std::uint64_t row) {
    return Allowed(row, scope, verdicts);
  }));
  std::vector<LegHit> out;
  for (const auto& hit : hits) out.push_back({.row = hit.id, .score = hit.score});
  return out;
}

Result<vector::ScoreSpread> KbCache::SpreadOf(std::span<const float> query,
                                              const SearchScope& scope) const {
  // Of a deviation its estimate is within 3 %.
  constexpr std::size_t kSample = 512;
  const SearchScope anything{.filter = nullptr, .principals = scope.principals};
  Verdicts verdicts;
  std::shared_lock lock(mutex_);
  return vectors_.index().Spread(
      query, kSample, [&](std::uint64_t row) { return Allowed(row, anything, verdicts); });
}

std::vector<ChunkRun> KbCache::RunsAround(std::span<const std::uint64_t> rows,
                                          std::size_t around) const {
  std::shared_lock lock(mutex_);
  std::vector<ChunkRun> runs;
  for (const auto row : rows) {
    ChunkRun run{.first = row, .last = row};
    const auto slot = owners_.Find(row);
    const auto belongs = [&](std::uint64_t other) {
      return slot != ChunkOwners::kNone && owners_.Find(other) == slot;
    };
    for (std::size_t i = 0; i < around && run.first > 0 && belongs(run.first - 1); ++i) --run.first;
    for (std::size_t i = 0; i < around && belongs(run.last + 1); ++i) ++run.last;
    runs.push_back(run);
  }
  return runs;
}

Result<std::vector<float>> KbCache::ScoreWords(std::string_view query,
                                               std::span<const std::uint64_t> rows,
                                               std::span<const SpellingFix> fixes) const {
  std::vector<ChunkRun> runs;
  for (const auto row : rows) runs.push_back({.first = row, .last = row});
  return words_->ScoreRuns(query, runs, {}, fixes);
}

Result<std::vector<float>> KbCache::ScoreWords(std::string_view query,
                                               std::span<const ChunkRun> runs, std::size_t around,
                                               std::span<const SpellingFix> fixes) const {
  std::shared_lock lock(mutex_);
  const auto chunks = static_cast<double>(owners_.size());
  const auto documents = static_cast<double>(std::max<std::size_t>(facts_.size(), 1));
  const DocumentsOfChunks statistics{
      .count = facts_.size(),
      .typical_chunks = std::min(chunks / documents, 2 * static_cast<double>(around) + 1),
      .of = [this](std::uint64_t row) { return std::uint64_t{owners_.Find(row)}; }};
  return words_->ScoreRuns(query, runs, statistics, fixes);
}

graph::GraphAnswer KbCache::WalkNames(std::string_view question,
                                      std::span<const graph::PassageShare> seeds,
                                      const SearchScope& scope) const {
  Verdicts verdicts;
  std::shared_lock lock(mutex_);
  return names_.Walk(question, seeds,
                     [&](std::uint64_t row) { return Allowed(row, scope, verdicts); });
}

std::vector<float> KbCache::VectorsOf(std::span<const std::uint64_t> rows) const {
  return vectors_.index().Rows(rows);
}

KbCache::Stats KbCache::stats() const {
  std::shared_lock lock(mutex_);
  return {.chunks = owners_.size(),
          .documents = facts_.size(),
          .vectors = vectors_.index().Stats(),
          .graph = vectors_.graph_stats(),
          .words = words_->Stats(),
          .names = names_.stats()};
}

}  // namespace strata::knowledge
