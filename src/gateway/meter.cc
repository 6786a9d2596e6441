#include "gateway/meter.h"

#include <fmt/format.h>

#include "base/unanswered.h"
#include "base/utf8.h"
#include "domain/stream.h"
#include "gateway/answer_capture.h"
#include "gateway/later_call.h"
#include "guard/outbound.h"
#include "provider/catalog.h"
#include "provider/counting_embedder.h"

namespace strata::gateway {
namespace {

using domain::StreamEvent;

// What is reserved for an answer whose length the caller did not bound.
constexpr std::int64_t kOutputTokensAssumed = 1024;

std::int64_t TextBytes(const domain::ChatRequest& request) {
  if (request.wire_only) return static_cast<std::int64_t>(request.wire->body.size());
  std::int64_t bytes = static_cast<std::int64_t>(domain::TextOf(request.system).size());
  for (const auto& message : request.messages) {
    for (const auto& block : message.content) {
      if (auto* text = std::get_if<domain::TextBlock>(&block))
        bytes += static_cast<std::int64_t>(text->text.size());
      if (auto* document = std::get_if<domain::DocumentBlock>(&block)) {
        bytes += static_cast<std::int64_t>(document->text.size() + document->bytes.size());
      }
    }
  }
  return bytes;
}

void AppendDocument(const domain::DocumentBlock& document, std::string& out) {
  out +=
      fmt::format("[document {}]\n", document.name.empty() ? document.source_uri : document.name);
  out += document.text;
  for (const auto& chunk : document.chunks) out += chunk + "\n";
  if (!document.bytes.empty()) out += fmt::format("({} bytes)", document.bytes.size());
  out += document.text.empty() && document.bytes.empty() ? "\n" : "\n\n";
}

// Text and documents; of anything else there is nothing to read.
void AppendContent(const std::vector<domain::ContentBlock>& content, std::string& out) {
  for (const auto& block : content) {
    if (out.size() > kCaptureBytesMax) return;
    if (const auto* text = std::get_if<domain::TextBlock>(&block)) out += text->text;
    if (const auto* document = std::get_if<domain::DocumentBlock>(&block)) {
      AppendDocument(*document, out);
    }
    const auto* result = std::get_if<domain::ToolResultBlock>(&block);
    if (result == nullptr) continue;
    for (const auto& part : result->content) {
      if (const auto* text = std::get_if<domain::TextBlock>(&part)) out += text->text;
      if (const auto* json = std::get_if<JsonText>(&part)) out += json->text;
      if (const auto* document = std::get_if<domain::DocumentBlock>(&part)) {
        AppendDocument(*document, out);
      }
    }
  }
}

// The prompt as a person reads it, for the trace: role by role, texts and documents; the body
// itself where it holds what we cannot read.
std::string PromptText(const domain::ChatRequest& request) {
  if (request.wire_only) return std::string(Utf8Prefix(request.wire->body, kCaptureBytesMax));
  std::string out = domain::TextOf(request.system);
  for (const auto& message : request.messages) {
    out += out.empty() ? "" : "\n\n";
    out += message.role == domain::Role::kUser ? "user: " : "assistant: ";
    AppendContent(message.content, out);
    if (out.size() > kCaptureBytesMax) break;
  }
  return std::string(Utf8Prefix(out, kCaptureBytesMax));
}

domain::Usage Estimate(std::int64_t text_bytes, std::int64_t output_tokens) {
  domain::Usage usage;
  usage.input_tokens = text_bytes / 4 + 8;
  usage.output_tokens = output_tokens;
  usage.estimated = true;
  return usage;
}

store::CallIntent IntentOf(const domain::ModelInfo& info, RequestContext& ctx,
                           std::string_view operation, domain::Usage estimate) {
  return {.request_id = ctx.request_id,
          .call_number = static_cast<std::uint32_t>(ctx.calls++),
          .time = ctx.clock->Wall(),
          .workspace = ctx.workspace,
          .key = ctx.key,
          .trace_id = ctx.request_id.value,
          .tags = ctx.tags,
          .dialect = ctx.dialect,
          .operation = std::string(operation),
          .route = ctx.route,
          .role = ctx.role,
          .model_asked = ctx.model_asked,
          .model = info.id,
          .provider = info.provider,
          .kb = ctx.kb,
          .estimate = estimate,
          .estimate_cost = domain::CostOf(estimate, info.price)};
}

store::CallStatus StatusOf(const Error& error) {
  if (error.code() == Code::kCancelled) return store::CallStatus::kCancelled;
  if (error.code() == Code::kBlocked) return store::CallStatus::kBlocked;
  return store::CallStatus::kError;
}

// One call under way: the journal record, the span, and the facts both are given at the end.
class CallMeter {
 public:
  CallMeter(const domain::ModelInfo& info, RequestContext& ctx, store::CallRecord record, Span span)
      : info_(info),
        ctx_(ctx),
        record_(std::move(record)),
        span_(std::move(span)),
        start_(ctx.clock->Steady()) {}

