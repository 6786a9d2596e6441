// Legacy completions: one answer a prompt, one after the other.

#include "dialect/completions.h"
#include "gateway/collect_sink.h"
#include "server/answer_sinks.h"
#include "server/routes.h"

namespace strata::server {
namespace {

namespace completions = dialect::completions;

// One prompt's part of a stream that may hold several.
class PartSink final : public gateway::AnswerSink {
 public:
  PartSink(AnswerFrame& frame, completions::StreamSpec spec)
      : frame_(frame), spec_(std::move(spec)) {}

  Task<Result<>> Begin(const domain::ModelInfo& model) override {
    NoteModel(frame_, model);
    encoder_ = completions::MakeStreamEncoder(spec_, frame_.meta);
    auto& writer = frame_.exchange.writer;
    if (writer.started()) co_return Result<>{};
    auto headers = ToHeaders(dialect::MetaHeaders(frame_.dialect, frame_.meta));
    headers.Set("content-type", std::string(encoder_->content_type()));
    headers.Set("cache-control", "no-cache");
    co_return co_await writer.Start(200, std::move(headers));
  }

  Task<Result<>> Event(const domain::StreamEvent& event) override {
    auto& writer = frame_.exchange.writer;
    const auto* end = std::get_if<domain::StreamEnd>(&event);
    if (end != nullptr) {
      usage = end->usage;
      CompleteMeta(frame_, encoder_->meta());
    }
    auto bytes = encoder_->Encode(event);
    if (!bytes.empty()) STRATA_CO_CHECK_OK(co_await writer.Write(bytes));
    if (end != nullptr && spec_.last) STRATA_CO_CHECK_OK(co_await writer.Finish());
    co_return Result<>{};
  }

  Task<void> Fail(const Error& error) override {
    failure = error;
    auto& writer = frame_.exchange.writer;
    if (!writer.started()) co_return;  // the dispatcher answers
    if (!encoder_) encoder_ = completions::MakeStreamEncoder(spec_, frame_.meta);
    auto bytes = encoder_->EncodeError(error);
    auto written = co_await writer.Write(bytes);
    if (written.has_value()) written = co_await writer.Finish();
    if (!written.has_value()) writer.Abort();
  }

  domain::Usage usage;
  std::optional<Error> failure;

 private:
  AnswerFrame& frame_;
  completions::StreamSpec spec_;
  std::unique_ptr<dialect::StreamEncoder> encoder_;
};

void AddUsage(domain::Usage& sum, const domain::Usage& one) {
  sum.input_tokens += one.input_tokens;
  sum.output_tokens += one.output_tokens;
  sum.cache_read_tokens += one.cache_read_tokens;
  sum.cache_write_tokens += one.cache_write_tokens;
  sum.reasoning_tokens += one.reasoning_tokens;
}

Task<Result<>> Stream(Services& services, AnswerFrame frame, const completions::Request& request) {
  domain::Usage before;
  for (std::size_t i = 0; i < request.prompts.size(); ++i) {
    completions::StreamSpec spec{.index = i,
                                 .echo = request.echo ? request.prompts[i] : "",
                                 .last = i + 1 == request.prompts.size(),
                                 .include_usage = request.include_usage,
                                 .before = before};
    PartSink sink(frame, std::move(spec));
    auto chat = completions::ChatOf(request, i);
    co_await services.chat.Run(std::move(chat), frame.exchange.ctx, sink);
    if (sink.failure && !frame.exchange.writer.started()) co_return Fail(std::move(*sink.failure));
    if (sink.failure) co_return Result<>{};
    AddUsage(before, sink.usage);
  }
  co_return Result<>{};
}

Task<Result<>> Whole(Services& services, AnswerFrame frame, const completions::Request& request) {
  std::vector<domain::ChatResponse> answers;
  for (std::size_t i = 0; i < request.prompts.size(); ++i) {
    gateway::CollectSink sink;
    auto chat = completions::ChatOf(request, i);
    co_await services.chat.Run(std::move(chat), frame.exchange.ctx, sink);
    if (sink.failure) co_return Fail(std::move(*sink.failure));
    NoteModel(frame, sink.answering);
    answers.push_back(sink.answer.Take());
  }
  CompleteMeta(frame, frame.meta);
  auto body = completions::EncodeResponse(answers, request, frame.meta);
  co_return co_await SendJson(frame.exchange, services.links, dialect::Dialect::kOpenAi,
                              std::move(body));
}

Task<Result<>> Complete(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto request, completions::DecodeRequest(exchange.http.body));
  auto frame = MakeFrame(exchange, services.links, dialect::Dialect::kOpenAi, Face::kOpenAi,
                         request.chat.model);
  if (request.chat.stream) co_return co_await Stream(services, std::move(frame), request);
  co_return co_await Whole(services, std::move(frame), request);
}

}  // namespace

void AddCompletionRoutes(Router& router, Services& services) {
  auto* s = &services;
  router.Add({.method = "POST",
              .pattern = "/v1/completions",
              .face = Face::kOpenAi,
              .operation = "completions",
              .role = "invoke",
              .handler = [s](Exchange& e) { return Complete(*s, e); }});
}

}  // namespace strata::server
