#pragma once
// A list that a span holds, of flat objects whose members are numbers, names and texts: hits with
// their scores, ids and titles. Written twice, with the texts and without them.

#include <string>
#include <string_view>

#include "base/span.h"

namespace strata {

class SpanJson {
 public:
  // Whole only where `span` keeps texts; nothing is written for a span that records nothing.
  explicit SpanJson(const Span& span) : recording_(span.recording()), texts_(span.keeps_texts()) {}

  // Begins the next object; its members follow.
  SpanJson& Item();
  SpanJson& Real(std::string_view name, double value);  // to five digits
  SpanJson& Null(std::string_view name);
  SpanJson& Name(std::string_view name, std::string_view value);  // an id, a word of ours
  SpanJson& Text(std::string_view name, std::string_view value);  // see Span::SetText

  std::string whole() const { return Closed(whole_); }
  std::string bare() const { return Closed(bare_); }

 private:
  static std::string Closed(const std::string& list) { return list.empty() ? "[]" : list + "}]"; }
  SpanJson& Member(std::string_view name, std::string_view json);

  const bool recording_;
  const bool texts_;
  std::string whole_;  // the list, its last object still open; "" without an object
  std::string bare_;
};

}  // namespace strata
