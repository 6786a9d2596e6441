#include "gateway/router_memory.h"

#include <algorithm>
#include <string_view>

namespace strata::gateway {
namespace {

constexpr std::array<std::string_view, 6> kDeciders = {"rule",    "learned",  "cheapest",
                                                       "session", "fallback", "other"};

}  // namespace

RouterRecord::RouterRecord(WorkspaceId workspace, const route::PolicyRouter& router)
    : workspace_(std::move(workspace)),
      name_(router.name()),
      version_(router.version()),
      tolerance_(router.definition().tolerance),
      prices_(router.definition().candidates.size()),
      counts_(router.definition().candidates.size(), 0) {
  for (const auto& candidate : router.definition().candidates) models_.push_back(candidate.model);
}

void RouterRecord::Note(const route::Decision& decision) {
  auto by = std::ranges::find(kDeciders, std::string_view(decision.decided_by));
  if (by == kDeciders.end()) --by;
  std::lock_guard lock(mutex_);
  ++counts_[decision.chosen];
  decisions_.Add({.candidate = static_cast<std::uint8_t>(decision.chosen),
                  .decided_by = static_cast<std::uint8_t>(by - kDeciders.begin()),
                  .unfamiliar = static_cast<float>(decision.unfamiliar.value_or(-1))});
}

void RouterRecord::NoteStart(bool fell_back) {
  std::lock_guard lock(mutex_);
  fell_back_.Add(fell_back ? 1 : 0);
}

std::vector<RememberedDecision> RouterRecord::Decisions() const {
  std::vector<RememberedDecision> out;
  std::lock_guard lock(mutex_);
  decisions_.NewestFirst([&](const Slot& slot) {
    out.push_back({.model = models_[slot.candidate],
                   .decided_by = std::string(kDeciders[slot.decided_by]),
                   .unfamiliar = slot.unfamiliar < 0
                                     ? std::nullopt
                                     : std::optional(static_cast<double>(slot.unfamiliar))});
  });
  return out;
}

std::vector<bool> RouterRecord::FellBack() const {
  std::vector<bool> out;
  std::lock_guard lock(mutex_);
  fell_back_.NewestFirst([&](std::uint8_t fell) { out.push_back(fell != 0); });
  return out;
}

std::map<std::string, std::uint64_t> RouterRecord::Counts() const {
  std::map<std::string, std::uint64_t> out;
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < models_.size(); ++i) out[models_[i]] = counts_[i];
  return out;
}

std::shared_ptr<RouterRecord> RouterMemory::Of(const WorkspaceId& workspace,
                                               const route::PolicyRouter& router) {
  std::lock_guard lock(mutex_);
  auto& entry = entries_[{workspace.value, router.version()}];
  entry.used = ++uses_;
  if (!entry.record) entry.record = std::make_shared<RouterRecord>(workspace, router);
  auto record = entry.record;
  if (entries_.size() > kVersionsMax) {
    auto oldest =
        std::ranges::min_element(entries_, {}, [](const auto& item) { return item.second.used; });
    entries_.erase(oldest);
  }
  return record;
}

std::shared_ptr<RouterRecord> RouterMemory::Find(const WorkspaceId& workspace,
                                                 const std::string& version) const {
  std::lock_guard lock(mutex_);
  auto at = entries_.find({workspace.value, version});
  return at == entries_.end() ? nullptr : at->second.record;
}

std::vector<std::shared_ptr<RouterRecord>> RouterMemory::Latest() const {
  std::map<std::pair<std::string, std::string>, const Entry*> latest;  // workspace, name
  std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : entries_) {
    auto& best = latest[{key.first, entry.record->name()}];
    if (best == nullptr || best->used < entry.used) best = &entry;
  }
  std::vector<std::shared_ptr<RouterRecord>> out;
  out.reserve(latest.size());
  for (const auto& [key, entry] : latest) out.push_back(entry->record);
  return out;
}

}  // namespace strata::gateway
