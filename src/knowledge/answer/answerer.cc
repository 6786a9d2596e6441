#include "knowledge/answerer.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/utf8.h"
#include "domain/refusal.h"
#include "guard/model_access.h"
#include "knowledge/answer/align.h"
#include "knowledge/answer/claim_facts.h"
#include "knowledge/answer/corrected_question.h"
#include "knowledge/answer/last_question.h"
#include "knowledge/answer/passages.h"
#include "knowledge/answer/prompt.h"
#include "knowledge/answer/sentence_buffer.h"
#include "knowledge/filter_writer.h"
#include "knowledge/query_writer.h"
#include "text/language.h"
#include "text/normalize.h"
#include "text/plain_tokens.h"

namespace strata::knowledge {
namespace {

using domain::StreamEvent;

constexpr std::int64_t kAnswerTokens = 512;  // when neither caller nor model says

// One answer of builtin/extract over given passages, as a model that can be metered like any other.
class ExtractCall final : public provider::ChatModel {
 public:
  ExtractCall(std::shared_ptr<const Extractor> extractor, AnswerInput input)
      : extractor_(std::move(extractor)), input_(std::move(input)), info_(ExtractInfo()) {}

  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& /*request*/,
                                                            RequestContext& ctx) override {
    auto corrected =
        CorrectQuestion(StandaloneQuestion(input_.question, input_.history, kTurnBreak),
                        input_.corrected, input_.passages);
    if (!corrected.changes.text.empty()) ctx.span.SetText("corrected", corrected.changes);
    auto question = std::move(corrected.text);
    auto passages = PassagesOf(input_.passages);
    const auto input_tokens = TokensOf(question, passages);
    STRATA_CO_TRY(auto answer,
                  co_await extractor_->Answer(std::move(question), std::move(passages), ctx));
    const ExtractLimits limits{.tokens_max = input_.generation.max_tokens,
                               .stop = input_.generation.stop};
    co_return StreamOf(std::move(answer), limits, input_tokens);
  }

  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest /*request*/,
                                         RequestContext& /*ctx*/) override {
    auto passages = PassagesOf(input_.passages);
    co_return TokensOf(input_.question, passages);
  }

  const domain::ModelInfo& Info() const override { return info_; }

 private:
  static std::int64_t TokensOf(std::string_view question,
                               const std::vector<SourcePassage>& passages) {
    auto tokens = text::CountPlainTokens(question);
    for (const auto& passage : passages) tokens += text::CountPlainTokens(passage.text);
    return tokens;
  }

  std::shared_ptr<const Extractor> extractor_;
  AnswerInput input_;
  domain::ModelInfo info_;
};

// The call as the meter sees it: what is reserved, and what the trace shows.
domain::ChatRequest RequestOf(const AnswerInput& input) {
  domain::ChatRequest request;
  request.model = kExtractModelId;
  request.max_tokens = input.generation.max_tokens;
  request.stop = input.generation.stop;
  request.answer_is_read = input.answer_is_read;
  auto& content = request.messages.emplace_back().content;
  for (const auto& passage : input.passages) {
    domain::DocumentBlock document;
    document.name = passage.title;
    document.text = passage.text;
    content.emplace_back(std::move(document));
  }
  domain::TextBlock question;
  question.text = input.question;
  content.emplace_back(std::move(question));
  return request;
}

// A model's answer with citations put in: text is held until its sentence is whole, then comes the
// sentence and what supports it.
//
// A sentence's citation covers it from its first to its last character that is no white space.
class AlignedStream final : public provider::ChatStream {
 public:
  AlignedStream(std::unique_ptr<provider::ChatStream> inner, AnswerInput input,
                std::shared_ptr<provider::Embedder> embedder, Unsupported unsupported, Span span,
                RequestContext& ctx)
      : inner_(std::move(inner)),
        chunks_(std::move(input.passages)),
        refusal_(domain::RefusalIn(text::GuessLanguage(input.question))),
        aligner_(std::move(input.question), PassagesOf(chunks_), std::move(embedder)),
        unsupported_(unsupported),
        span_(std::move(span)),
        ctx_(ctx) {}

  Task<Result<StreamEvent>> Next() override {
    while (ready_.empty()) {
      STRATA_CO_TRY(auto event, co_await inner_->Next());
      STRATA_CO_CHECK_OK(co_await Take(std::move(event)));
    }
    auto event = std::move(ready_.front());
    ready_.pop_front();
    co_return event;
  }

  domain::Usage UsageSoFar() const override { return inner_->UsageSoFar(); }
  Result<> Record(const Error* blocked) override { return inner_->Record(blocked); }

