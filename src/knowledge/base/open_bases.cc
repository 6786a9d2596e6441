#include "knowledge/base/open_bases.h"

#include <filesystem>

#include "base/crash_point.h"

namespace strata::knowledge {

std::string OpenBases::PathOf(std::string_view id) const {
  return folder_ + "/kb-" + std::string(id) + ".db";
}

std::string OpenBases::LexicalFolderOf(std::string_view id) const {
  return folder_ + "/kb-" + std::string(id) + ".lex";
}

std::string OpenBases::GraphFileOf(std::string_view id) const {
  return folder_ + "/kb-" + std::string(id) + ".graph";
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
  return lock.owns_lock() ? slot->base : nullptr;
}

Result<std::shared_ptr<OpenBase>> OpenBases::GetBlocking(const std::string& id, int dimensions) {
  std::shared_ptr<Slot> slot;
  {
    std::lock_guard lock(mutex_);
    auto& entry = slots_[id];
    if (!entry) entry = std::make_shared<Slot>();
    slot = entry;
  }
  std::lock_guard lock(slot->mutex);
  if (slot->base) return slot->base;
  auto base = std::make_shared<OpenBase>();
  base->id = id;
  STRATA_TRY(base->file, OpenKbFile(PathOf(id)));
  VectorKeeperOptions vectors{
      .database = PathOf(id), .graph_file = GraphFileOf(id), .index = vectors_};
  vectors.index.dimensions = static_cast<std::size_t>(dimensions);
  STRATA_TRY(base->cache, KbCache::Open(LexicalFolderOf(id), std::move(vectors), &graphs_));
  slot->base = std::move(base);
  return slot->base;
}

Task<Result<std::shared_ptr<OpenBase>>> OpenBases::Get(const KnowledgeBase& base) {
  if (auto open = Opened(base.id)) co_return open;
  auto work = [&] { return GetBlocking(base.id, base.dimensions); };
  co_return co_await RunBlocking(pool_, std::move(work));
}

Result<> OpenBases::RemoveBlocking(const std::string& id) {
  {
    std::lock_guard lock(mutex_);
    slots_.erase(id);
  }
  std::error_code error;
  std::filesystem::remove_all(LexicalFolderOf(id), error);
  if (error) return Fail(Code::kUnavailable, "deleting an index folder: " + error.message());
  CrashPoint("kb.base.index_removed");
  // The database first: without it no graph is saved any more.
  for (const auto& path : {PathOf(id), PathOf(id) + "-wal", PathOf(id) + "-shm", GraphFileOf(id)}) {
    std::filesystem::remove(path, error);
    if (error) return Fail(Code::kUnavailable, "deleting a knowledge base: " + error.message());
  }
  CrashPoint("kb.base.removed");
  return {};
}

Task<Result<>> OpenBases::Remove(std::string id) {
  auto work = [this, &id] { return RemoveBlocking(id); };
  co_return co_await RunBlocking(pool_, std::move(work));
}

}  // namespace strata::knowledge