  CallMeter(const CallMeter&) = delete;
  CallMeter& operator=(const CallMeter&) = delete;

  // Dropped without an end: the client went away, or a stage above failed. The record's destructor
  // writes the final.
  ~CallMeter() {
    if (ended_) return;
    Fill(usage_);
    if (ctx_.cancelled()) record_.outcome().status = store::CallStatus::kCancelled;
    Charge();
    span_.Set("outcome", ctx_.cancelled() ? "cancelled" : "dropped");
  }

  void FirstToken() {
    if (ttft_) return;
    ttft_ = Elapsed();
    record_.outcome().ttft_ms = ttft_;
    span_.Set("ttft_s", static_cast<double>(*ttft_) / 1000);
  }

  // The answer is whole; who reads it may take longer, and then end the call.
  void Ends() { latency_ms_ = Elapsed(); }

  void SetUsage(const domain::Usage& usage) { usage_ = usage; }
  void SetModelAnswered(const std::string& model) {
    if (!model.empty()) record_.outcome().model_answered = model;
  }

  Result<> Finish(const domain::Usage& usage) {
    Fill(usage);
    Charge();
    ended_ = true;
    return record_.Finish(store::CallStatus::kOk);
  }

  // The error that the caller gets; a journal that cannot be written does not hide it.
  Error FinishWith(Error error, const domain::Usage& usage) {
    Fill(usage);
    if (usage.TotalTokens() > 0) Charge();
    record_.outcome().error_code = CodeName(error.code());
    span_.Fail(error);
    ended_ = true;
    [[maybe_unused]] auto written = record_.Finish(StatusOf(error));
    return error;
  }

  // Of a call that gave nothing: free, unless the provider has it. Then it costs its prompt, as
  // long as we take that to be; what was made of it nobody has seen.
  Error FinishWith(Error error) {
    domain::Usage usage;
    if (IsSentUnanswered(error)) {
      usage = record_.intent().estimate;
      usage.output_tokens = 0;
    }
    return FinishWith(std::move(error), usage);
  }

  bool ended() const { return ended_; }
  Span& span() { return span_; }

 private:
  std::int64_t Elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(ctx_.clock->Steady() - start_)
        .count();
  }

  void Fill(const domain::Usage& usage) {
    auto& outcome = record_.outcome();
    outcome.usage = usage;
    outcome.cost = domain::CostOf(usage, info_.price);
    outcome.price_date = info_.price.as_of;
    outcome.latency_ms = latency_ms_ ? *latency_ms_ : Elapsed();
    outcome.decided_by = ctx_.decided_by;
    outcome.decided_by.catalog = provider::PriceVersion(info_.price);
    outcome.always_strong = CostUnder(ctx_.always_strong, usage);
    outcome.always_cheap = CostUnder(ctx_.always_cheap, usage);
    span_.Set("tokens_in", usage.input_tokens);
    span_.Set("tokens_out", usage.output_tokens);
    if (usage.cache_read_tokens > 0) span_.Set("tokens_cache_read", usage.cache_read_tokens);
    if (usage.estimated) span_.Set("usage_estimated", true);
    span_.Set(kCostField, outcome.cost ? domain::FormatUsd(*outcome.cost) : "unknown");
  }

