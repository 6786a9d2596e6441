#include "knowledge/base/open_bases.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/crash_point.h"
#include "base/log.h"
#include "knowledge/base/base_embedder.h"

namespace strata::knowledge {

std::string OpenBases::PathOf(std::string_view id) const { return folder_ + "/" + KbFileName(id); }

std::string OpenBases::LexicalFolderOf(std::string_view id) const {
  return folder_ + "/kb-" + std::string(id) + ".lex";
}

std::string OpenBases::GraphFileOf(std::string_view id) const {
  return folder_ + "/kb-" + std::string(id) + ".graph";
}

std::string OpenBases::NamesFolderOf(std::string_view id) const {
  return folder_ + "/kb-" + std::string(id) + ".names";
}

std::shared_ptr<OpenBase> OpenBases::Opened(const std::string& id) {
  std::shared_ptr<Slot> slot;
  {
    std::lock_guard lock(mutex_);
    const auto found = slots_.find(id);
    if (found == slots_.end()) return nullptr;
    slot = found->second;
  }
  std::unique_lock lock(slot->mutex, std::try_to_lock);
  if (!lock.owns_lock() || !slot->base) return nullptr;
  slot->last_use = ++uses_;
  return slot->base;
}

Result<std::shared_ptr<OpenBase>> OpenBases::Open(const std::string& id, int dimensions) {
  if (dimensions < 1 || dimensions > kDimensionsMax) {
    return Fail(Code::kConflict, "knowledge base " + id + " has FAILED: its vectors have no size");
  }
  auto base = std::make_shared<OpenBase>();
  base->id = id;
  STRATA_TRY(base->file, OpenKbFile(PathOf(id)));
  KbCacheOptions options{
      .lexical_folder = LexicalFolderOf(id),
      .names = {.database = PathOf(id), .folder = NamesFolderOf(id)},
      .vectors = {.database = PathOf(id), .graph_file = GraphFileOf(id), .index = vectors_}};
  options.vectors.index.dimensions = static_cast<std::size_t>(dimensions);
  STRATA_TRY(base->cache, KbCache::Open(*base->file, std::move(options), &background_));
  return base;
}

std::shared_ptr<OpenBases::Slot> OpenBases::SlotOf(const std::string& id) {
  std::lock_guard lock(mutex_);
  auto& entry = slots_[id];
  if (!entry) entry = std::make_shared<Slot>();
  return entry;
}

Result<std::shared_ptr<OpenBase>> OpenBases::GetBlocking(const std::string& id, int dimensions) {
  const auto slot = SlotOf(id);
  std::shared_ptr<OpenBase> base;
  {
    std::lock_guard lock(slot->mutex);
    if (slot->removed) return Fail(NotFound("knowledge base", id));
    slot->last_use = ++uses_;
    if (slot->base) return slot->base;
    auto opened = Open(id, dimensions);
    if (!opened.has_value()) {
      if (opened.error().code() != Code::kUnavailable) NoteFailure(id, opened.error());
      return std::unexpected(std::move(opened.error()));
    }
    EndFailure(id);
    base = slot->base = std::move(*opened);
    slot->open = true;
  }
  CloseLeastUsed();  // not this one: it is in use
  return base;
}

std::optional<std::string> OpenBases::FailureOf(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto found = failures_.find(id);
  return found == failures_.end() ? std::nullopt : std::optional(found->second);
}

void OpenBases::NoteFailure(const std::string& id, const Error& error) {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(failures_[id], error.message()) == error.message()) return;
  }
  Log(Level::kError, "kb.base.failed", {{"base", id}, {"reason", error.message()}});
}

void OpenBases::EndFailure(const std::string& id) {
  {
    std::lock_guard lock(mutex_);
    if (failures_.erase(id) == 0) return;
  }
  Log(Level::kInfo, "kb.base.works_again", {{"base", id}});
}

std::vector<std::shared_ptr<OpenBases::Slot>> OpenBases::OpenSlots() const {
  std::vector<std::pair<std::uint64_t, std::shared_ptr<Slot>>> open;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, slot] : slots_) {
      if (slot->open) open.emplace_back(slot->last_use, slot);
    }
  }
  std::ranges::sort(open, {}, [](const auto& entry) { return entry.first; });
  std::vector<std::shared_ptr<Slot>> out;
  for (auto& entry : open) out.push_back(std::move(entry.second));
  return out;
}

std::size_t OpenBases::open_count() const { return OpenSlots().size(); }

void OpenBases::CloseLeastUsed() {
  const auto open = OpenSlots();
  std::size_t left = open.size();
  for (const auto& slot : open) {
    if (left <= open_max_) return;
    std::unique_lock lock(slot->mutex, std::try_to_lock);
    // Those in use stay. Nobody can take hold of it meanwhile: that needs the mutex.
    if (!lock.owns_lock() || slot->base.use_count() != 1) continue;
    slot->open = false;
    slot->base.reset();
    --left;
  }
}

Task<Result<std::shared_ptr<OpenBase>>> OpenBases::Get(const KnowledgeBase& base) {
  if (auto open = Opened(base.id)) co_return open;
  auto work = [&] { return GetBlocking(base.id, base.dimensions); };
  co_return co_await RunBlocking(pool_, std::move(work));
}

Task<Result<>> OpenBases::Create(std::string id) {
  auto work = [this, &id] { return CreateKbFile(PathOf(id)); };
  co_return co_await RunBlocking(pool_, std::move(work));
}

Result<> OpenBases::RemoveBlocking(const std::string& id) {
  const auto slot = SlotOf(id);
  std::lock_guard lock(slot->mutex);
  slot->removed = true;
  slot->open = false;
  slot->base.reset();
  {
    std::lock_guard failures(mutex_);
    failures_.erase(id);
  }
  std::error_code error;
  std::filesystem::remove_all(LexicalFolderOf(id), error);
  if (error) return Fail(Code::kUnavailable, "deleting an index folder: " + error.message());
  CrashPoint("kb.base.index_removed");
  // The database first: without it neither a graph nor names are saved any more.
  for (const auto& path : {PathOf(id), PathOf(id) + "-wal", PathOf(id) + "-shm", GraphFileOf(id)}) {
    std::filesystem::remove(path, error);
    if (error) return Fail(Code::kUnavailable, "deleting a knowledge base: " + error.message());
  }
  std::filesystem::remove_all(NamesFolderOf(id), error);
  if (error) return Fail(Code::kUnavailable, "deleting a folder of names: " + error.message());
  CrashPoint("kb.base.removed");
  return {};
}

Task<Result<>> OpenBases::Remove(std::string id) {
  auto work = [this, &id] { return RemoveBlocking(id); };
  co_return co_await RunBlocking(pool_, std::move(work));
}

}  // namespace strata::knowledge
