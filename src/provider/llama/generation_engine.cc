#include "provider/llama/generation_engine.h"

#include <common/sampling.h>
#include <llama.h>
#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "base/caught.h"
#include "base/check.h"
#include "base/crash_point.h"
#include "base/format_message.h"
#include "base/log.h"
#include "provider/llama/sequence_table.h"

namespace strata::provider::llama {
namespace {

using std::chrono::milliseconds;

// A step always moves prompts on, however many answers run.
constexpr int kPrefillTokensMin = 4;

// llama_batch with its capacity checked.
class Batch {
 public:
  explicit Batch(int capacity) : capacity_(capacity), batch_(llama_batch_init(capacity, 0, 1)) {}
  ~Batch() { llama_batch_free(batch_); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void Clear() { batch_.n_tokens = 0; }
  int size() const { return batch_.n_tokens; }
  const llama_batch& get() const { return batch_; }

  // Returns the token's index in the batch.
  int Add(std::int32_t token, std::size_t position, int sequence, bool wants_logits) {
    STRATA_CHECK(batch_.n_tokens < capacity_, "the batch is full");
    int i = batch_.n_tokens++;
    batch_.token[i] = token;
    batch_.pos[i] = static_cast<llama_pos>(position);
    batch_.n_seq_id[i] = 1;
    batch_.seq_id[i][0] = sequence;
    batch_.logits[i] = wants_logits ? 1 : 0;
    return i;
  }

 private:
  int capacity_;
  llama_batch batch_;
};

// What a step decodes of one sequence.
struct Share {
  Sequence* sequence = nullptr;
  std::size_t tokens = 0;
  int logits_at = -1;  // index in the batch; -1: the prompt is not yet whole
};

}  // namespace

void SamplerDeleter::operator()(common_sampler* sampler) const { common_sampler_free(sampler); }

class GenerationEngine::Impl {
 public:
  Impl(ContextPtr context, std::string name, const GenerationSpec& spec)
      : spec_(spec),
        name_(std::move(name)),
        context_(std::move(context)),
        vocab_(*llama_model_get_vocab(llama_get_model(context_.get()))),
        sequences_(*context_, spec.sequences_max, llama_n_ctx(context_.get())),
        batch_(static_cast<int>(llama_n_batch(context_.get()))) {}

  void StartThread() {
    thread_ = std::thread([this] { Loop(); });
    pthread_setname_np(thread_.native_handle(), "generate");
  }

  ~Impl() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  std::int64_t context_tokens() const {
    auto trained = llama_model_n_ctx_train(llama_get_model(context_.get()));
    return std::min<std::int64_t>(llama_n_ctx(context_.get()), trained);
  }

  Result<std::shared_ptr<Generation>> Submit(GenerationRequest request) {
    STRATA_CHECK(!request.prompt.empty() && request.output_max > 0, "nothing to generate");
    auto length = static_cast<std::int64_t>(request.prompt.size());
    if (length >= context_tokens()) {
      return Fail(InvalidArgument(
          "messages", FormatMessage("the prompt has {} tokens; {} takes {} for prompt and answer",
                                    length, Own(name_), context_tokens())));
    }
    auto out = std::make_shared<Generation>(length);
    auto running = std::make_unique<Running>(std::move(request), out);
    {
      std::lock_guard lock(mutex_);
      if (queue_.size() >= spec_.queue_max) return QueueFull();
      queue_.push_back(std::move(running));
    }
    wake_.notify_one();
    return out;
  }

  Counters counters() const {
    std::lock_guard lock(mutex_);
    return counters_;
  }
  std::size_t waiting() const {
    std::lock_guard lock(mutex_);
    return queue_.size();
  }
  std::size_t running() const {
    std::lock_guard lock(mutex_);
    return running_;
  }

