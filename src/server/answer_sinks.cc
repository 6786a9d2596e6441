#include "server/answer_sinks.h"

#include "dialect/error_table.h"
#include "domain/money.h"

namespace strata::server {
namespace {

Task<void> SendError(AnswerFrame& frame, const Error& error) {
  auto http = EncodeFaceError(frame.face, error, frame.meta.request_id);
  auto headers = ToHeaders(dialect::MetaHeaders(frame.dialect, frame.meta));
  for (auto& [name, value] : http.headers) headers.Set(name, value);
  [[maybe_unused]] auto sent =
      co_await frame.exchange.writer.Send(http.status, std::move(headers), std::move(http.body));
}

// The provider's header fields and strata's own. The request id is the one that the provider's
// support asks for; the trace id is ours.
net::Headers ForwardedHeaders(const AnswerFrame& frame, const domain::WireHeaders& fields) {
  auto headers = ToHeaders(fields);
  if (!headers.Has("content-type")) headers.Add("content-type", "application/json");
  for (auto& [name, value] : dialect::MetaHeaders(frame.dialect, frame.meta)) {
    const bool ours = name.starts_with("x-strata-");
    if (ours || !headers.Has(name)) headers.Add(std::move(name), std::move(value));
  }
  return headers;
}

// A provider's own error answer where the client speaks its dialect, else the error in our form.
Task<void> SendRefusal(AnswerFrame& frame, const Error& error, domain::Refusal refusal) {
  if (refusal.dialect != dialect::DialectName(frame.dialect)) {
    co_await SendError(frame, error);
    co_return;
  }
  auto headers = ForwardedHeaders(frame, refusal.headers);
  [[maybe_unused]] auto sent = co_await frame.exchange.writer.Send(
      refusal.status, std::move(headers), std::move(refusal.body));
}

class JsonSink final : public gateway::AnswerSink {
 public:
  JsonSink(AnswerFrame frame, ResponseEncoder encode)
      : frame_(std::move(frame)), encode_(std::move(encode)) {}

  Task<Result<>> Begin(const domain::ModelInfo& model) override {
    NoteModel(frame_, model);
    co_return Result<>{};
  }

  Task<Result<>> Event(const domain::StreamEvent& event) override {
    if (auto* start = std::get_if<domain::StreamStart>(&event); start && start->wire) {
      wire_headers_ = ForwardedHeaders(frame_, start->headers);
      may_stop_ = start->may_stop;
    }
    if (std::holds_alternative<domain::WireStop>(event)) wire_headers_.reset();
    if (!wire_headers_ || may_stop_) answer_.Add(event);
    if (wire_headers_) {
      // What is decoded beside the bytes is not for the client.
      const auto* end = std::get_if<domain::StreamEnd>(&event);
      if (end == nullptr) co_return Result<>{};
      co_return co_await frame_.exchange.writer.Send(200, std::move(*wire_headers_), end->wire);
    }
    if (!answer_.ended()) co_return Result<>{};
    CompleteMeta(frame_, frame_.meta);
    auto body = encode_(answer_.response(), frame_.meta);
    auto headers = ToHeaders(dialect::MetaHeaders(frame_.dialect, frame_.meta));
    headers.Set("content-type", "application/json");
    co_return co_await frame_.exchange.writer.Send(200, std::move(headers), std::move(body));
  }

  Task<void> Fail(const Error& error) override { co_await SendError(frame_, error); }
  Task<void> Refuse(const Error& error, domain::Refusal refusal) override {
    co_await SendRefusal(frame_, error, std::move(refusal));
  }

 private:
  AnswerFrame frame_;
  ResponseEncoder encode_;
  domain::StreamAccumulator answer_;
  std::optional<net::Headers> wire_headers_;  // set: the provider's own bytes are the answer
  bool may_stop_ = false;                     // they may stop to be
};

class StreamSink final : public gateway::AnswerSink {
 public:
  StreamSink(AnswerFrame frame, EncoderMaker make, FirstHead first_head)
      : frame_(std::move(frame)), make_(std::move(make)), first_head_(first_head) {}

  Task<Result<>> Begin(const domain::ModelInfo& model) override {
    NoteModel(frame_, model);
    if (first_head_ == FirstHead::kWithFirstEvent) co_return Result<>{};
    co_return co_await StartEncoded();
  }

  // Not a coroutine: the bytes of a forwarded stream pass here piece by piece.
  Task<Result<>> Event(const domain::StreamEvent& event) override {
    const auto* chunk = std::get_if<domain::WireChunk>(&event);
    if (chunk == nullptr) return OtherEvent(event);
    bytes_left_ = true;
    return frame_.exchange.writer.Write(chunk->bytes);
  }

  Task<void> Refuse(const Error& error, domain::Refusal refusal) override {
    if (frame_.exchange.writer.started()) {
      co_await Fail(error);
    } else {
      co_await SendRefusal(frame_, error, std::move(refusal));
    }
  }

  Task<void> Fail(const Error& error) override {
    auto& writer = frame_.exchange.writer;
    if (!writer.started()) {
      co_await SendError(frame_, error);
      co_return;
    }
    // The status line has left: the error travels in the stream, in the dialect's own form.
    if (!encoder_) encoder_ = make_(frame_.meta);
    if (bytes_left_) encoder_->GoOnBehindBytes();
    auto bytes = encoder_->EncodeError(error);
    auto written = co_await writer.Write(bytes);
    if (written.has_value()) written = co_await writer.Finish();
    if (!written.has_value()) writer.Abort();
  }

