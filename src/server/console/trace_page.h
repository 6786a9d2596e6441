#pragma once
// The page of one trace: question, answer, sources with the cited page and its marked region, and
// the tree of spans.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/citation.h"
#include "observe/trace_store.h"

namespace strata::server {

// One citation as spans record it (field "citations", a JSON array).
struct TracedCitation {
  std::string knowledge_base_id;
  std::string base;  // its name, where several bases were asked; then there is no id
  std::string document_id;
  std::string chunk_id;
  std::string title;
  std::string uri;
  std::string quoted;
  std::int64_t answer_start = 0;  // code points of the answer; end is exclusive
  std::int64_t answer_end = 0;
  double score = 0;
  std::vector<domain::PageRegion> pages;
};

// The citations of the trace, in the order of the answer; [] when it holds none. Entries that are
// not of the form are left out.
std::vector<TracedCitation> CitationsOf(const observe::FinishedTrace& trace);

// `token`: put on the addresses of the page pictures.
std::string TracePage(const observe::FinishedTrace& trace, std::string_view token);

}  // namespace strata::server