 private:
  // With mutex_ held.
  std::unexpected<Error> QueueFull() const {
    auto rounds = static_cast<double>(queue_.size()) / spec_.sequences_max + 1;
    auto wait = std::clamp(milliseconds(static_cast<std::int64_t>(answer_ms_ * rounds)),
                           milliseconds(1000), milliseconds(60'000));
    return strata::Fail(
        Error(Code::kRateLimited, FormatMessage("{} has {} requests waiting, its limit "
                                                "(llama.queue_max)",
                                                Own(name_), queue_.size()))
            .RetryAfter(wait));
  }

  void Loop() {
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || !queue_.empty() || running_ > 0; });
        if (stopping_) break;
      }
      try {
        DropDead();
        AdmitWaiting();
        if (sequences_.RunningCount() > 0) Step();
      } catch (...) {
        FailRunning(std::current_exception());
      }
      std::lock_guard lock(mutex_);
      running_ = sequences_.RunningCount();
    }
    FailEverything(Error(Code::kUnavailable, "the server is shutting down"));
  }

  // Ends `running` when nobody waits for it any more.
  static bool EndIfDead(Running& running, SteadyTime now) {
    bool expired = now >= running.request.deadline;
    if (!expired && !running.out->cancelled() && !running.request.cancel.stop_requested()) {
      return false;
    }
    running.out->Fail(expired ? Error(Code::kDeadlineExceeded, "the request's deadline has passed")
                              : Error(Code::kCancelled, "the client has gone away"));
    return true;
  }

  void DropDead() {
    auto now = std::chrono::steady_clock::now();
    for (auto& sequence : sequences_.all()) {
      if (sequence.running && EndIfDead(*sequence.running, now)) sequences_.Release(sequence);
    }
    std::lock_guard lock(mutex_);
    std::erase_if(queue_, [&](auto& running) { return EndIfDead(*running, now); });
  }

  // First come, first served; the first also waits alone for room in the cache.
  void AdmitWaiting() {
    while (sequences_.HasIdle()) {
      std::unique_ptr<Running> next;
      {
        std::lock_guard lock(mutex_);
        if (queue_.empty()) return;
        auto needed = queue_.front()->tokens.size() + 1;
        if (sequences_.RunningCount() > 0 && !sequences_.FitsBesideRunning(needed)) return;
        next = std::move(queue_.front());
        queue_.pop_front();
      }
      next->admission = ++admissions_;
      if (next->produced == 0) next->admitted_at = std::chrono::steady_clock::now();
      auto out = next->out;
      ThrowPoint("llama.place");
      auto cached = sequences_.Place(std::move(next));
      out->Admit(static_cast<std::int64_t>(cached));
    }
  }

  // A step was left in the middle of what it did to all of them: what the context holds is not
  // known any more. Whoever waits for a place is not concerned.
  void FailRunning(const std::exception_ptr& thrown) {
    Log(Level::kError, "llama.step_failed", {{"model", name_}, {"what", WhatThrown(thrown)}});
    for (auto& sequence : sequences_.all()) FailSequence(sequence);
  }

  // Ends what runs on the sequence, whose cells are of no use to anybody.
  void FailSequence(Sequence& sequence) {
    auto running = sequences_.Release(sequence);
    sequences_.Clear(sequence);
    if (running) {
      running->out->Fail(Internal(FormatMessage("{} failed while generating", Own(name_))));
    }
  }

  // One token of every answer whose prompt is read, then prompts: in turn, `prefill_tokens` in all.
  std::vector<Share> PlanStep() {
    std::vector<Share> shares;
    std::vector<Sequence*> prompts;
    for (auto& sequence : sequences_.all()) {
      if (!sequence.running) continue;
      if (sequence.Remaining() == 1) {
        shares.push_back({.sequence = &sequence, .tokens = 1});
      } else {
        prompts.push_back(&sequence);
      }
    }
    auto room = std::max(kPrefillTokensMin, spec_.prefill_tokens - static_cast<int>(shares.size()));
    for (std::size_t i = 0; i < prompts.size() && room > 0; ++i) {
      auto* sequence = prompts[(turn_ + i) % prompts.size()];
      auto tokens = std::min(sequence->Remaining(), static_cast<std::size_t>(room));
      shares.push_back({.sequence = sequence, .tokens = tokens});
      room -= static_cast<int>(tokens);
    }
    ++turn_;
    return shares;
  }

  // The youngest answer goes back to the head of the queue; it starts again from its tokens.
  void Preempt() {
    Sequence* youngest = nullptr;
    for (auto& sequence : sequences_.all()) {
      if (!sequence.running) continue;
      if (youngest == nullptr || sequence.running->admission > youngest->running->admission) {
        youngest = &sequence;
      }
    }
    auto running = sequences_.Release(*youngest);
    sequences_.Clear(*youngest);
    std::lock_guard lock(mutex_);
    queue_.push_front(std::move(running));
    ++counters_.preempted;
  }

