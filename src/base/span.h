#pragma once
// Spans: the timed steps of one request, named `module.verb`. Recorded here, kept and exported by
// observe/.

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace strata {

// JSON text, already valid; printed as is (retrieval hits, decisions).
struct JsonText {
  std::string text;
  friend bool operator==(const JsonText&, const JsonText&) = default;
};

using SpanValue = std::variant<std::string, std::int64_t, double, bool, JsonText>;

struct SpanRecord {
  std::string span_id;    // 16 hex digits
  std::string parent_id;  // empty: the root
  std::string name;       // module.verb
  WallTime start;
  WallTime end;
  std::vector<std::pair<std::string, SpanValue>> fields;
  std::optional<Error> error;
};

// All spans of one request. Thread-safe; shared by the spans that are still open.
class Trace {
 public:
  Trace(std::string trace_id, const Clock& clock) : trace_id_(std::move(trace_id)), clock_(clock) {}

  const std::string& trace_id() const { return trace_id_; }
  const Clock& clock() const { return clock_; }
  void Add(SpanRecord record);
  // Hands out what has ended so far, in the order of ending; the caller exports it.
  std::vector<SpanRecord> TakeEnded();

 private:
  const std::string trace_id_;
  const Clock& clock_;
  std::mutex mutex_;
  std::vector<SpanRecord> ended_;
};

// One open step. Ends when destroyed. Moved, not copied; used by one thread at a time. A
// default-made span records nothing, so callers need no check.
class Span {
 public:
  Span() = default;
  Span(std::shared_ptr<Trace> trace, std::string_view name, std::string_view parent_id = {});
  Span(Span&&) noexcept = default;
  Span& operator=(Span&& other) noexcept;
  ~Span() { End(); }

  Span Child(std::string_view name) const;
  void Set(std::string_view key, std::string_view value);
  void Set(std::string_view key, const char* value) { Set(key, std::string_view(value)); }
  void Set(std::string_view key, JsonText value);
  void Set(std::string_view key, double value);
  void Set(std::string_view key, bool value);
  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  void Set(std::string_view key, T value) {
    SetInteger(key, static_cast<std::int64_t>(value));
  }
  void Fail(const Error& error);
  void End();

  bool recording() const { return record_ != nullptr; }
  const std::string& span_id() const;

 private:
  void SetInteger(std::string_view key, std::int64_t value);

  std::shared_ptr<Trace> trace_;
  std::unique_ptr<SpanRecord> record_;
};

}  // namespace strata
