#include "provider/llama/sequence_table.h"

#include <llama.h>

#include <algorithm>

#include "base/check.h"

namespace strata::provider::llama {
namespace {

// An idle sequence is reused in place when no more than this would be lost of it; otherwise its
// beginning is copied (which costs no cells) so that its owner finds all of it next time.
constexpr std::size_t kTailLostMax = 64;

std::size_t CommonPrefix(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  auto end = std::min(a.size(), b.size());
  std::size_t i = 0;
  while (i < end && a[i] == b[i]) ++i;
  return i;
}

}  // namespace

SequenceTable::SequenceTable(llama_context& context, int sequences, std::size_t cells)
    : context_(context), sequences_(static_cast<std::size_t>(sequences)), cells_(cells) {
  for (int i = 0; i < sequences; ++i) sequences_[static_cast<std::size_t>(i)].id = i;
  const auto* model = llama_get_model(&context);
  can_share_ = !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model) &&
               llama_model_n_swa(model) == 0;
}

bool SequenceTable::HasIdle() const {
  return std::any_of(sequences_.begin(), sequences_.end(), [](auto& s) { return !s.running; });
}

std::size_t SequenceTable::RunningCount() const {
  return static_cast<std::size_t>(std::count_if(sequences_.begin(), sequences_.end(),
                                                [](auto& s) { return s.running != nullptr; }));
}

std::size_t SequenceTable::CachedTokens() const {
  std::size_t sum = 0;
  for (const auto& sequence : sequences_) sum += sequence.cached.size();
  return sum;
}

bool SequenceTable::FitsBesideRunning(std::size_t tokens) const {
  for (const auto& sequence : sequences_) {
    if (sequence.running) tokens += sequence.running->tokens.size();
  }
  return tokens <= cells_;
}

bool SequenceTable::MakeRoom(std::size_t tokens) {
  while (CachedTokens() + tokens > cells_) {
    Sequence* oldest = nullptr;
    for (auto& sequence : sequences_) {
      if (sequence.running || sequence.cached.empty()) continue;
      if (oldest == nullptr || sequence.last_used < oldest->last_used) oldest = &sequence;
    }
    if (oldest == nullptr) return false;
    Clear(*oldest);
  }
  return true;
}

void SequenceTable::Clear(Sequence& sequence) {
  llama_memory_seq_rm(llama_get_memory(&context_), sequence.id, -1, -1);
  sequence.cached.clear();
}

Sequence* SequenceTable::BestDonor(const Running& running, std::size_t& common) {
  common = 0;
  if (!can_share_) return nullptr;
  Sequence* best = nullptr;
  for (auto& sequence : sequences_) {
    if (sequence.cache_key != running.request.cache_key) continue;
    // The last token is decoded anew in any case: its logits are needed.
    auto shared =
        std::min(CommonPrefix(sequence.cached, running.tokens), running.tokens.size() - 1);
    bool better =
        shared > common || (shared == common && shared > 0 && best->running && !sequence.running);
    if (better) {
      best = &sequence;
      common = shared;
    }
  }
  return best;
}

Sequence& SequenceTable::LeastRecentlyUsedIdle(const Sequence* except) {
  Sequence* found = nullptr;
  for (auto& sequence : sequences_) {
    if (sequence.running || &sequence == except) continue;
    bool better =
        found == nullptr || (sequence.cached.empty() && !found->cached.empty()) ||
        (sequence.cached.empty() == found->cached.empty() && sequence.last_used < found->last_used);
    if (better) found = &sequence;
  }
  STRATA_CHECK(found != nullptr, "no idle sequence");
  return *found;
}

std::size_t SequenceTable::Place(std::unique_ptr<Running> running) {
  std::size_t common = 0;
  auto* donor = BestDonor(*running, common);
  auto idle = std::count_if(sequences_.begin(), sequences_.end(),
                            [](auto& s) { return s.running == nullptr; });
  bool in_place = donor != nullptr && !donor->running &&
                  (donor->cached.size() - common <= kTailLostMax || idle == 1);
  auto& target = in_place ? *donor : LeastRecentlyUsedIdle(idle > 1 ? donor : nullptr);
  auto memory = llama_get_memory(&context_);
  if (in_place) {
    if (common < target.cached.size() &&
        !llama_memory_seq_rm(memory, target.id, static_cast<llama_pos>(common), -1)) {
      Clear(target);
      common = 0;
    }
    target.cached.resize(common);
  } else {
    Clear(target);
    if (donor != nullptr) {
      llama_memory_seq_cp(memory, donor->id, target.id, 0, static_cast<llama_pos>(common));
      target.cached.assign(donor->cached.begin(),
                           donor->cached.begin() + static_cast<std::ptrdiff_t>(common));
    }
  }
  target.cache_key = running->request.cache_key;
  target.last_used = ++clock_;
  target.running = std::move(running);
  return common;
}

std::unique_ptr<Running> SequenceTable::Release(Sequence& sequence) {
  sequence.last_used = ++clock_;
  return std::move(sequence.running);
}

}  // namespace strata::provider::llama
