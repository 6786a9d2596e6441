#include "server/request_record.h"

#include <algorithm>
#include <vector>

#include "base/log_format.h"
#include "domain/money.h"
#include "gateway/meter.h"

namespace strata::server {

bool KeepsTrace(const Exchange& exchange, Face face, bool failed) {
  if (exchange.key == nullptr) return false;
  return face != Face::kStrata || exchange.ctx.calls > 0 || failed;
}

void Outgoing::NameTrace(const Exchange& exchange, Face face, const TraceLinks& links) {
  exchange_ = &exchange;
  face_ = face;
  links_ = &links;
}

void Outgoing::Complete(int status, net::Headers& headers) {
  status_ = status;
  if (cors_ != nullptr) cors_->AddTo(headers, origin_);
  if (exchange_ == nullptr || headers.Has("x-strata-trace-url")) return;
  constexpr int kErrorsFrom = 400;
  if (!KeepsTrace(*exchange_, face_, status >= kErrorsFrom)) return;
  const auto& id = exchange_->ctx.request_id.value;
  if (!headers.Has("x-strata-trace-id")) headers.Add("x-strata-trace-id", id);
  headers.Add("x-strata-trace-url", links_->UrlOf(id));
}

Task<Result<>> Outgoing::Send(int status, net::Headers headers, std::string body) {
  Complete(status, headers);
  return inner_.Send(status, std::move(headers), std::move(body));
}

Task<Result<>> Outgoing::Start(int status, net::Headers headers) {
  Complete(status, headers);
  return inner_.Start(status, std::move(headers));
}

RequestRecord::RequestRecord(observe::RequestMetrics& metrics, const Settings& settings,
                             const About& about, const Outgoing& outgoing)
    : metrics_(metrics),
      settings_(settings),
      about_(about),
      outgoing_(outgoing),
      start_(SystemClock().Steady()) {
  metrics_.Begin();
}

RequestRecord::~RequestRecord() {
  metrics_.End({.slot = about_.slot,
                .dialect = about_.dialect,
                .operation = about_.operation,
                .status = outgoing_.status(),
                .latency = SystemClock().Steady() - start_,
                .first_token = first_token_});
}

// The sums over a request's model calls; model and provider are those of the last one.
struct RequestRecord::Calls {
  std::string_view model;
  std::string_view provider;
  std::int64_t made = 0;
  std::int64_t tokens_in = 0;
  std::int64_t tokens_out = 0;
  std::string_view error;  // of the request itself
  std::optional<WallTime> first_token;
};

namespace {

// Providers are asked for other things too: for what they keep.
bool IsCall(const SpanRecord& span) {
  if (!span.name.starts_with("provider.")) return false;
  return std::ranges::any_of(span.fields, [](const auto& field) {
    return std::string_view(field.first) == gateway::kCostField;
  });
}

}  // namespace

void RequestRecord::Finish(const observe::FinishedTrace& trace, const RequestContext& ctx) {
  Calls calls;
  std::optional<WallTime> arrival;
  for (const auto& span : trace.spans) {
    if (span.parent_id.empty()) {
      arrival = span.start;
      if (span.error) calls.error = CodeName(span.error->code());
    }
    if (!IsCall(span)) continue;
    ++calls.made;
    for (const auto& [key, value] : span.fields) {
      const std::string_view name = key;  // unlike a string it compares lengths first
      const auto* text = std::get_if<std::string>(&value);
      const auto* integer = std::get_if<std::int64_t>(&value);
      const auto* real = std::get_if<double>(&value);
      if (name == "model" && text != nullptr) calls.model = *text;
      if (name == "provider" && text != nullptr) calls.provider = *text;
      if (name == "tokens_in" && integer != nullptr) calls.tokens_in += *integer;
      if (name == "tokens_out" && integer != nullptr) calls.tokens_out += *integer;
      if (name != "ttft_s" || real == nullptr) continue;
      auto at = span.start + std::chrono::microseconds(static_cast<std::int64_t>(*real * 1e6));
      calls.first_token = calls.first_token ? std::min(*calls.first_token, at) : at;
    }
  }
  if (calls.first_token && arrival) first_token_ = *calls.first_token - *arrival;
  bool failed = outgoing_.status() >= 400 || outgoing_.status() == 0 || !calls.error.empty();
  if (settings_.logged_requests == LoggedRequests::kAll ||
      (settings_.logged_requests == LoggedRequests::kErrors && failed)) {
    WriteLine(calls, ctx);
  }
}

// What callers wrote stays out: the model that they named is logged only once it was one of ours.
void RequestRecord::WriteLine(const Calls& calls, const RequestContext& ctx) const {
  auto ms = [](std::chrono::nanoseconds time) {
    return std::chrono::duration<double, std::milli>(time).count();
  };
  thread_local std::vector<LogField> fields;  // kept for its memory; what it refers to is not
  fields.clear();
  fields.insert(fields.end(), {{"request", ctx.request_id.value},
                               {"dialect", about_.dialect},
                               {"operation", about_.operation},
                               {"status", outgoing_.status()},
                               {"latency_ms", ms(SystemClock().Steady() - start_)}});
  if (!ctx.key.value.empty()) fields.emplace_back("key", ctx.key.value);
  std::string cost;
  if (ctx.calls > 0) {
    cost = ctx.unpriced_calls == 0 ? domain::FormatUsd({ctx.spent_picousd}) : "unknown";
    fields.emplace_back("model_asked", ctx.model_asked);
    fields.emplace_back("model", ctx.answered_by.empty() ? calls.model : ctx.answered_by);
    fields.emplace_back("deployment", calls.provider);
    fields.emplace_back("calls", calls.made);
    fields.emplace_back("tokens_in", calls.tokens_in);
    fields.emplace_back("tokens_out", calls.tokens_out);
    fields.emplace_back("cost_usd", cost);
  }
  if (first_token_) fields.emplace_back("ttft_ms", ms(*first_token_));
  if (!calls.error.empty()) fields.emplace_back("error", calls.error);
  LogFields(about_.probe ? Level::kDebug : Level::kInfo, "request.finished", fields);
}

}  // namespace strata::server
