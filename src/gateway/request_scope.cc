#include "gateway/request_scope.h"

#include <algorithm>
#include <iterator>

#include "base/utf8.h"
#include "domain/money.h"

namespace strata::gateway {

RequestScope::RequestScope(const TraceSinks& sinks, std::string_view name, std::string_view dialect,
                           std::chrono::milliseconds timeout, std::stop_token client_gone)
    : sinks_(sinks), start_(sinks.clock->Steady()) {
  ctx_.request_id = NewRequestId();
  ctx_.dialect = dialect;
  ctx_.clock = sinks.clock;
  ctx_.cancel = std::move(client_gone);
  ctx_.deadline = start_ + timeout;
  trace_ = std::make_shared<Trace>(ctx_.request_id.value, *sinks.clock);
  ctx_.span = Span(trace_, name);
  ctx_.span.Set("dialect", dialect);
}

namespace {

// Fields that hold what people wrote, or what their documents say.
bool IsTextField(std::string_view name) {
  static constexpr std::string_view kNames[] = {"question", "answer", "citations", "prompt_text",
                                                "query"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

observe::FinishedTrace WithoutText(observe::FinishedTrace trace) {
  for (auto& span : trace.spans) {
    std::erase_if(span.fields, [](const auto& field) { return IsTextField(field.first); });
  }
  return trace;
}

}  // namespace

RequestScope::~RequestScope() {
  if (discarded_) return;
  if (ctx_.calls > 0) {
    ctx_.span.Set("cost_usd", domain::FormatUsd({ctx_.spent_picousd}));
    if (ctx_.unpriced_calls > 0) ctx_.span.Set("calls_of_unknown_price", ctx_.unpriced_calls);
  }
  ctx_.span.Set("key", ctx_.key.value);
  ctx_.span.End();
  observe::FinishedTrace finished{.trace_id = ctx_.request_id.value,
                                  .workspace = ctx_.workspace,
                                  .key = ctx_.key,
                                  .subject = ctx_.subject,
                                  .dialect = ctx_.dialect,
                                  .model = ctx_.model_asked,
                                  .spans = trace_->TakeEnded()};
  if (sinks_.otlp) sinks_.otlp->Submit(sinks_.export_text ? finished : WithoutText(finished));
  if (sinks_.store) sinks_.store->Submit(std::move(finished));
}

std::chrono::milliseconds RequestScope::Elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(sinks_.clock->Steady() - start_);
}

void TakeHeaders(const net::Headers& headers, RequestContext& ctx) {
  constexpr std::size_t kTraceparentBytes = 55;  // W3C Trace Context, version 00
  auto traceparent = headers.Get("traceparent");
  if (traceparent.size() == kTraceparentBytes) ctx.span.Set("caller.traceparent", traceparent);

  constexpr std::string_view kPrefix = "x-strata-tag-";
  constexpr std::size_t kTagsMax = 16;
  constexpr std::size_t kTagBytesMax = 256;
  for (const auto& [name, value] : headers.fields()) {
    if (ctx.tags.size() >= kTagsMax) return;
    if (name.size() <= kPrefix.size() || name.size() > kTagBytesMax) continue;
    if (!net::SameHeader(std::string_view(name).substr(0, kPrefix.size()), kPrefix)) continue;
    ctx.tags.emplace(name.substr(kPrefix.size()), Utf8Prefix(value, kTagBytesMax));
  }
}

}  // namespace strata::gateway
