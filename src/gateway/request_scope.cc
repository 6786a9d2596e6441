#include "gateway/request_scope.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/caught.h"
#include "base/format_message.h"
#include "base/hops.h"
#include "base/utf8.h"
#include "domain/money.h"
#include "gateway/constraints.h"

namespace strata::gateway {

RequestScope::RequestScope(const TraceSinks& sinks, std::string_view name, std::string_view dialect,
                           std::chrono::milliseconds timeout, std::stop_token client_gone,
                           Texts texts)
    : sinks_(sinks), start_(sinks.clock->Steady()) {
  ctx_.request_id = NewRequestId();
  ctx_.dialect = dialect;
  ctx_.clock = sinks.clock;
  ctx_.cancel = std::move(client_gone);
  ctx_.deadline = start_ + timeout;
  trace_ = std::make_shared<Trace>(ctx_.request_id.value, *sinks.clock, texts);
  ctx_.span = Span(trace_, name);
  ctx_.span.Set("dialect", dialect);
}

namespace {

observe::FinishedTrace WithoutTexts(const observe::FinishedTrace& trace) {
  observe::FinishedTrace out{.trace_id = trace.trace_id,
                             .workspace = trace.workspace,
                             .key = trace.key,
                             .subject = trace.subject,
                             .dialect = trace.dialect,
                             .model = trace.model,
                             .spans = {}};
  for (const auto& span : trace.spans) out.spans.push_back(span.WithoutTexts());
  return out;
}

}  // namespace

RequestScope::~RequestScope() {
  // The request has answered: whatever goes wrong with its trace is no reason to end the process.
  CallCaught("trace.end", [this] { End(); });
}

void RequestScope::End() {
  if (discarded_ && !report_) return;
  if (ctx_.calls > 0) {
    ctx_.span.Set("cost_usd", domain::FormatUsd({ctx_.spent_picousd}));
    if (ctx_.unpriced_calls > 0) ctx_.span.Set("calls_of_unknown_price", ctx_.unpriced_calls);
  }
  ctx_.span.Set("key", ctx_.key.value);
  if (!ctx_.labels.empty()) {
    ctx_.span.Set("labels", fmt::format("{}", fmt::join(ctx_.labels.names(), ",")));
  }
  ctx_.span.End();
  observe::FinishedTrace finished;
  finished.spans = trace_->TakeEnded();
  if (report_) report_(finished, ctx_);
  if (discarded_) return;
  finished.trace_id = std::move(ctx_.request_id.value);
  finished.workspace = std::move(ctx_.workspace);
  finished.key = std::move(ctx_.key);
  finished.subject = std::move(ctx_.subject);
  finished.dialect = std::move(ctx_.dialect);
  finished.model = std::move(ctx_.model_asked);
  if (sinks_.otlp) sinks_.otlp->Submit(sinks_.export_text ? finished : WithoutTexts(finished));
  if (sinks_.store) sinks_.store->Submit(std::move(finished));
}

std::chrono::milliseconds RequestScope::Elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(sinks_.clock->Steady() - start_);
}

