#include "knowledge/retrieve_and_generate.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/encoding.h"
#include "base/utf8.h"
#include "domain/refusal.h"
#include "gateway/answer_capture.h"
#include "gateway/guarded_stream.h"
#include "knowledge/answer/asked.h"
#include "knowledge/answer/external_passages.h"
#include "knowledge/answer/passages.h"
#include "knowledge/answer/sessions.h"
#include "knowledge/answerer.h"
#include "knowledge/filter_writer.h"
#include "knowledge/knowledge_base.h"
#include "knowledge/query_writer.h"
#include "knowledge/shown_passages.h"

namespace strata::knowledge {
namespace {

// Passes everything on and remembers the text as the model wrote it.
class Remembered final : public provider::ChatStream {
 public:
  Remembered(std::unique_ptr<provider::ChatStream> inner, std::shared_ptr<std::string> text)
      : inner_(std::move(inner)), text_(std::move(text)) {}

  Task<Result<domain::StreamEvent>> Next() override {
    STRATA_CO_TRY(auto event, co_await inner_->Next());
    if (const auto* text = std::get_if<domain::TextDelta>(&event)) *text_ += text->text;
    co_return event;
  }
  domain::Usage UsageSoFar() const override { return inner_->UsageSoFar(); }
  Result<> Record(const Error* blocked) override { return inner_->Record(blocked); }

 private:
  std::unique_ptr<provider::ChatStream> inner_;
  std::shared_ptr<std::string> text_;
};

// The events of a chat answer as those of RetrieveAndGenerate. Citations of one span come together.
class Generated final : public AnswerStream {
 public:
  struct Start {
    std::unique_ptr<provider::ChatStream> stream;
    std::vector<RetrievedChunk> passages;
    std::string question;
    std::string session_id;
    std::shared_ptr<const guard::Guardrails> guardrails;  // of the answer; null for none
    std::shared_ptr<std::string> written;  // the answer before they judged it; null for none
    std::optional<bool> intervened;        // so far
  };
  Generated(Start start, Sessions& sessions, RequestContext& ctx)
      : start_(std::move(start)), sessions_(sessions), ctx_(ctx) {
    response_.session_id = start_.session_id;
    judged_.resize(start_.passages.size());
  }

  Task<Result<AnswerEvent>> Next() override {
    while (ready_.empty()) {
      STRATA_CO_TRY(auto event, co_await start_.stream->Next());
      if (const auto* citation = std::get_if<domain::CitationDelta>(&event)) {
        STRATA_CO_CHECK_OK(co_await JudgePassage(citation->citation.document_index));
      }
      Take(event);
    }
    auto event = std::move(ready_.front());
    ready_.pop_front();
    co_return event;
  }

  const std::string& session_id() const override { return start_.session_id; }

 private:
  // A passage that is cited is shown whole.
  Task<Result<>> JudgePassage(int index) {
    const auto at = static_cast<std::size_t>(index);
    if (!start_.guardrails || at >= judged_.size() || judged_[at]) co_return Result<>{};
    judged_[at] = true;
    STRATA_CO_TRY(bool masked, co_await JudgeShown(*start_.guardrails, start_.passages[at], ctx_));
    start_.intervened = start_.intervened.value_or(false) || masked;
    co_return Result<>{};
  }

  void Take(const domain::StreamEvent& event) {
    if (const auto* citation = std::get_if<domain::CitationDelta>(&event)) {
      Cite(citation->citation);
      return;
    }
    Flush();
    if (const auto* text = std::get_if<domain::TextDelta>(&event)) {
      response_.text += text->text;
      ready_.push_back(AnswerText{.text = text->text});
    } else if (const auto* end = std::get_if<domain::StreamEnd>(&event)) {
      End(*end);
    }
  }

  void Cite(const domain::Citation& citation) {
    const auto index = static_cast<std::size_t>(citation.document_index);
    if (index >= start_.passages.size() || citation.answer_end <= citation.answer_start) return;
    if (citation_ && citation_->start != citation.answer_start) Flush();
    if (!citation_) {
      const auto begin =
          ByteOffset(response_.text, static_cast<std::size_t>(citation.answer_start));
      const auto end = ByteOffset(response_.text, static_cast<std::size_t>(citation.answer_end));
      citation_ = AnswerCitation{.text = response_.text.substr(begin, end - begin),
                                 .start = citation.answer_start,
                                 .end = citation.answer_end - 1,
                                 .references = {},
                                 .quotes = {}};
    }
    citation_->references.push_back(start_.passages[index]);
    citation_->quotes.push_back(citation);
  }

