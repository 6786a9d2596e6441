#include "server/responses_sink.h"

#include "server/answer_sources.h"

namespace strata::server {
namespace {

namespace responses = dialect::responses;

// What both forms do: headers, the store, and errors before anything has left.
class Base {
 public:
  explicit Base(ResponsesSinkSpec spec) : spec_(std::move(spec)) {
    for (auto& chunk : spec_.shown_chunks) sources_.Show(std::move(chunk));
  }

 protected:
  Exchange& exchange() { return spec_.frame.exchange; }

  net::Headers HeadersOf() const {
    return ToHeaders(dialect::MetaHeaders(spec_.frame.dialect, spec_.frame.meta));
  }

  // Returns when the answer is durable, or at once when it is not to be kept.
  Task<Result<>> Keep(std::string response, std::string output) {
    if (spec_.storage == nullptr) co_return Result<>{};
    auto& ctx = exchange().ctx;
    store::StoredResponse row;
    row.id = responses::ResponseId(spec_.frame.meta.request_id);
    row.previous_id = spec_.settings.previous_response_id;
    row.subject = ctx.subject;
    row.labels = ctx.labels;
    row.response = std::move(response);
    row.input = std::move(spec_.input);
    row.output = std::move(output);
    row.sources = sources_.Json(ctx);
    auto owner = OwnerOf(ctx);
    co_return co_await spec_.storage->Append(std::move(owner), std::move(row));
  }

  Task<void> SendError(const Error& error) {
    auto http = EncodeFaceError(spec_.frame.face, error, spec_.frame.meta.request_id);
    auto headers = HeadersOf();
    for (auto& [name, value] : http.headers) headers.Set(name, value);
    [[maybe_unused]] auto sent =
        co_await exchange().writer.Send(http.status, std::move(headers), std::move(http.body));
  }

  ResponsesSinkSpec spec_;
  AnswerSources sources_;
};

class JsonSink final : public gateway::AnswerSink, Base {
 public:
  using Base::Base;

  Task<Result<>> Begin(const domain::ModelInfo& model) override {
    NoteModel(spec_.frame, model);
    co_return Result<>{};
  }

  Task<Result<>> Event(const domain::StreamEvent& event) override {
    answer_.Add(event);
    sources_.Note(event);
    if (!answer_.ended()) co_return Result<>{};
    CompleteMeta(spec_.frame, spec_.frame.meta);
    auto whole = responses::EncodeResponse(answer_.response(), spec_.settings, spec_.frame.meta);
    auto body = whole.response;
    STRATA_CO_CHECK_OK(co_await Keep(std::move(whole.response), std::move(whole.items)));
    auto headers = HeadersOf();
    headers.Set("content-type", "application/json");
    co_return co_await exchange().writer.Send(200, std::move(headers), std::move(body));
  }

  Task<void> Fail(const Error& error) override { co_await SendError(error); }

 private:
  domain::StreamAccumulator answer_;
};

class StreamSink final : public gateway::AnswerSink, Base {
 public:
  using Base::Base;

  Task<Result<>> Begin(const domain::ModelInfo& model) override {
    NoteModel(spec_.frame, model);
    encoder_ = responses::MakeStreamEncoder(spec_.settings, spec_.frame.meta);
    auto headers = HeadersOf();
    headers.Set("content-type", std::string(encoder_->content_type()));
    headers.Set("cache-control", "no-cache");
    co_return co_await exchange().writer.Start(200, std::move(headers));
  }

  Task<Result<>> Event(const domain::StreamEvent& event) override {
    const bool last = std::holds_alternative<domain::StreamEnd>(event);
    sources_.Note(event);
    if (last) CompleteMeta(spec_.frame, encoder_->meta());
    auto bytes = encoder_->Encode(event);
    // The event that says "completed" is the acknowledgement.
    if (last) STRATA_CO_CHECK_OK(co_await Keep(encoder_->response(), encoder_->items()));
    if (!bytes.empty()) STRATA_CO_CHECK_OK(co_await exchange().writer.Write(bytes));
    if (last) STRATA_CO_CHECK_OK(co_await exchange().writer.Finish());
    co_return Result<>{};
  }

  Task<void> Fail(const Error& error) override {
    auto& writer = exchange().writer;
    if (!writer.started()) {
      co_await SendError(error);
      co_return;
    }
    auto bytes = encoder_->EncodeError(error);
    auto written = co_await writer.Write(bytes);
    if (written.has_value()) written = co_await writer.Finish();
    if (!written.has_value()) writer.Abort();
  }

 private:
  std::unique_ptr<responses::Encoder> encoder_;
};

}  // namespace

store::ResponseOwner OwnerOf(const RequestContext& ctx) {
  return {.workspace = ctx.workspace, .key = ctx.key};
}

std::unique_ptr<gateway::AnswerSink> MakeResponsesJsonSink(ResponsesSinkSpec spec) {
  return std::make_unique<JsonSink>(std::move(spec));
}

std::unique_ptr<gateway::AnswerSink> MakeResponsesStreamSink(ResponsesSinkSpec spec) {
  return std::make_unique<StreamSink>(std::move(spec));
}

}  // namespace strata::server