  void Charge() {
    if (const auto& cost = record_.outcome().cost) {
      ctx_.spent_picousd = domain::AddPicousd(ctx_.spent_picousd, cost->picousd);
    } else {
      ++ctx_.unpriced_calls;
    }
  }

  const domain::ModelInfo& info_;  // of the model, which the stream keeps alive
  RequestContext& ctx_;
  store::CallRecord record_;
  Span span_;
  SteadyTime start_;
  domain::Usage usage_;
  std::optional<std::int64_t> ttft_;
  std::optional<std::int64_t> latency_ms_;
  bool ended_ = false;
};

Result<std::unique_ptr<CallMeter>> BeginCall(const domain::ModelInfo& info, RequestContext& ctx,
                                             store::Journal& journal, std::string_view operation,
                                             domain::Usage estimate) {
  STRATA_CHECK_OK(ctx.CheckAlive());
  STRATA_CHECK_OK(guard::CheckOutbound(info, ctx));
  auto intent = IntentOf(info, ctx, operation, estimate);
  STRATA_CHECK_OK(journal.Admit(intent));
  STRATA_TRY(auto record, journal.Begin(std::move(intent)));
  std::string name = "provider.";
  name += operation == "embeddings" ? "embed" : operation;
  auto span = ctx.span.Child(name);
  span.Set("provider", info.provider);
  span.Set("model", info.id);
  if (!ctx.role.empty()) span.Set("role", ctx.role);
  return std::make_unique<CallMeter>(info, ctx, std::move(record), std::move(span));
}

// Who decides when a call that came to its end is recorded: the meter, or the reader of its answer.
enum class EndedBy : std::uint8_t { kMeter, kReader };

class MeteredStream final : public provider::ChatStream {
 public:
  MeteredStream(std::shared_ptr<provider::ChatModel> model,
                std::unique_ptr<provider::ChatStream> inner, std::unique_ptr<CallMeter> meter,
                EndedBy ended_by)
      : model_(std::move(model)),
        meter_(std::move(meter)),
        inner_(std::move(inner)),
        ended_by_(ended_by) {}

  // An answer that came to its end is whole, though its reader did not care for it.
  ~MeteredStream() override {
    [[maybe_unused]] auto written = whole_ ? Record(nullptr) : Result<>();
    meter_->SetUsage(inner_->UsageSoFar());
  }

  Task<Result<StreamEvent>> Next() override {
    auto event = co_await inner_->Next();
    if (!event.has_value()) {
      co_return std::unexpected(meter_->FinishWith(std::move(event.error()), inner_->UsageSoFar()));
    }
    if (auto* start = std::get_if<domain::StreamStart>(&*event)) {
      meter_->SetModelAnswered(start->model);
    } else if (auto* end = std::get_if<domain::StreamEnd>(&*event)) {
      meter_->SetModelAnswered(end->model);
      whole_ = end->usage;
      meter_->Ends();
      // The final is durable before the last event goes on towards the client.
      if (ended_by_ == EndedBy::kMeter) STRATA_CO_CHECK_OK(Record(nullptr));
    } else if (!std::holds_alternative<domain::BlockStart>(*event)) {
      meter_->FirstToken();
    }
    co_return event;
  }

  domain::Usage UsageSoFar() const override { return inner_->UsageSoFar(); }

  Result<> Record(const Error* blocked) override {
    if (meter_->ended()) return {};
    if (blocked == nullptr && whole_) return meter_->Finish(*whole_);
    if (blocked != nullptr) meter_->FinishWith(*blocked, whole_ ? *whole_ : inner_->UsageSoFar());
    return {};
  }