  void Step() {
    auto shares = PlanStep();
    auto total = [&] {
      std::size_t sum = 0;
      for (const auto& share : shares) sum += share.tokens;
      return sum;
    };
    while (!sequences_.MakeRoom(total()) && sequences_.RunningCount() > 1) {
      Preempt();
      shares = PlanStep();
    }
    FillBatch(shares);
    int status = llama_decode(context_.get(), batch_.get());
    if (status != 0) return DecodeFailed(shares, status);
    failures_ = 0;
    {
      std::lock_guard lock(mutex_);
      ++counters_.steps;
      counters_.running_max =
          std::max<std::int64_t>(counters_.running_max, static_cast<std::int64_t>(shares.size()));
      counters_.batch_max = std::max<std::int64_t>(counters_.batch_max, batch_.size());
    }
    for (const auto& share : shares) {
      auto& tokens = share.sequence->running->tokens;
      auto& cached = share.sequence->cached;
      auto from = tokens.begin() + static_cast<std::ptrdiff_t>(cached.size());
      cached.insert(cached.end(), from, from + static_cast<std::ptrdiff_t>(share.tokens));
      if (share.logits_at >= 0) TakeTokenOrFail(*share.sequence, share.logits_at);
    }
  }

  // What goes wrong with the text of one answer is nothing to the others.
  void TakeTokenOrFail(Sequence& sequence, int logits_at) {
    try {
      ThrowPoint("llama.token");
      TakeToken(sequence, logits_at);
    } catch (...) {
      Log(Level::kError, "llama.token_failed",
          {{"model", name_}, {"what", WhatThrown(std::current_exception())}});
      FailSequence(sequence);
    }
  }

  void FillBatch(std::vector<Share>& shares) {
    batch_.Clear();
    for (auto& share : shares) {
      const auto& sequence = *share.sequence;
      auto first = sequence.cached.size();
      for (std::size_t i = 0; i < share.tokens; ++i) {
        bool last = first + i + 1 == sequence.running->tokens.size();
        int at = batch_.Add(sequence.running->tokens[first + i], first + i, sequence.id, last);
        if (last) share.logits_at = at;
      }
    }
  }

  // Status 1 means that no cells were found although our count said so: give up a reserve and try
  // again. Anything else has broken the sequences of this batch.
  void DecodeFailed(const std::vector<Share>& shares, int status) {
    Log(Level::kWarning, "llama.decode_failed", {{"model", name_}, {"status", status}});
    bool first = ++failures_ == 1;
    if (status == 1 && first && sequences_.MakeRoom(llama_n_ctx(context_.get()) / 2)) return;
    failures_ = 0;
    for (const auto& share : shares) FailSequence(*share.sequence);
  }

  // Samples the next token of the sequence and passes its text on.
  void TakeToken(Sequence& sequence, int logits_at) {
    auto& running = *sequence.running;
    std::int32_t token = 0;
    try {
      auto* sampler = running.request.sampler.get();
      token = common_sampler_sample(sampler, context_.get(), logits_at);
      common_sampler_accept(sampler, token, true);
    } catch (const std::exception&) {  // a grammar that no token continues; it quotes the answer
      Log(Level::kWarning, "llama.sampling_failed", {{"model", name_}});
      running.out->Fail(Internal(FormatMessage("{}: no token fits the grammar", Own(name_))));
      sequences_.Release(sequence);
      return;
    }
    ++running.produced;
    if (llama_vocab_is_eog(&vocab_, token)) {
      running.out->Add("");
      return End(sequence, domain::StopReason::kEndTurn);
    }
    running.tokens.push_back(token);
    auto text = Text(running, token);
    if (running.request.logprobs) {
      auto scored = running.logprobs.Score(vocab_, *context_, logits_at, token);
      running.logprobs.Push(std::move(scored), text.size());
    }
    auto shown = running.release.Push(text);
    running.out->Add(shown, running.logprobs.Take(running.release.shown_bytes()));
    if (running.release.stopped()) return End(sequence, domain::StopReason::kStopSequence);
    if (running.produced >= running.request.output_max) {
      return End(sequence, domain::StopReason::kMaxTokens);
    }
    if (static_cast<std::int64_t>(running.tokens.size()) >= context_tokens()) {
      End(sequence, domain::StopReason::kContextWindow);
    }
  }

