#include "base/span.h"

#include "base/ids.h"

namespace strata {
namespace {

constexpr std::size_t kUsualFields = 10;
constexpr std::size_t kUsualSpans = 3;

}  // namespace

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

void Span::Fail(const Error& error) {
  if (record_) record_->error = error;
}

void Span::End() {
  if (!record_) return;
  record_->end = trace_->clock().Wall();
  trace_->Add(std::move(*record_));
  record_.reset();
}

const std::string& Span::span_id() const {
  static const std::string none;
  return record_ ? record_->span_id : none;
}

}  // namespace strata
