#pragma once
// What a trace keeps of an answer: question, text and citations, as fields of the request's span.
// Nothing when the context does not allow text in traces.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "domain/citation.h"
#include "domain/conversation.h"
#include "domain/stream.h"

namespace strata::gateway {

// Longer texts are cut at a character.
inline constexpr std::size_t kCaptureBytesMax = 64 * 1024;

// A JSON array of {knowledge_base?, document, chunk, title, uri, quoted, answer_start, answer_end,
// score, pages}, at most 200 of them: what `strata trace` and the trace page read. Offsets are code
// points of the answer; end is exclusive.
JsonText CitationsJson(std::span<const domain::Citation> citations);

// Sets question, answer and citations on `ctx.span`.
void RecordAnswer(RequestContext& ctx, std::string_view question, std::string_view answer,
                  std::span<const domain::Citation> citations);

// Sets `messages` on `ctx.span`, a JSON array of {role, content}, where a request is more than one
// question: what an evaluation set's row is made from. A request that is not text alone, or longer
// than kCaptureBytesMax, gets `messages_left_out`, which says why. The request is whole.
void RecordConversation(RequestContext& ctx, const domain::ChatRequest& request);

// Adds up the events of one answer under way. One owner.
class AnswerCapture {
 public:
  AnswerCapture(const RequestContext& ctx, std::string question)
      : on_(ctx.span.keeps_texts()), question_(std::move(question)) {}

  void Add(const domain::StreamEvent& event);
  void Record(RequestContext& ctx) const { RecordAnswer(ctx, question_, text_, citations_); }

 private:
  bool on_;
  std::string question_;
  std::string text_;
  std::vector<domain::Citation> citations_;
};

}  // namespace strata::gateway