  std::string Text(const Running& running, std::int32_t token) const {
    const auto& shown = running.request.shown_special;
    if (std::find(shown.begin(), shown.end(), token) != shown.end()) {
      return llama_vocab_get_text(&vocab_, token);
    }
    return TokenText(vocab_, token);
  }

  void End(Sequence& sequence, domain::StopReason reason) {
    auto running = sequences_.Release(sequence);
    auto rest = running->release.Finish();
    auto scored = running->logprobs.Take(running->release.shown_bytes());
    if (!rest.empty() || !scored.empty()) running->out->AddRest(rest, std::move(scored));
    GenerationEnd end{.reason = reason, .stop_sequence = {}};
    if (reason == domain::StopReason::kStopSequence) {
      end.stop_sequence = running->release.stop_sequence();
    }
    auto took = std::chrono::steady_clock::now() - running->admitted_at;
    {
      std::lock_guard lock(mutex_);
      auto ms = std::chrono::duration<double, std::milli>(took).count();
      answer_ms_ += (ms - answer_ms_) / 8;
    }
    running->out->Finish(std::move(end));
  }

  void FailEverything(const Error& error) {
    for (auto& sequence : sequences_.all()) {
      if (sequence.running) sequences_.Release(sequence)->out->Fail(error);
    }
    std::lock_guard lock(mutex_);
    for (auto& running : queue_) running->out->Fail(error);
    queue_.clear();
  }

  const GenerationSpec spec_;
  const std::string name_;
  // The thread's own.
  ContextPtr context_;
  const llama_vocab& vocab_;
  SequenceTable sequences_;
  Batch batch_;
  std::uint64_t admissions_ = 0;
  std::size_t turn_ = 0;
  int failures_ = 0;  // of llama_decode in a row

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Running>> queue_;
  Counters counters_;
  std::size_t running_ = 0;
  double answer_ms_ = 2000;  // running mean over recent answers
  bool stopping_ = false;
  std::thread thread_;
};

Result<std::unique_ptr<GenerationEngine>> GenerationEngine::Create(llama_model& model,
                                                                   std::string name,
                                                                   const GenerationSpec& spec) {
  auto params = llama_context_default_params();
  auto trained = llama_model_n_ctx_train(&model);
  params.n_ctx =
      static_cast<std::uint32_t>(spec.context_tokens > 0 ? spec.context_tokens : trained);
  // A multiple of the number of sequences: llama.cpp plans its memory so.
  auto batch = spec.prefill_tokens + spec.sequences_max + kPrefillTokensMin;
  batch = (batch + spec.sequences_max - 1) / spec.sequences_max * spec.sequences_max;
  params.n_batch = params.n_ubatch = static_cast<std::uint32_t>(batch);
  params.n_seq_max = static_cast<std::uint32_t>(spec.sequences_max);
  params.n_threads = params.n_threads_batch = spec.threads;
  // One buffer for all sequences: a shared beginning is stored once, and a short answer leaves its
  // cells to a long one.
  params.kv_unified = true;
  params.no_perf = true;
  ContextPtr context(llama_init_from_model(&model, params));
  if (!context) {
    return Fail(
        Code::kUnavailable,
        FormatMessage("{}: no context of {} tokens can be made (memory? llama.context_tokens)",
                      Own(name), params.n_ctx));
  }
  auto impl = std::make_unique<Impl>(std::move(context), std::move(name), spec);
  impl->StartThread();
  return std::unique_ptr<GenerationEngine>(new GenerationEngine(std::move(impl)));
}

GenerationEngine::GenerationEngine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GenerationEngine::~GenerationEngine() = default;

std::int64_t GenerationEngine::context_tokens() const { return impl_->context_tokens(); }
Result<std::shared_ptr<Generation>> GenerationEngine::Submit(GenerationRequest request) {
  return impl_->Submit(std::move(request));
}
GenerationEngine::Counters GenerationEngine::counters() const { return impl_->counters(); }
std::size_t GenerationEngine::waiting() const { return impl_->waiting(); }
std::size_t GenerationEngine::running() const { return impl_->running(); }

}  // namespace strata::provider::llama
