#pragma once
// The sequences of one llama.cpp context: which answer runs in which, and whose cached tokens a new
// prompt can start from.
//
// Every step looks at all cells of the context that are in use, also those of idle sequences. So
// while one answer runs, what others left behind is parked: copied out of the context, and back in
// when a prompt begins with it, which takes a thousandth of the time to read it again.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "provider/llama/generation.h"
#include "provider/llama/logprobs.h"
#include "provider/llama/text_release.h"

struct llama_context;

namespace strata::provider::llama {

// An answer that the engine works on. Where it goes away without an end, who waits is told: that is
// what an exception leaves.
struct Running {
  Running(GenerationRequest r, std::shared_ptr<Generation> o)
      : request(std::move(r)),
        out(std::move(o)),
        release(std::move(request.stop)),
        logprobs(request.top_logprobs),
        tokens(std::move(request.prompt)) {}
  // Nothing to an answer that has ended.
  ~Running() { out->Fail(Internal("the model failed while generating")); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  GenerationRequest request;
  std::shared_ptr<Generation> out;
  TextRelease release;
  LogprobRelease logprobs;
  std::vector<std::int32_t> tokens;  // prompt, then what was generated
  std::int64_t produced = 0;
  SteadyTime admitted_at{};
  std::uint64_t admission = 0;  // counts up: the youngest has the largest
};

struct Sequence {
  int id = 0;
  std::string cache_key;
  std::vector<std::int32_t> cached;  // tokens whose keys and values are in the context, or parked
  std::vector<std::uint8_t> parked;  // keys and values of `cached`; empty: they are in the context
  std::uint64_t last_used = 0;
  std::unique_ptr<Running> running;  // null: idle, `cached` is what may be reused

  // Tokens still to be decoded; at least 1 while running.
  std::size_t Remaining() const { return running->tokens.size() - cached.size(); }
};

// Owned by the engine's thread.
class SequenceTable {
 public:
  // `cells`: how many tokens the context holds for all sequences together.
  SequenceTable(llama_context& context, int sequences, std::size_t cells);

  std::vector<Sequence>& all() { return sequences_; }
  bool HasIdle() const;
  std::size_t RunningCount() const;

  // Whether `tokens` more fit beside what runs, once all idle sequences are given up. Tokens that
  // two sequences share are counted twice, so the context never runs full unexpectedly.
  bool FitsBesideRunning(std::size_t tokens) const;

  // Gives up idle sequences in the context, least recently used first, until `tokens` more fit.
  // False: they do not, even so.
  bool MakeRoom(std::size_t tokens);

  // Puts the answer into an idle sequence, over the longest cached beginning of its tokens that its
  // cache key allows. Returns the number of tokens that need not be decoded (less than all).
  std::size_t Place(std::unique_ptr<Running> running);

  // Takes the answer out; its decoded tokens stay for reuse.
  std::unique_ptr<Running> Release(Sequence& sequence);
  // Forgets the sequence's tokens.
  void Clear(Sequence& sequence);

 private:
  std::size_t TokensInContext() const;
  void ParkIdle(const Sequence* except);
  void Park(Sequence& sequence);
  // Puts the parked tokens of `from` into the context as those of `to`, as many as `common`.
  // False: there is no room for them in one piece, `to` is empty.
  bool Unpark(const Sequence& from, Sequence& to, std::size_t common);
  void LimitParked();
  std::size_t TakeOver(Sequence& target, std::size_t common);
  std::size_t CopyFrom(Sequence* donor, Sequence& target, std::size_t common);
  Sequence* BestDonor(const Running& running, std::size_t& common);
  Sequence& LeastRecentlyUsedIdle(const Sequence* except);

  llama_context& context_;
  std::vector<Sequence> sequences_;
  std::size_t cells_;
  bool can_share_;  // the model's memory can drop and copy a part of a sequence
  std::uint64_t clock_ = 0;
};

}  // namespace strata::provider::llama