 private:
  Task<Result<>> Take(StreamEvent event) {
    if (const auto* text = std::get_if<domain::TextDelta>(&event)) {
      index_ = text->index;
      buffer_.Add(text->text);
      for (auto& sentence : buffer_.TakeWhole()) {
        STRATA_CO_CHECK_OK(co_await Emit(std::move(sentence)));
      }
      co_return Result<>{};
    }
    if (std::holds_alternative<domain::BlockStop>(event) ||
        std::holds_alternative<domain::StreamEnd>(event)) {
      STRATA_CO_CHECK_OK(co_await Emit(buffer_.TakeRest()));
      if (std::holds_alternative<domain::BlockStop>(event) && AtStart()) {
        Write(refusal_);
      }
    }
    if (std::holds_alternative<domain::BlockStart>(event)) written_ = 0;
    if (std::holds_alternative<domain::StreamEnd>(event)) {
      span_.Set("sentences", sentences_);
      span_.Set("supported", supported_);
      if (dropped_ > 0) span_.Set("dropped", dropped_);
      span_.End();
    }
    ready_.push_back(std::move(event));
    co_return Result<>{};
  }

  Task<Result<>> Emit(std::string sentence) {
    if (sentence.empty()) co_return Result<>{};
    constexpr std::string_view kSpace = " \t\r\n";
    const auto begin = sentence.find_first_not_of(kSpace);
    if (begin == std::string::npos) {
      if (!AtStart()) Write(std::move(sentence));
      co_return Result<>{};
    }
    const auto bare = sentence.substr(begin, sentence.find_last_not_of(kSpace) + 1 - begin);
    ++sentences_;
    // The model's own refusal claims nothing; what is glued to one does.
    const bool refusal = domain::IsRefusal(text::CollapseSpace(WithoutMarks(bare)));
    std::vector<domain::Citation> citations;
    if (!refusal) {
      STRATA_CO_TRY(citations, co_await aligner_.Align(bare, ctx_));
      if (citations.empty()) {
        EmitUnsupported(std::move(sentence), begin);
        co_return Result<>{};
      }
    }
    if (!refusal) ++supported_;
    // Space in front would be left over from sentences that were dropped.
    const auto skip = AtStart() ? begin : 0;
    const auto start = written_ + static_cast<std::int64_t>(begin - skip);
    const auto end = start + static_cast<std::int64_t>(CodePointCount(bare));
    Write(sentence.substr(skip));
    for (auto& citation : citations) {
      citation.answer_start = start;
      citation.answer_end = end;
      ready_.push_back(domain::CitationDelta{.index = index_, .citation = std::move(citation)});
    }
    co_return Result<>{};
  }

  // `begin`: where its white space in front ends.
  void EmitUnsupported(std::string sentence, std::size_t begin) {
    if (unsupported_ == Unsupported::kDrop) {
      ++dropped_;
      return;
    }
    if (unsupported_ == Unsupported::kMark) {
      sentence.insert(sentence.find_last_not_of(" \t\r\n") + 1, kUnsupportedMark);
    }
    Write(sentence.substr(AtStart() ? begin : 0));
  }

  // All sentences so far were dropped.
  bool AtStart() const { return written_ == 0 && dropped_ > 0; }

  void Write(std::string text) {
    written_ += static_cast<std::int64_t>(CodePointCount(text));
    ready_.push_back(domain::TextDelta{.index = index_, .text = std::move(text)});
  }

  std::unique_ptr<provider::ChatStream> inner_;
  const std::vector<RetrievedChunk> chunks_;
  const std::string refusal_;
  Aligner aligner_;  // views chunks_
  const Unsupported unsupported_;
  Span span_;
  RequestContext& ctx_;
  SentenceBuffer buffer_;
  std::deque<StreamEvent> ready_;
  int index_ = 0;
  std::int64_t written_ = 0;  // code points of the block
  std::int64_t sentences_ = 0;
  std::int64_t supported_ = 0;
  std::int64_t dropped_ = 0;
};

constexpr Option kOptions[] = {
    {"kb.answer.prompt_tokens_max", OptionKind::kInteger, "tokens", "2000", "200..1000000",
     "Longest prompt for a language model that answers over a knowledge base; passages that do not "
     "fit are left out, the worst first."},
    {"kb.answer.local_prompt_tokens_max", OptionKind::kInteger, "tokens", "500", "200..1000000",
     "The same for a model that runs in this process (builtin/… and imported ones), whose prompt "
     "costs processor time before the first word; the smaller of both holds."},
    {"kb.answer.results", OptionKind::kInteger, "chunks", "5", "1..100",
     "Passages that kb/NAME models retrieve for a question."},
    {"kb.answer.unsupported", OptionKind::kText, "", "keep", "keep|mark|drop",
     "What becomes of a language model's sentences that no passage supports: they stay without a "
     "citation, are followed by \"[unsupported]\", or are left out."},
    {"kb.query.model", OptionKind::kText, "", "", "",
     "Language model that writes the queries of kb/NAME models and RetrieveAndGenerate: a "
     "follow-up "
     "is made to stand alone, a question of several parts becomes one query each; and of vector "
     "store searches with rewrite_query. Empty: none, and no call is paid for."},
    {"kb.query.parts_max", OptionKind::kInteger, "queries", "4", "1..8",
     "Most queries that it may make of a question; 1: follow-ups are rewritten, nothing is cut."},
    {"kb.session.ttl", OptionKind::kInteger, "s", "3600", "10..604800",
     "How long a RetrieveAndGenerate session is kept after its last answer."},
    {"kb.session.count_max", OptionKind::kInteger, "sessions", "10000", "1..1000000",
     "Most RetrieveAndGenerate sessions kept; the one unused longest makes room."},
    {"kb.session.turns_max", OptionKind::kInteger, "turns", "10", "1..100",
     "Earlier questions and answers that a session keeps."},
};

