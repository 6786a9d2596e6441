#pragma once
// A trace as a tree that a person reads: from the answer back through generation, prompt and each
// retrieval stage to the question.

#include <chrono>
#include <string>
#include <vector>

#include "base/span.h"
#include "observe/trace_store.h"

namespace strata::observe {

struct TraceNode {
  const SpanRecord* span = nullptr;  // of the trace that the tree was built from
  std::vector<TraceNode> children;   // by start time, earliest first
};

// One root, or several when spans are missing (a child of an unknown parent becomes a root).
// Cycles, which only damaged data has, are cut. `trace` outlives the tree.
std::vector<TraceNode> BuildTree(const FinishedTrace& trace);

enum class TreeOrder : std::uint8_t { kAnswerFirst, kQuestionFirst };

// For `strata trace ID`: one line a span (duration, share of the whole, name), its fields below;
// JSON fields laid out as lists and tables (retrieval hits with their scores, what was dropped and
// why). Answer first means the latest stage comes first.
std::string TreeText(const FinishedTrace& trace, TreeOrder order = TreeOrder::kAnswerFirst);

// For the console: {"trace_id", "start", "duration_us", …, "roots": [{"name", "span_id", "start_us"
// (since the trace's start), "duration_us", "fields": {…}, "error", "children": […]}]}.
std::string TreeJson(const FinishedTrace& trace);

}  // namespace strata::observe