  void Flush() {
    if (!citation_) return;
    response_.citations.push_back(*citation_);
    ready_.push_back(std::move(*citation_));
    citation_.reset();
  }

  void End(const domain::StreamEnd& end) {
    const bool cut = end.stop_reason != domain::StopReason::kEndTurn && !response_.text.empty();
    response_.refused =
        domain::HoldsRefusal(response_.text) || (cut && domain::BeginsRefusal(response_.text));
    response_.intervened = start_.intervened;
    if (start_.written && *start_.written != response_.text) response_.intervened = true;
    response_.stop_reason = end.stop_reason;
    response_.usage = end.usage;
    sessions_.Add(start_.session_id,
                  {.turn = {.question = std::move(start_.question), .answer = response_.text},
                   .sources = Sources()},
                  ctx_);
    ready_.push_back(AnswerEnd{.response = std::move(response_)});
  }

  // The passages that the answer cites; all that it could be made of where it cites none.
  std::vector<TurnSource> Sources() const {
    std::vector<TurnSource> out;
    const auto add = [&](const RetrievedChunk& chunk) {
      if (!chunk.knowledge_base_id.empty()) {
        out.push_back({.knowledge_base_id = chunk.knowledge_base_id, .chunk_id = chunk.chunk_id});
      } else if (chunk.location == LocationKind::kS3) {
        out.push_back({.knowledge_base_id = {},
                       .chunk_id = {},
                       .uri = chunk.uri,
                       .content_hash = chunk.document_id});
      }
      // What came with the question is the caller's own.
    };
    if (domain::IsRefusal(response_.text)) return out;
    for (const auto& citation : response_.citations) {
      for (const auto& chunk : citation.references) add(chunk);
    }
    if (!response_.citations.empty()) return out;
    for (const auto& chunk : start_.passages) add(chunk);
    return out;
  }

  Start start_;
  Sessions& sessions_;
  RequestContext& ctx_;
  RetrieveAndGenerateResponse response_;
  std::optional<AnswerCitation> citation_;
  std::vector<bool> judged_;  // passages
  std::deque<AnswerEvent> ready_;
};

// Judges what the caller wrote, and masks it in place.
Task<Result<>> JudgeQuestion(const guard::Guardrails& guardrails,
                             RetrieveAndGenerateRequest& request, RequestContext& ctx) {
  domain::ChatRequest asked;
  asked.system.emplace_back(
      domain::TextBlock{.text = request.generation.prompt_template, .citations = {}});
  auto& content = asked.messages.emplace_back().content;
  content.emplace_back(domain::TextBlock{.text = request.question, .citations = {}});
  asked.stop = request.generation.stop;
  asked.extra = request.generation.extra;
  STRATA_CO_CHECK_OK(co_await guardrails.JudgeRequest(asked, ctx));
  if (request.implicit_filter) {
    std::vector<std::string*> texts;
    texts.reserve(request.implicit_filter->attributes.size());
    for (auto& attribute : request.implicit_filter->attributes) {
      texts.push_back(&attribute.description);
    }
    STRATA_CO_CHECK_OK(co_await guardrails.JudgeTexts(texts, ctx));
  }
  if (auto& prompt = request.queries.generation.prompt_template; !prompt.empty()) {
    const std::vector<std::string*> texts = {&prompt};
    STRATA_CO_CHECK_OK(co_await guardrails.JudgeTexts(texts, ctx));
  }
  request.generation.prompt_template = domain::TextOf(asked.system);
  request.question = domain::TextOf(asked.messages.front().content);
  request.generation.extra = std::move(asked.extra);
  co_return Result<>{};
}

Result<> Check(const RetrieveAndGenerateRequest& request) {
  if (request.question.find_first_not_of(" \t\r\n") == std::string::npos ||
      !IsValidUtf8(request.question) || CodePointCount(request.question) > kQueryCharactersMax) {
    return Fail(InvalidArgument("input.text", "expected a question of 1 to " +
                                                  std::to_string(kQueryCharactersMax) +
                                                  " characters of UTF-8"));
  }
  if (request.retrieve.knowledge_base_id.empty() == request.sources.empty()) {
    return Fail(InvalidArgument("retrieveAndGenerateConfiguration",
                                "expected either a knowledge base or external sources"));
  }
  return {};
}

SessionLimits LimitsFrom(const Options& options) {
  return {.ttl = std::chrono::seconds(options.Integer("kb.session.ttl")),
          .count_max = static_cast<std::size_t>(options.Integer("kb.session.count_max")),
          .turns_max = static_cast<std::size_t>(options.Integer("kb.session.turns_max"))};
}

}  // namespace

class RetrieveAndGenerate::Impl {
 public:
  Impl(KnowledgeBases& bases, Answerer& answerer, Parser& parser, const Options& options,
       guard::GuardrailsNow guardrails)
      : bases_(bases),
        answerer_(answerer),
        parser_(parser),
        sessions_(LimitsFrom(options)),
        guardrails_(std::move(guardrails)) {}