Unsupported UnsupportedFrom(const std::string& text) {
  if (text == "drop") return Unsupported::kDrop;
  return text == "mark" ? Unsupported::kMark : Unsupported::kKeep;
}

}  // namespace

OptionTable AnswerOptionTable() { return kOptions; }

PromptBudget::PromptBudget(const Options& options)
    : any_(options.Integer("kb.answer.prompt_tokens_max")),
      in_process_(std::min(any_, options.Integer("kb.answer.local_prompt_tokens_max"))) {}

std::int64_t PromptBudget::For(const domain::ModelInfo& model) const {
  return model.provider == "builtin" && model.id != kExtractModelId ? in_process_ : any_;
}

Answerer::Answerer(std::shared_ptr<const Extractor> extractor, const provider::Registry& models,
                   const Options& options, ModelWrapper meter)
    : extractor_(std::move(extractor)),
      models_(models),
      meter_(std::move(meter)),
      queries_(std::make_unique<QueryWriter>(models, options)),
      filters_(std::make_unique<FilterWriter>(models)),
      budget_(options),
      results_(static_cast<int>(options.Integer("kb.answer.results"))),
      unsupported_(UnsupportedFrom(options.Text("kb.answer.unsupported"))) {}

Answerer::~Answerer() = default;

Result<std::shared_ptr<provider::ChatModel>> Answerer::ModelFor(std::string_view id) const {
  STRATA_TRY(auto model, models_.Chat(id));
  if (model->Info().provider == kKbProvider) {
    return Fail(InvalidArgument("model", "a knowledge base cannot answer for another one"));
  }
  return model;
}

Task<Result<std::unique_ptr<provider::ChatStream>>> Answerer::Start(AnswerInput input,
                                                                    RequestContext& ctx) {
  for (const auto& passage : input.passages) ctx.labels.AddAll(passage.labels);
  if (input.generation.model.empty() || input.generation.model == kExtractModelId) {
    co_return co_await StartExtract(std::move(input), ctx);
  }
  co_return co_await StartModel(std::move(input), ctx);
}

Task<Result<std::unique_ptr<provider::ChatStream>>> Answerer::StartExtract(AnswerInput input,
                                                                           RequestContext& ctx) {
  ctx.decided_by.prompt = std::string(kExtractModelId);
  auto request = RequestOf(input);
  std::shared_ptr<provider::ChatModel> call =
      std::make_shared<ExtractCall>(extractor_, std::move(input));
  if (meter_) call = meter_(std::move(call));
  co_return co_await call->Start(std::move(request), ctx);
}

Task<Result<std::unique_ptr<provider::ChatStream>>> Answerer::StartModel(AnswerInput input,
                                                                         RequestContext& ctx) {
  // The allow-list counts for the model behind `kb/NAME@MODEL` too.
  STRATA_CO_CHECK_OK(guard::CheckModelAllowed(input.generation.model, ctx));
  STRATA_CO_TRY(auto model, ModelFor(input.generation.model));
  if (input.passages.empty()) {
    // Without a passage a model could only make something up.
    co_return co_await StartExtract(std::move(input), ctx);
  }
  const auto& info = model->Info();
  auto budget = budget_.For(info);
  if (info.context_tokens > 0) {
    const auto answer = input.generation.max_tokens.value_or(kAnswerTokens);
    budget = std::min(budget, std::max<std::int64_t>(200, info.context_tokens - answer - 64));
  }
  STRATA_CO_TRY(auto packed, PackPrompt(input, budget, ctx.clock->Wall()));
  const auto left_out = input.passages.size() - packed.passages.size();
  input.passages = std::move(packed.passages);
  packed.request.answer_is_read = input.answer_is_read;
  if (!packed.request.max_tokens) packed.request.max_tokens = kAnswerTokens;
  ctx.decided_by.prompt =
      input.generation.prompt_template.empty() ? std::string(kPromptVersion) : "request";
  Span span = ctx.span.Child("knowledge.generate");
  span.Set("model", info.id);
  span.Set("prompt", ctx.decided_by.prompt);
  span.Set("passages", input.passages.size());
  span.Set("passages_left_out", left_out);
  std::swap(span, ctx.span);
  auto stream = co_await model->Start(std::move(packed.request), ctx);
  std::swap(span, ctx.span);
  if (!stream.has_value()) {
    span.Fail(stream.error());
    co_return std::unexpected(std::move(stream.error()));
  }
  co_return std::make_unique<AlignedStream>(std::move(*stream), std::move(input),
                                            extractor_->embedder(), unsupported_, std::move(span),
                                            ctx);
}

}  // namespace strata::knowledge
