#pragma once
// What of knowledge bases a stored answer was made from, so that a conversation does not go on from
// what has been deleted since, was changed, or may not be read any more.

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/context.h"
#include "base/task.h"
#include "domain/stream.h"
#include "knowledge/knowledge_base.h"

namespace strata::server {

// Follows the events of one answer. Not thread-safe.
class AnswerSources {
 public:
  void Note(const domain::StreamEvent& event);
  // A passage that stands in the answer beside what the model says: a search result.
  void Show(std::string chunk_id) { shown_.insert(std::move(chunk_id)); }
  // As it is stored with the answer; "" when no base was searched, or none had an answer. The
  // passages that the answer cites or shows; the bases as they were where it cites none, as nobody
  // knows then which of their passages a language model has used.
  std::string Json(const RequestContext& ctx) const;

 private:
  std::set<std::string> cited_;
  std::set<std::string> shown_;
  std::string begins_;  // the answer, as far as it takes to know a refusal
};

// Whether all of it is there for the caller to read. `json`: of AnswerSources. What cannot be read
// does not stand. Errors: those of the disk.
Task<Result<bool>> SourcesStand(knowledge::KnowledgeBases& bases, std::string json,
                                RequestContext& ctx);

}  // namespace strata::server