  Sessions& sessions() { return sessions_; }

  Task<Result<std::unique_ptr<AnswerStream>>> Start(RetrieveAndGenerateRequest request,
                                                    RequestContext& ctx) {
    STRATA_CO_CHECK_OK(Check(request));
    auto guardrails = guardrails_ ? guardrails_() : nullptr;
    Generated::Start start;
    if (guardrails) {
      ctx.decided_by.guardrail = guardrails->names();
      const auto asked = request.question;
      STRATA_CO_CHECK_OK(co_await JudgeQuestion(*guardrails, request, ctx));
      start.intervened = request.question != asked;
    }
    // As guardrails let it pass.
    gateway::RecordAnswer(ctx, request.question, {}, {});
    AnswerInput input;
    if (!request.session_id.empty()) {
      STRATA_CO_TRY(auto kept, sessions_.Turns(request.session_id, ctx));
      STRATA_CO_TRY(input.history, co_await StandingTurns(std::move(kept), ctx));
    }
    input.question = request.question;
    input.generation = std::move(request.generation);
    const bool own_sources = !request.sources.empty();
    STRATA_CO_TRY(auto found, co_await Passages(request, input.history, ctx));
    input.passages = std::move(found.passages);
    input.corrected = std::move(found.corrected);
    if (guardrails && own_sources) {
      std::vector<std::string*> texts;
      texts.reserve(input.passages.size());
      for (auto& passage : input.passages) texts.push_back(&passage.text);
      STRATA_CO_CHECK_OK(co_await guardrails->JudgeTexts(texts, ctx));
    }
    if (guardrails && !guardrails->Judges(guard::Side::kOutput)) guardrails = nullptr;
    input.answer_is_read = guardrails != nullptr;
    start.guardrails = guardrails;
    start.passages = input.passages;
    start.question = std::move(request.question);
    STRATA_CO_TRY(start.stream, co_await answerer_.Start(std::move(input), ctx));
    if (guardrails) {
      start.written = std::make_shared<std::string>();
      start.stream = std::make_unique<Remembered>(std::move(start.stream), start.written);
      start.stream = gateway::Guarded(std::move(start.stream), std::move(guardrails), ctx);
    }
    start.session_id =
        request.session_id.empty() ? sessions_.Begin(ctx) : std::move(request.session_id);
    co_return std::make_unique<Generated>(std::move(start), sessions_, ctx);
  }

 private:
  // Without those that say what the caller may not read now: a document that is gone, was changed
  // or got other readers must not live on in what a model is told of the conversation.
  Task<Result<std::vector<Turn>>> StandingTurns(std::vector<KeptTurn> kept, RequestContext& ctx) {
    std::vector<Turn> turns;
    for (auto& one : kept) {
      bool stands = true;
      for (auto& source : one.sources) {
        STRATA_CO_TRY(stands, co_await Stands(std::move(source), ctx));
        if (!stands) break;
      }
      if (stands) turns.push_back(std::move(one.turn));
    }
    co_return turns;
  }

