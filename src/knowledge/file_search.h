#pragma once
// OpenAI's file_search tool over knowledge bases: strata searches with the user's question, puts
// what it finds into the request, and cites it in the answer of whichever model writes it.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "domain/conversation.h"
#include "domain/stream.h"
#include "knowledge/retrieval.h"

namespace strata::knowledge {

// The version of how passages stand in a prompt; pinned in DecidedBy::prompt.
inline constexpr std::string_view kFileSearchPrompt = "file-search/1";

// What to search for: the last question of a user, with the one before it where it leans on that.
// "" when no user says anything.
std::string SearchQuery(const domain::ChatRequest& request);

// Writes what users ask as the search has understood it, for builtin/extract, which knows no word
// that is spelt otherwise than in the passages.
void CorrectQuestions(domain::ChatRequest& request, const FoundPassages& found);

// Puts passages into the message that asks, in front of its text, best first; a document each for
// builtin/extract, else one document of them all, as some providers take few. At most `tokens_max`
// tokens of them, estimated at three bytes each; the first one is cut when it alone does not fit.
// Returns those that are in, as they are in.
std::vector<RetrievedChunk> AddSearchResults(domain::ChatRequest& request,
                                             const std::vector<RetrievedChunk>& passages,
                                             std::int64_t tokens_max);

// Adds citations to the events of an answer: behind each sentence those of the passages that
// support it. Text is passed on at once and unchanged. Not thread-safe.
class AnswerCiter {
 public:
  // `passages`: those that are in the prompt. A citation's source_uri is StoreFileId's.
  explicit AnswerCiter(std::vector<RetrievedChunk> passages);
  ~AnswerCiter();

  // The citations that belong in front of `event`, and those that belong behind it.
  struct Citations {
    std::vector<domain::StreamEvent> before;
    std::vector<domain::StreamEvent> after;
  };
  Citations Take(const domain::StreamEvent& event);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::knowledge
