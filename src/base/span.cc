#include "base/span.h"

#include <new>

#include "base/ids.h"
#include "base/span_json.h"

namespace strata {
namespace {

constexpr std::size_t kUsualFields = 10;
constexpr std::size_t kUsualSpans = 3;

}  // namespace

std::string_view SpanRecord::Text(std::string_view field) const {
  for (const auto& [key, value] : fields) {
    if (key != field) continue;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* json = std::get_if<JsonText>(&value)) return json->text;
  }
  return {};
}

SpanRecord SpanRecord::WithoutTexts() const {
  SpanRecord out{.span_id = span_id,
                 .parent_id = parent_id,
                 .name = name,
                 .start = start,
                 .end = end,
                 .fields = {},
                 .error = {},
                 .bare = {}};
  if (error) out.error = error->WithoutQuotes();
  auto next = bare.begin();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto& [key, value] = fields[i];
    if (next == bare.end() || next->field != i) {
      out.fields.emplace_back(key, value);
      continue;
    }
    if (next->value) out.fields.emplace_back(key, *next->value);
    ++next;
  }
  return out;
}

void Trace::Add(SpanRecord record) {
  std::lock_guard lock(mutex_);
  if (ended_.empty()) ended_.reserve(kUsualSpans);
  ended_.push_back(std::move(record));
}

std::vector<SpanRecord> Trace::TakeEnded() {
  std::lock_guard lock(mutex_);
  return std::exchange(ended_, {});
}

Span::Span(std::shared_ptr<Trace> trace, std::string_view name, std::string_view parent_id)
    : trace_(std::move(trace)) {
  if (!trace_) return;
  record_ = std::make_unique<SpanRecord>();
  record_->span_id = NewSpanId();
  record_->parent_id = parent_id;
  record_->name = name;
  record_->start = trace_->clock().Wall();
  record_->fields.reserve(kUsualFields);
}

Span& Span::operator=(Span&& other) noexcept {
  End();
  trace_ = std::move(other.trace_);
  record_ = std::move(other.record_);
  return *this;
}

Span Span::Child(std::string_view name) const {
  return record_ ? Span(trace_, name, record_->span_id) : Span();
}

void Span::Set(std::string_view key, std::string_view value) {
  if (record_) record_->fields.emplace_back(key, std::string(value));
}
void Span::Set(std::string_view key, JsonText value) {
  if (record_) record_->fields.emplace_back(key, std::move(value));
}
void Span::Set(std::string_view key, double value) {
  if (record_) record_->fields.emplace_back(key, value);
}
void Span::Set(std::string_view key, bool value) {
  if (record_) record_->fields.emplace_back(key, value);
}
void Span::SetInteger(std::string_view key, std::int64_t value) {
  if (record_) record_->fields.emplace_back(key, value);
}

// Of a field that holds texts, where they are kept.
void Span::Add(std::string_view key, SpanValue value, std::optional<SpanValue> bare) {
  record_->bare.push_back({.field = record_->fields.size(), .value = std::move(bare)});
  record_->fields.emplace_back(key, std::move(value));
}

void Span::SetText(std::string_view key, std::string_view text) {
  if (keeps_texts()) Add(key, std::string(text), std::nullopt);
}
void Span::SetText(std::string_view key, JsonText text) {
  if (keeps_texts()) Add(key, std::move(text), std::nullopt);
}

void Span::SetMessage(std::string_view key, const Message& message) {
  if (!keeps_texts()) return Set(key, std::string_view(message.own()));
  Add(key, message.whole(), message.own());
}

void Span::Set(std::string_view key, const SpanJson& json) {
  if (!keeps_texts()) return Set(key, JsonText{json.bare()});
  Add(key, JsonText{json.whole()}, JsonText{json.bare()});
}

void Span::Fail(const Error& error) {
  if (record_) record_->error = keeps_texts() ? error : error.WithoutQuotes();
}

// Called by destructors: a span for which there is no memory is left out.
void Span::End() noexcept {
  if (!record_) return;
  record_->end = trace_->clock().Wall();
  try {
    trace_->Add(std::move(*record_));
  } catch (const std::bad_alloc&) {
    // As said.
  }
  record_.reset();
}

const std::string& Span::span_id() const {
  static const std::string none;
  return record_ ? record_->span_id : none;
}

}  // namespace strata