namespace {

constexpr std::size_t kListBytesMax = 1024;

Result<> TakeTags(const net::Headers& headers, RequestContext& ctx) {
  constexpr std::string_view kPrefix = "x-strata-tag-";
  constexpr std::size_t kTagsMax = 16;
  constexpr std::size_t kTagBytesMax = 256;
  for (const auto& [name, value] : headers.fields()) {
    if (ctx.tags.size() >= kTagsMax) return {};
    if (name.size() <= kPrefix.size() || name.size() > kTagBytesMax) continue;
    if (!net::SameHeader(std::string_view(name).substr(0, kPrefix.size()), kPrefix)) continue;
    if (!IsValidUtf8(value))
      return Fail(
          InvalidArgument(FieldPath(name, std::string(kPrefix) + "…"), "expected UTF-8 text"));
    // HTTP/2 sends names in lower case, HTTP/1.1 as they were written: one tag either way.
    auto tag = name.substr(kPrefix.size());
    for (char& c : tag) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    ctx.tags.emplace(std::move(tag), Utf8Prefix(value, kTagBytesMax));
  }
  return {};
}

// Whole or not at all: a part of an id is not found again by who wants to be erased.
Result<> TakeSubject(const net::Headers& headers, RequestContext& ctx) {
  constexpr std::size_t kSubjectBytesMax = 256;
  auto subject = headers.Get("x-strata-subject");
  if (subject.size() > kSubjectBytesMax || !IsValidUtf8(subject)) {
    return Fail(InvalidArgument(
        "x-strata-subject",
        FormatMessage("expected UTF-8 text of at most {} bytes", kSubjectBytesMax)));
  }
  ctx.subject = subject;
  return {};
}

// The items of a comma-separated header; empty when it was not sent. Several lines are one list
// (RFC 9110, 5.3): what a proxy adds counts beside what the client said. One that was sent and
// names nothing is refused: whoever restricts by mistake with an empty list must hear of it.
Result<std::vector<std::string>> ListOf(const net::Headers& headers, std::string_view name) {
  std::vector<std::string> items;
  std::size_t bytes = 0;
  for (const auto& [field, value] : headers.fields()) {
    if (!net::SameHeader(field, name)) continue;
    bytes += value.size();
    for (std::string_view text = value; bytes <= kListBytesMax;) {
      auto comma = text.find(',');
      auto item = text.substr(0, comma);
      while (item.starts_with(' ')) item.remove_prefix(1);
      while (item.ends_with(' ')) item.remove_suffix(1);
      items.emplace_back(item);
      if (comma == text.npos) break;
      text.remove_prefix(comma + 1);
    }
  }
  if (bytes > kListBytesMax || std::ranges::find(items, "") != items.end()) {
    return Fail(InvalidArgument(
        std::string(name),
        FormatMessage("expected names separated by commas, at most {} bytes", kListBytesMax)));
  }
  return items;
}

Result<> TakeConstraints(const net::Headers& headers, RequestContext& ctx) {
  Constraints asked;
  STRATA_TRY(auto labels, ListOf(headers, "x-strata-labels"));
  for (const auto& label : labels) asked.labels.Add(label);
  STRATA_TRY(asked.regions, ListOf(headers, "x-strata-regions"));
  STRATA_TRY(auto terms, ListOf(headers, "x-strata-retention"));
  for (const auto& term : terms) {
    auto retention = ParseRetention(term);
    if (!retention.has_value()) {
      return Fail(Error(retention.error()).Because("x-strata-retention"));
    }
    asked.retention_max = std::min(asked.retention_max.value_or(*retention), *retention);
  }
  auto narrowed = Narrow(asked, ctx);
  if (!narrowed.has_value()) return Fail(Error(narrowed.error()).Because("x-strata-regions"));
  return {};
}

// Seconds or milliseconds from the request's arrival.
std::optional<std::chrono::milliseconds> TimeOf(std::string_view text, double unit_ms) {
  constexpr double kLongestMs = 24.0 * 3600 * 1000;
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  auto ms = value * unit_ms;
  if (!(ms >= 1 && ms <= kLongestMs)) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(ms));
}

Result<> TakeTimes(const net::Headers& headers, RequestContext& ctx) {
  if (headers.Has("x-strata-timeout-ms")) {
    auto wait = TimeOf(headers.Get("x-strata-timeout-ms"), 1);
    if (!wait) {
      return Fail(InvalidArgument("x-strata-timeout-ms",
                                  "expected milliseconds, from 1 to 86400000 (a day)"));
    }
    ctx.deadline = std::min(ctx.deadline, ctx.clock->Steady() + *wait);
  }
  if (auto wait = TimeOf(headers.Get("x-stainless-timeout"), 1000)) {
    ctx.first_byte_deadline = ctx.clock->Steady() + *wait;
  }
  return {};
}

Result<> CheckHops(const net::Headers& headers) {
  const auto hops = ParseHops(headers.Get(kHopsHeader));
  if (!hops) {
    return Fail(InvalidArgument(std::string(kHopsHeader), "expected a number, set by servers"));
  }
  if (*hops < kHopsMax) return {};
  return Fail(CalledInCircle(
      fmt::format("the request came through {} servers of this kind, the most are {}: the address "
                  "of a provider leads back to one of them",
                  *hops, kHopsMax)));
}

}  // namespace

Result<> TakeHeaders(const net::Headers& headers, RequestContext& ctx) {
  // Nearly every request has none of them: one look instead of eight.
  auto may_be_ours = [](const auto& field) {
    const char first = field.first.empty() ? '\0' : field.first.front();
    return first == 'x' || first == 'X' || first == 't' || first == 'T';
  };
  if (std::ranges::none_of(headers.fields(), may_be_ours)) return {};
  STRATA_CHECK_OK(CheckHops(headers));
  constexpr std::size_t kTraceparentBytes = 55;
  constexpr std::size_t kSessionBytesMax = 256;
  auto traceparent = headers.Get("traceparent");
  // Version 00 of W3C Trace Context: hex and dashes, so no words.
  const bool well_formed = traceparent.size() == kTraceparentBytes &&
                           traceparent.find_first_not_of("0123456789abcdef-") == traceparent.npos;
  if (well_formed) ctx.span.Set("caller.traceparent", traceparent);
  ctx.session = headers.Get("x-strata-session").substr(0, kSessionBytesMax);
  STRATA_CHECK_OK(TakeSubject(headers, ctx));
  STRATA_CHECK_OK(TakeTags(headers, ctx));
  STRATA_CHECK_OK(TakeTimes(headers, ctx));
  return TakeConstraints(headers, ctx);
}

}  // namespace strata::gateway
