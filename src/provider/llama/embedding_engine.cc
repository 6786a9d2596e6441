#include "provider/llama/embedding_engine.h"

#include <llama.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>

#include "base/format_message.h"
#include "provider/llama/gguf_keys.h"
#include "provider/llama/model_kind.h"
#include "text/word_pieces.h"

namespace strata::provider::llama {
namespace {

// Texts share one pass up to this many tokens: short ones then cost less overhead, while attention
// between texts that do not see each other (computed, then masked) stays small. bench/model.
constexpr std::size_t kPackTokens = 160;
constexpr std::size_t kPackTexts = 64;
constexpr std::int64_t kTokensMaxLimit = 8192;

// Texts that share one pass.
class Pack {
 public:
  // Whether a text of so many tokens is one of them. The first always is.
  bool Take(std::size_t tokens) {
    if (texts_ > 0 && (texts_ == kPackTexts || tokens_ + tokens > kPackTokens)) return false;
    tokens_ += tokens;
    ++texts_;
    return true;
  }
  std::size_t tokens() const { return tokens_; }

 private:
  std::size_t texts_ = 0;
  std::size_t tokens_ = 0;
};

struct BatchDeleter {
  void operator()(llama_batch* batch) const {
    llama_batch_free(*batch);
    delete batch;
  }
};
using BatchPtr = std::unique_ptr<llama_batch, BatchDeleter>;

BatchPtr MakeBatch(std::size_t tokens) {
  return BatchPtr(new llama_batch(llama_batch_init(static_cast<std::int32_t>(tokens), 0, 1)));
}

void AddToken(llama_batch& batch, std::int32_t token, std::size_t position, std::size_t sequence) {
  auto i = batch.n_tokens++;
  batch.token[i] = token;
  batch.pos[i] = static_cast<llama_pos>(position);
  batch.n_seq_id[i] = 1;
  batch.seq_id[i][0] = static_cast<llama_seq_id>(sequence);
  batch.logits[i] = 1;
}

// One pass. Decoder models that embed (pooling `last`) keep a cache, which must not see old texts.
Result<> Run(llama_context& context, const llama_batch& batch) {
  if (auto memory = llama_get_memory(&context)) llama_memory_clear(memory, false);
  if (llama_decode(&context, batch) != 0) {
    return Fail(Code::kUnavailable, "the embedding model failed (memory?)");
  }
  return {};
}

void Normalise(std::span<float> row) {
  double sum = 0;
  for (float x : row) sum += static_cast<double>(x) * x;
  if (sum <= 0) return;
  auto scale = static_cast<float>(1 / std::sqrt(sum));
  for (float& x : row) x *= scale;
}

// BERT's spelling of a phantom-space entry; see WriteVocabulary in bert_convert.cc.
std::string PlainPiece(const llama_vocab& vocab, std::int32_t id) {
  constexpr std::string_view kWordStart = "\u2581";
  std::string_view text(llama_vocab_get_text(&vocab, id));
  if (llama_vocab_is_control(&vocab, id)) return std::string(text);
  if (text.starts_with(kWordStart)) return std::string(text.substr(kWordStart.size()));
  return "##" + std::string(text);
}

std::vector<std::string> PlainVocabulary(const llama_vocab& vocab) {
  std::vector<std::string> pieces;
  auto count = llama_vocab_n_tokens(&vocab);
  pieces.reserve(static_cast<std::size_t>(count));
  for (std::int32_t id = 0; id < count; ++id) pieces.push_back(PlainPiece(vocab, id));
  return pieces;
}

// Our own tokenizer for uncased WordPiece vocabularies: llama.cpp's differs from the reference in
// rare cases (words of more than 100 letters). nullopt: the model has another kind of vocabulary.
std::optional<text::WordPieces> MakeWordPieces(const llama_model& model) {
  const auto* vocab = llama_model_get_vocab(&model);
  if (llama_vocab_type(vocab) != LLAMA_VOCAB_TYPE_WPM) return std::nullopt;
  if (Metadata(model, "tokenizer.ggml.normalizer.lowercase") == "false") return std::nullopt;
  std::string lines;
  for (const auto& piece : PlainVocabulary(*vocab)) {
    if (piece.find('\n') != std::string::npos) return std::nullopt;
    lines += piece;
    lines += '\n';
  }
  auto pieces = text::WordPieces::Parse(lines);
  if (!pieces.has_value()) return std::nullopt;
  return std::move(*pieces);
}

}  // namespace

struct EmbeddingEngine::State {
  // One context for pooled vectors, one for token vectors (each made on first use), their batch.
  struct Slot {
    ContextPtr pooled;
    ContextPtr tokenwise;
    BatchPtr batch;
  };

  EmbeddingSpec spec;
  ModelPtr model;
  const llama_vocab* vocab = nullptr;
  std::optional<text::WordPieces> word_pieces;
  std::int64_t tokens_max = 0;
  std::string query_prefix;
  std::string document_prefix;
  int dimensions = 0;