 private:
  Task<Result<>> OtherEvent(const domain::StreamEvent& event) {
    if (auto* start = std::get_if<domain::StreamStart>(&event); start && start->wire) {
      forwarded_ = true;
      if (start->may_stop) FollowAlong(event);
      auto headers = ForwardedHeaders(frame_, start->headers);
      co_return co_await frame_.exchange.writer.Start(200, std::move(headers));
    }
    if (std::holds_alternative<domain::WireStop>(event)) co_return co_await StopForwarding();
    if (forwarded_) co_return co_await EndForwarded(event);
    if (!encoder_) STRATA_CO_CHECK_OK(co_await StartEncoded());
    bool last = std::holds_alternative<domain::StreamEnd>(event);
    if (last) CompleteMeta(frame_, encoder_->meta());
    auto bytes = encoder_->Encode(event);
    auto& writer = frame_.exchange.writer;
    if (last) co_return co_await writer.FinishWith(bytes);
    if (!bytes.empty()) STRATA_CO_CHECK_OK(co_await writer.Write(bytes));
    co_return Result<>{};
  }

  Task<Result<>> StartEncoded() {
    encoder_ = make_(frame_.meta);
    auto headers = ToHeaders(dialect::MetaHeaders(frame_.dialect, frame_.meta));
    headers.Set("content-type", std::string(encoder_->content_type()));
    headers.Set("cache-control", "no-cache");
    co_return co_await frame_.exchange.writer.Start(200, std::move(headers));
  }

  // What is decoded beside the bytes is not for the client.
  Task<Result<>> EndForwarded(const domain::StreamEvent& event) {
    auto& writer = frame_.exchange.writer;
    const auto* end = std::get_if<domain::StreamEnd>(&event);
    if (end != nullptr) co_return co_await writer.FinishWith(end->wire);
    if (encoder_) FollowAlong(event);
    co_return Result<>{};
  }

  // Brings the encoder to where the bytes are, so that it can go on when they stop.
  void FollowAlong(const domain::StreamEvent& event) {
    if (!encoder_) encoder_ = make_(frame_.meta);
    auto bytes = encoder_->Encode(event);
    if (std::holds_alternative<domain::StreamStart>(event)) beginning_ = std::move(bytes);
  }

  // Where none of the provider's bytes have left, neither has what its stream began with.
  Task<Result<>> StopForwarding() {
    forwarded_ = false;
    if (bytes_left_) {
      encoder_->GoOnBehindBytes();
    } else if (!beginning_.empty()) {
      co_return co_await frame_.exchange.writer.Write(beginning_);
    }
    co_return Result<>{};
  }

  AnswerFrame frame_;
  EncoderMaker make_;
  FirstHead first_head_;
  bool forwarded_ = false;   // the provider's own bytes are the answer
  bool bytes_left_ = false;  // some of them went to the client
  // While bytes are forwarded: only if they may stop.
  std::unique_ptr<dialect::StreamEncoder> encoder_;
  std::string beginning_;  // what it made of the start of a forwarded stream
};

}  // namespace

void NoteModel(AnswerFrame& frame, const domain::ModelInfo& model) {
  frame.meta.demo_note = model.demo_note;
  const auto& chosen = frame.exchange.ctx.answered_by;
  if (chosen.empty()) return;
  frame.meta.model = chosen;
  frame.meta.invoked_model_id = chosen;
}

void CompleteMeta(const AnswerFrame& frame, dialect::AnswerMeta& meta) {
  const auto& ctx = frame.exchange.ctx;
  if (ctx.unpriced_calls == 0) meta.cost = domain::Money{ctx.spent_picousd};
  meta.latency =
      std::chrono::duration_cast<std::chrono::milliseconds>(ctx.clock->Wall() - frame.started);
}

net::Headers ToHeaders(const dialect::HeaderList& list) {
  constexpr std::size_t kOfOurs = 4;
  net::Headers headers;
  headers.Reserve(list.size() + kOfOurs);
  for (const auto& [name, value] : list) headers.Add(name, value);
  return headers;
}

AnswerFrame MakeFrame(Exchange& exchange, const TraceLinks& links, dialect::Dialect dialect,
                      Face face, std::string model) {
  dialect::AnswerMeta meta;
  auto now = exchange.ctx.clock->Wall();
  meta.request_id = exchange.ctx.request_id.value;
  meta.trace_id = exchange.ctx.request_id.value;
  meta.trace_url = links.UrlOf(meta.trace_id);
  meta.model = std::move(model);
  meta.created_s = ToUnixMicros(now) / 1'000'000;
  return AnswerFrame{exchange, dialect, face, now, std::move(meta)};
}

std::unique_ptr<gateway::AnswerSink> MakeJsonSink(AnswerFrame frame, ResponseEncoder encode) {
  return std::make_unique<JsonSink>(std::move(frame), std::move(encode));
}

std::unique_ptr<gateway::AnswerSink> MakeStreamSink(AnswerFrame frame, EncoderMaker make,
                                                    FirstHead first_head) {
  return std::make_unique<StreamSink>(std::move(frame), std::move(make), first_head);
}

Task<Result<>> SendJson(Exchange& exchange, const TraceLinks& links, dialect::Dialect dialect,
                        std::string body, int status) {
  dialect::AnswerMeta meta;
  meta.request_id = exchange.ctx.request_id.value;
  meta.trace_id = meta.request_id;
  meta.trace_url = links.UrlOf(meta.trace_id);
  auto headers = ToHeaders(dialect::MetaHeaders(dialect, meta));
  headers.Set("content-type", "application/json");
  co_return co_await exchange.writer.Send(status, std::move(headers), std::move(body));
}

}  // namespace strata::server