  Task<Result<bool>> Stands(TurnSource source, RequestContext& ctx) {
    if (!source.uri.empty()) {
      const auto document = co_await bases_.FetchFromBucket(std::move(source.uri), ctx);
      if (document.has_value()) co_return Sha256Hex(document->bytes) == source.content_hash;
      // Whatever it is that hides the document from the caller now, but for faults that pass.
      const auto code = document.error().code();
      const bool passes =
          code == Code::kUnavailable || code == Code::kCancelled || code == Code::kDeadlineExceeded;
      if (passes) co_return std::unexpected(document.error());
      co_return false;
    }
    const auto chunk = co_await bases_.FetchChunk(std::move(source.knowledge_base_id),
                                                  std::move(source.chunk_id), ctx);
    if (chunk.has_value()) co_return true;
    if (chunk.error().code() != Code::kNotFound) co_return std::unexpected(chunk.error());
    co_return false;
  }

  // Documents of buckets, read.
  Task<Result<>> ReadBuckets(std::vector<ExternalSource>& sources, RequestContext& ctx) {
    for (std::size_t i = 0; i < sources.size(); ++i) {
      auto& source = sources[i];
      if (!source.in_s3) continue;
      auto document = co_await bases_.FetchFromBucket(source.identifier, ctx);
      if (!document.has_value()) {
        auto field = "sources[" + std::to_string(i) + "].s3Location.uri";
        co_return Fail(std::move(document.error()).AtField(std::move(field)));
      }
      source.media_type = std::move(document->media_type);
      source.bytes = std::move(document->bytes);
      source.metadata = std::move(document->metadata);
      source.labels = std::move(document->labels);
    }
    co_return Result<>{};
  }

  Task<Result<FoundPassages>> Passages(RetrieveAndGenerateRequest& request,
                                       const std::vector<Turn>& history, RequestContext& ctx) {
    if (!request.sources.empty()) {
      STRATA_CO_CHECK_OK(co_await ReadBuckets(request.sources, ctx));
      auto query = SearchQuery(request.question, history);
      STRATA_CO_TRY(auto passages,
                    co_await ExternalPassages(parser_, std::move(request.sources), std::move(query),
                                              request.retrieve.results, ctx));
      co_return FoundPassages{.passages = std::move(passages), .corrected = {}};
    }
    if (request.implicit_filter) {
      // A base that is not there is refused before a model is paid for.
      STRATA_CO_CHECK_OK(bases_.Get(request.retrieve.knowledge_base_id, ctx.workspace));
      STRATA_CO_TRY(auto written, co_await answerer_.filters().Write(
                                      request.question, history, *request.implicit_filter, ctx));
      request.retrieve.filter = Both(std::move(request.retrieve.filter), std::move(written));
    }
    STRATA_CO_TRY(auto queries, co_await answerer_.queries().Write(request.question, history,
                                                                   request.queries, ctx));
    co_return co_await RetrieveForAll(bases_, std::move(request.retrieve), std::move(queries), ctx);
  }

  KnowledgeBases& bases_;
  Answerer& answerer_;
  Parser& parser_;
  Sessions sessions_;
  const guard::GuardrailsNow guardrails_;
};

RetrieveAndGenerate::RetrieveAndGenerate(KnowledgeBases& bases, Answerer& answerer, Parser& parser,
                                         const Options& options, guard::GuardrailsNow guardrails)
    : impl_(std::make_unique<Impl>(bases, answerer, parser, options, std::move(guardrails))) {}
RetrieveAndGenerate::~RetrieveAndGenerate() = default;

Task<Result<std::unique_ptr<AnswerStream>>> RetrieveAndGenerate::Start(
    RetrieveAndGenerateRequest request, RequestContext& ctx) {
  co_return co_await impl_->Start(std::move(request), ctx);
}

Task<Result<RetrieveAndGenerateResponse>> RetrieveAndGenerate::Answer(
    RetrieveAndGenerateRequest request, RequestContext& ctx) {
  STRATA_CO_TRY(auto stream, co_await impl_->Start(std::move(request), ctx));
  for (;;) {
    STRATA_CO_TRY(auto event, co_await stream->Next());
    if (auto* end = std::get_if<AnswerEnd>(&event)) co_return std::move(end->response);
  }
}

std::int64_t RetrieveAndGenerate::EraseSubject(std::string_view subject,
                                               const WorkspaceId& workspace) {
  return impl_->sessions().EraseSubject(subject, workspace);
}

}  // namespace strata::knowledge