  std::vector<Slot> slots;
  std::vector<Slot*> idle;
  std::mutex mutex;
  std::condition_variable returned;

  // A multiple of the number of sequences: llama.cpp asserts that when it plans its memory.
  std::size_t BatchTokens() const {
    auto tokens = std::max(kPackTokens, static_cast<std::size_t>(tokens_max));
    return (tokens + kPackTexts - 1) / kPackTexts * kPackTexts;
  }

  Result<ContextPtr> MakeContext(enum llama_pooling_type pooling) const {
    auto params = llama_context_default_params();
    auto tokens = static_cast<std::uint32_t>(BatchTokens());
    params.n_ctx = params.n_batch = params.n_ubatch = tokens;
    params.n_seq_max = kPackTexts;
    params.kv_unified = true;
    params.n_threads = params.n_threads_batch = spec.threads;
    params.embeddings = true;
    params.pooling_type = pooling;
    params.no_perf = true;
    ContextPtr context(llama_init_from_model(model.get(), params));
    if (!context) {
      return Fail(Code::kUnavailable,
                  FormatMessage("{}: cannot make an embedding context (memory?)", Own(spec.path)));
    }
    return context;
  }

  Slot* Borrow() {
    std::unique_lock lock(mutex);
    returned.wait(lock, [&] { return !idle.empty(); });
    auto* slot = idle.back();
    idle.pop_back();
    return slot;
  }

  void Return(Slot* slot) {
    {
      std::lock_guard lock(mutex);
      idle.push_back(slot);
    }
    returned.notify_one();
  }

  Result<> MakePooled(Slot& slot) const {
    if (slot.pooled) return {};
    STRATA_TRY(slot.pooled, MakeContext(LLAMA_POOLING_TYPE_UNSPECIFIED));
    return {};
  }

  // Runs the inputs of one pack and appends their pooled rows.
  Result<> RunPack(Slot& slot, std::span<const std::vector<std::int32_t>> pack,
                   std::vector<float>& out) const {
    STRATA_CHECK_OK(MakePooled(slot));
    slot.batch->n_tokens = 0;
    for (std::size_t s = 0; s < pack.size(); ++s) {
      for (std::size_t i = 0; i < pack[s].size(); ++i) AddToken(*slot.batch, pack[s][i], i, s);
    }
    STRATA_CHECK_OK(Run(*slot.pooled, *slot.batch));
    for (std::size_t s = 0; s < pack.size(); ++s) {
      const float* row = llama_get_embeddings_seq(slot.pooled.get(), static_cast<llama_seq_id>(s));
      if (row == nullptr) return Fail(Code::kInternal, "the embedding model gave no vector");
      out.insert(out.end(), row, row + dimensions);
    }
    return {};
  }

  // Cut to what the model sees, its closing special token kept.
  bool Truncate(std::vector<std::int32_t>& ids) const {
    auto max = static_cast<std::size_t>(tokens_max);
    if (ids.size() <= max) return false;
    auto last = ids.back();
    ids.resize(max);
    ids.back() = last;
    return true;
  }
};

namespace {

// Gives the slot back on every path.
template <class S, class T>
class Lent {
 public:
  explicit Lent(S& state) : state_(state), slot_(state.Borrow()) {}
  ~Lent() { state_.Return(slot_); }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  T& operator*() const { return *slot_; }

