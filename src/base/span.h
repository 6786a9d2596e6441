#pragma once
// Spans: the timed steps of one request, named `module.verb`. Recorded here, kept and exported by
// observe/.
//
// Who writes a field says whether it is a text: what a user, a document, a model or a provider
// wrote. Where a trace keeps no texts (server.trace_text) they are not recorded at all; where it
// does, what is exported can still be told apart from them (server.export_text).

#include <concepts>
#include <cstddef>
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

class SpanJson;

// Whether a trace keeps what people, documents, models and providers wrote.
enum class Texts : std::uint8_t { kDropped, kKept };

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

  // What is left of a field where texts may not be: nothing, or a part of it.
  struct Bare {
    std::size_t field = 0;  // of `fields`
    std::optional<SpanValue> value;
  };
  std::vector<Bare> bare = {};  // of those that hold texts, in the order of `fields`

  // The value of the first field of that name, a text or JSON; "" without one.
  std::string_view Text(std::string_view field) const;
  // Without what the writers of the fields called texts, and without what the error quotes.
  SpanRecord WithoutTexts() const;
};

// All spans of one request. Thread-safe; shared by the spans that are still open.
class Trace {
 public:
  Trace(std::string trace_id, const Clock& clock, Texts texts)
      : trace_id_(std::move(trace_id)), clock_(clock), texts_(texts) {}

  const std::string& trace_id() const { return trace_id_; }
  Texts texts() const { return texts_; }
  const Clock& clock() const { return clock_; }
  void Add(SpanRecord record);
  // Hands out what has ended so far, in the order of ending; the caller exports it.
  std::vector<SpanRecord> TakeEnded();

 private:
  const std::string trace_id_;
  const Clock& clock_;
  const Texts texts_;
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

  // Numbers, names of things that are configured, ids, words of ours.
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
  // Words of ours, and what they quote where texts are kept.
  template <std::same_as<Message> T>
  void Set(std::string_view key, const T& message) {
    SetMessage(key, message);
  }
  // Numbers, names and texts, which its writer told apart.
  void Set(std::string_view key, const SpanJson& json);

  // Words of a user, a document, a model or a provider: recorded where texts are kept.
  void SetText(std::string_view key, std::string_view text);
  void SetText(std::string_view key, JsonText text);

  // The message's quotes are kept where texts are.
  void Fail(const Error& error);
  void End() noexcept;

  bool recording() const { return record_ != nullptr; }
  // For whoever would put a text together only for SetText.
  bool keeps_texts() const { return record_ != nullptr && trace_->texts() == Texts::kKept; }
  const std::string& span_id() const;

 private:
  void SetInteger(std::string_view key, std::int64_t value);
  void SetMessage(std::string_view key, const Message& message);
  void Add(std::string_view key, SpanValue value, std::optional<SpanValue> bare);

  std::shared_ptr<Trace> trace_;
  std::unique_ptr<SpanRecord> record_;
};

}  // namespace strata
