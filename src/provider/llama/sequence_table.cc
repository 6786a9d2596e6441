#include "provider/llama/sequence_table.h"

#include <llama.h>

#include <algorithm>
#include <new>

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

std::size_t SequenceTable::TokensInContext() const {
  std::size_t sum = 0;
  for (const auto& sequence : sequences_) {
    if (sequence.parked.empty()) sum += sequence.cached.size();
  }
  return sum;
}

bool SequenceTable::FitsBesideRunning(std::size_t tokens) const {
  for (const auto& sequence : sequences_) {
    if (sequence.running) tokens += sequence.running->tokens.size();
  }
  return tokens <= cells_;
}

bool SequenceTable::MakeRoom(std::size_t tokens) {
  while (TokensInContext() + tokens > cells_) {
    Sequence* oldest = nullptr;
    for (auto& sequence : sequences_) {
      if (sequence.running || sequence.cached.empty() || !sequence.parked.empty()) continue;
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
  sequence.parked = {};
}

void SequenceTable::ParkIdle(const Sequence* except) {
  for (auto& sequence : sequences_) {
    const bool idle = !sequence.running && &sequence != except;
    if (idle && !sequence.cached.empty() && sequence.parked.empty()) Park(sequence);
  }
  LimitParked();
}

void SequenceTable::Park(Sequence& sequence) {
  if (!can_share_) return Clear(sequence);  // nobody would take it up
  const auto size = llama_state_seq_get_size(&context_, sequence.id);
  try {
    sequence.parked.resize(size);
  } catch (const std::bad_alloc&) {  // what is parked is only a help
    return Clear(sequence);
  }
  if (llama_state_seq_get_data(&context_, sequence.parked.data(), size, sequence.id) != size) {
    return Clear(sequence);
  }
  llama_memory_seq_rm(llama_get_memory(&context_), sequence.id, -1, -1);
}

bool SequenceTable::Unpark(const Sequence& from, Sequence& to, std::size_t common) {
  auto memory = llama_get_memory(&context_);
  const auto read =
      llama_state_seq_set_data(&context_, from.parked.data(), from.parked.size(), to.id);
  const bool whole = read == from.parked.size();
  if (whole && llama_memory_seq_rm(memory, to.id, static_cast<llama_pos>(common), -1)) return true;
  llama_memory_seq_rm(memory, to.id, -1, -1);
  return false;
}

// What is parked takes no more memory than the context itself does.
void SequenceTable::LimitParked() {
  for (;;) {
    std::size_t tokens = 0;
    Sequence* oldest = nullptr;
    for (auto& sequence : sequences_) {
      if (sequence.parked.empty()) continue;
      tokens += sequence.cached.size();
      if (oldest == nullptr || sequence.last_used < oldest->last_used) oldest = &sequence;
    }
    if (tokens <= cells_) return;
    Clear(*oldest);
  }
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
  ParkIdle(donor);
  // From the first cell on: the order of cells is that of sums, and the same prompt is to give the
  // same answer whatever was asked before.
  if (TokensInContext() == 0) llama_memory_clear(llama_get_memory(&context_), false);
  common = in_place ? TakeOver(target, common) : CopyFrom(donor, target, common);
  target.cache_key = running->request.cache_key;
  target.last_used = ++clock_;
  target.running = std::move(running);
  ParkIdle(&target);
  return common;
}

// The sequence goes on from its own first `common` tokens. Returns how many there are.
std::size_t SequenceTable::TakeOver(Sequence& target, std::size_t common) {
  if (target.parked.empty()) {
    const auto memory = llama_get_memory(&context_);
    if (common < target.cached.size() &&
        !llama_memory_seq_rm(memory, target.id, static_cast<llama_pos>(common), -1)) {
      Clear(target);
    }
  } else {
    if (!MakeRoom(target.cached.size()) || !Unpark(target, target, common)) Clear(target);
    target.parked = {};
  }
  target.cached.resize(std::min(common, target.cached.size()));
  return target.cached.size();
}

// The sequence starts with the first `common` tokens of `donor`, which keeps them.
std::size_t SequenceTable::CopyFrom(Sequence* donor, Sequence& target, std::size_t common) {
  Clear(target);
  if (donor == nullptr) return 0;
  if (donor->parked.empty()) {
    llama_memory_seq_cp(llama_get_memory(&context_), donor->id, target.id, 0,
                        static_cast<llama_pos>(common));
  } else if (!MakeRoom(donor->cached.size()) || !Unpark(*donor, target, common)) {
    return 0;
  }
  target.cached.assign(donor->cached.begin(),
                       donor->cached.begin() + static_cast<std::ptrdiff_t>(common));
  return common;
}

std::unique_ptr<Running> SequenceTable::Release(Sequence& sequence) {
  sequence.last_used = ++clock_;
  auto running = std::move(sequence.running);
  if (RunningCount() > 0) ParkIdle(nullptr);
  return running;
}

}  // namespace strata::provider::llama