 private:
  std::shared_ptr<provider::ChatModel> model_;
  std::unique_ptr<CallMeter> meter_;
  std::unique_ptr<provider::ChatStream> inner_;  // destroyed first: it cancels the generation
  const EndedBy ended_by_;
  std::optional<domain::Usage> whole_;  // of an answer that came to its end
};

class MeteredChatModel final : public provider::ChatModel {
 public:
  MeteredChatModel(std::shared_ptr<provider::ChatModel> model, store::Journal& journal)
      : model_(std::move(model)), journal_(journal) {}

  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request,
                                                            RequestContext& ctx) override {
    auto estimate = Estimate(TextBytes(request), request.max_tokens.value_or(kOutputTokensAssumed));
    STRATA_CO_TRY(auto meter, BeginCall(Info(), ctx, journal_, "chat", estimate));
    if (meter->span().keeps_texts()) meter->span().SetText("prompt_text", PromptText(request));
    if (request.stream) meter->span().Set("stream", true);
    if (request.max_tokens) meter->span().Set("max_tokens", *request.max_tokens);
    const auto ended_by = request.answer_is_read ? EndedBy::kReader : EndedBy::kMeter;
    auto started = co_await model_->Start(std::move(request), ctx);
    if (!started.has_value()) {
      co_return std::unexpected(meter->FinishWith(std::move(started.error())));
    }
    co_return std::make_unique<MeteredStream>(model_, std::move(*started), std::move(meter),
                                              ended_by);
  }

  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request,
                                         RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(
        guard::CheckOutbound(Info(), ctx));  // a remote provider counts for us: text leaves
    co_return co_await model_->CountTokens(std::move(request), ctx);
  }

  const domain::ModelInfo& Info() const override { return model_->Info(); }

 private:
  std::shared_ptr<provider::ChatModel> model_;
  store::Journal& journal_;
};

class MeteredEmbedder final : public provider::Embedder {
 public:
  MeteredEmbedder(std::shared_ptr<provider::Embedder> embedder, store::Journal& journal)
      : embedder_(std::move(embedder)), journal_(journal) {}

  Task<Result<provider::Embeddings>> Embed(std::vector<std::string> texts,
                                           provider::EmbedPurpose purpose,
                                           RequestContext& ctx) override {
    std::int64_t bytes = 0;
    for (const auto& text : texts) bytes += static_cast<std::int64_t>(text.size());
    STRATA_CO_TRY(auto meter, BeginCall(Info(), ctx, journal_, "embeddings", Estimate(bytes, 0)));
    meter->span().Set("texts", texts.size());
    domain::Usage usage;
    auto embedded = co_await Ask(std::move(texts), purpose, ctx, usage);
    if (!embedded.has_value()) {
      co_return std::unexpected(meter->FinishWith(std::move(embedded.error()), usage));
    }
    if (embedded->truncated > 0) meter->span().Set("texts_cut", embedded->truncated);
    STRATA_CO_CHECK_OK(meter->Finish(usage));
    co_return std::move(*embedded);
  }

  std::int64_t CountTokens(std::string_view text) const override {
    return embedder_->CountTokens(text);
  }
  std::int64_t tokens_max() const override { return embedder_->tokens_max(); }
  const domain::ModelInfo& Info() const override { return embedder_->Info(); }
  bool SpeaksOpenAi() const override { return embedder_->SpeaksOpenAi(); }

 private:
  Task<Result<provider::Embeddings>> Ask(std::vector<std::string> texts,
                                         provider::EmbedPurpose purpose, RequestContext& ctx,
                                         domain::Usage& used) {
    if (auto* counting = dynamic_cast<provider::CountingEmbedder*>(embedder_.get())) {
      co_return co_await counting->EmbedCounting(std::move(texts), purpose, ctx, used);
    }
    auto embedded = co_await embedder_->Embed(std::move(texts), purpose, ctx);
    if (embedded.has_value()) used.input_tokens = embedded->input_tokens;
    co_return embedded;
  }

  std::shared_ptr<provider::Embedder> embedder_;
  store::Journal& journal_;
};

class MeteredReranker final : public provider::Reranker {
 public:
  MeteredReranker(std::shared_ptr<provider::Reranker> reranker, store::Journal& journal)
      : reranker_(std::move(reranker)), journal_(journal) {}