 private:
  S& state_;
  T* slot_;
};

}  // namespace

EmbeddingEngine::EmbeddingEngine(std::unique_ptr<State> state) : state_(std::move(state)) {}
EmbeddingEngine::~EmbeddingEngine() = default;

Result<std::unique_ptr<EmbeddingEngine>> EmbeddingEngine::Load(const EmbeddingSpec& spec) {
  auto state = std::make_unique<State>();
  state->spec = spec;
  STRATA_TRY(state->model, LoadModel({.path = spec.path, .gpu_layers = spec.gpu_layers}));
  const auto& model = *state->model;
  STRATA_TRY(auto kind, KindOf(model));
  if (kind != ModelKind::kEmbed) {
    return Fail(Code::kInvalidArgument,
                FormatMessage("{} is not an embedding model", Own(spec.path)));
  }
  state->vocab = llama_model_get_vocab(&model);
  state->word_pieces = MakeWordPieces(model);
  state->dimensions = llama_model_n_embd(&model);
  auto trained = static_cast<std::int64_t>(llama_model_n_ctx_train(&model));
  auto stated = std::atoll(Metadata(model, kKeyTokensMax).c_str());
  state->tokens_max = std::clamp<std::int64_t>(stated > 0 ? stated : trained, 3,
                                               std::min(trained, kTokensMaxLimit));
  state->query_prefix = Metadata(model, kKeyQueryPrefix);
  state->document_prefix = Metadata(model, kKeyDocumentPrefix);
  constexpr std::size_t kUrgencies = 2;
  state->slots.resize(kUrgencies * static_cast<std::size_t>(std::max(1, spec.contexts)));
  for (auto& slot : state->slots) {
    slot.batch = MakeBatch(state->BatchTokens());
    state->idle.push_back(&slot);
  }
  // The one that is lent first: most servers at rest need no other.
  STRATA_CHECK_OK(state->MakePooled(*state->idle.back()));
  return std::unique_ptr<EmbeddingEngine>(new EmbeddingEngine(std::move(state)));
}

int EmbeddingEngine::dimensions() const { return state_->dimensions; }
std::int64_t EmbeddingEngine::tokens_max() const { return state_->tokens_max; }
std::string EmbeddingEngine::name() const { return Metadata(*state_->model, "general.name"); }
std::int64_t EmbeddingEngine::parameters() const {
  return static_cast<std::int64_t>(llama_model_n_params(state_->model.get()));
}

std::vector<std::int32_t> EmbeddingEngine::Tokenize(std::string_view text) const {
  if (!state_->word_pieces) {
    return TokenizeText(*state_->vocab, text, AddSpecial::kYes, ParseSpecial::kNo);
  }
  return state_->word_pieces->ModelInput(text, SIZE_MAX);
}

std::int64_t EmbeddingEngine::CountTokens(std::string_view text) const {
  if (state_->word_pieces) return static_cast<std::int64_t>(state_->word_pieces->Count(text));
  return static_cast<std::int64_t>(
      TokenizeText(*state_->vocab, text, AddSpecial::kNo, ParseSpecial::kNo).size());
}

std::vector<std::string> EmbeddingEngine::Vocabulary() const {
  if (!state_->word_pieces) return {};
  return PlainVocabulary(*state_->vocab);
}

Result<> EmbeddingEngine::EmbedIds(std::span<const std::vector<std::int32_t>> inputs,
                                   std::vector<float>& out) {
  Lent<State, State::Slot> slot(*state_);
  while (!inputs.empty()) {
    Pack pack;
    std::size_t count = 0;
    while (count < inputs.size() && pack.Take(inputs[count].size())) ++count;
    if (pack.tokens() > state_->BatchTokens()) {
      return Fail(Code::kTooLarge, FormatMessage("{} tokens in one text; the model sees {}",
                                                 pack.tokens(), state_->tokens_max));
    }
    STRATA_CHECK_OK(state_->RunPack(*slot, inputs.first(count), out));
    inputs = inputs.subspan(count);
  }
  return {};
}

Result<std::size_t> EmbeddingEngine::EmbedStep(std::span<const std::string> texts,
                                               EmbedPurpose purpose, Embeddings& out) {
  const auto& prefix =
      purpose.role == EmbedRole::kQuery ? state_->query_prefix : state_->document_prefix;
  std::vector<std::vector<std::int32_t>> inputs;
  Pack pack;
  for (const auto& text : texts) {
    auto ids = prefix.empty() ? Tokenize(text) : Tokenize(prefix + text);
    const bool cut = state_->Truncate(ids);
    if (!pack.Take(ids.size())) break;
    if (cut) ++out.truncated;
    inputs.push_back(std::move(ids));
  }
  out.input_tokens += static_cast<std::int64_t>(pack.tokens());
  out.dimensions = state_->dimensions;
  const auto first = out.values.size();
  Lent<State, State::Slot> slot(*state_);
  STRATA_CHECK_OK(state_->RunPack(*slot, inputs, out.values));
  auto width = static_cast<std::size_t>(out.dimensions);
  for (auto at = first; at < out.values.size(); at += width) {
    Normalise(std::span(out.values).subspan(at, width));
  }
  return inputs.size();
}

Result<> EmbeddingEngine::Embed(std::span<const std::string> texts, EmbedPurpose purpose,
                                Embeddings& out) {
  out.dimensions = state_->dimensions;
  while (!texts.empty()) {
    STRATA_TRY(auto done, EmbedStep(texts, purpose, out));
    texts = texts.subspan(done);
  }
  return {};
}

Result<TokenEmbeddings> EmbeddingEngine::EmbedTokens(std::string_view text) {
  TokenEmbeddings out;
  out.dimensions = state_->dimensions;
  out.token_ids = Tokenize(text);
  out.truncated = state_->Truncate(out.token_ids);
  Lent<State, State::Slot> lent(*state_);
  auto& slot = *lent;
  if (!slot.tokenwise) {
    STRATA_TRY(slot.tokenwise, state_->MakeContext(LLAMA_POOLING_TYPE_NONE));
  }
  slot.batch->n_tokens = 0;
  for (std::size_t i = 0; i < out.token_ids.size(); ++i) {
    AddToken(*slot.batch, out.token_ids[i], i, 0);
  }
  STRATA_CHECK_OK(Run(*slot.tokenwise, *slot.batch));
  for (std::int32_t i = 0; i < slot.batch->n_tokens; ++i) {
    const float* row = llama_get_embeddings_ith(slot.tokenwise.get(), i);
    if (row == nullptr) return Fail(Code::kInternal, "the embedding model gave no token vector");
    out.values.insert(out.values.end(), row, row + out.dimensions);
  }
  return out;
}

}  // namespace strata::provider::llama