  Task<Result<domain::Reranking>> Rerank(domain::RerankRequest request,
                                         RequestContext& ctx) override {
    auto bytes = static_cast<std::int64_t>(request.query.size());
    for (const auto& text : request.documents) bytes += static_cast<std::int64_t>(text.size());
    STRATA_CO_TRY(auto meter, BeginCall(Info(), ctx, journal_, "rerank", Estimate(bytes, 0)));
    meter->span().Set("documents", request.documents.size());
    auto ranked = co_await reranker_->Rerank(std::move(request), ctx);
    if (!ranked.has_value()) {
      co_return std::unexpected(meter->FinishWith(std::move(ranked.error())));
    }
    domain::Usage usage;
    usage.input_tokens = ranked->input_tokens;
    usage.estimated = ranked->estimated;
    STRATA_CO_CHECK_OK(meter->Finish(usage));
    co_return std::move(*ranked);
  }

  const domain::ModelInfo& Info() const override { return reranker_->Info(); }

 private:
  std::shared_ptr<provider::Reranker> reranker_;
  store::Journal& journal_;
};

class MeteredModerator final : public provider::Moderator {
 public:
  MeteredModerator(std::shared_ptr<provider::Moderator> moderator, store::Journal& journal)
      : moderator_(std::move(moderator)), journal_(journal) {}

  Task<Result<domain::Moderation>> Moderate(domain::ModerationRequest request,
                                            RequestContext& ctx) override {
    std::int64_t bytes = 0;
    for (const auto& input : request.inputs) {
      if (const auto* text = std::get_if<domain::TextBlock>(&input)) {
        bytes += static_cast<std::int64_t>(text->text.size());
      }
    }
    STRATA_CO_TRY(auto meter, BeginCall(Info(), ctx, journal_, "moderation", Estimate(bytes, 0)));
    auto judged = co_await moderator_->Moderate(std::move(request), ctx);
    if (!judged.has_value()) {
      co_return std::unexpected(meter->FinishWith(std::move(judged.error())));
    }
    domain::Usage usage;
    usage.input_tokens = judged->input_tokens;
    usage.estimated = true;
    STRATA_CO_CHECK_OK(meter->Finish(usage));
    co_return std::move(*judged);
  }

  const domain::ModelInfo& Info() const override { return moderator_->Info(); }

 private:
  std::shared_ptr<provider::Moderator> moderator_;
  store::Journal& journal_;
};

}  // namespace

std::optional<domain::Money> CostUnder(const std::optional<Baseline>& baseline,
                                       const domain::Usage& usage) {
  if (!baseline) return std::nullopt;
  auto output = static_cast<double>(usage.output_tokens) * baseline->output_ratio *
                static_cast<double>(baseline->output_price);
  return domain::Money{usage.PromptTokens() * baseline->input_price +
                       static_cast<std::int64_t>(output)};
}

Result<> RecordLater(const domain::ModelInfo& model, const domain::Usage& usage,
                     store::Journal& journal, RequestContext& ctx) {
  STRATA_TRY(auto meter, BeginCall(model, ctx, journal, "chat", usage));
  return meter->Finish(usage);
}

std::shared_ptr<provider::ChatModel> Metered(std::shared_ptr<provider::ChatModel> model,
                                             store::Journal& journal) {
  return std::make_shared<MeteredChatModel>(std::move(model), journal);
}

std::shared_ptr<provider::Embedder> Metered(std::shared_ptr<provider::Embedder> embedder,
                                            store::Journal& journal) {
  return std::make_shared<MeteredEmbedder>(std::move(embedder), journal);
}

std::shared_ptr<provider::Reranker> Metered(std::shared_ptr<provider::Reranker> reranker,
                                            store::Journal& journal) {
  return std::make_shared<MeteredReranker>(std::move(reranker), journal);
}

std::shared_ptr<provider::Moderator> Metered(std::shared_ptr<provider::Moderator> moderator,
                                             store::Journal& journal) {
  return std::make_shared<MeteredModerator>(std::move(moderator), journal);
}

}  // namespace strata::gateway
