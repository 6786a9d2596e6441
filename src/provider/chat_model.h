#pragma once
// A ChatModel serves one model of one provider. Swap it to add a provider; nothing above this
// header knows which one runs. Implementations: llama/, openai/, anthropic/, bedrock/, and
// knowledge/answer; the fake is in tests/fakes.

#include <memory>

#include "base/context.h"
#include "base/task.h"
#include "domain/conversation.h"
#include "domain/model_info.h"
#include "domain/stream.h"

namespace strata::provider {

// One answer being generated. Not thread-safe: used by the request's own coroutine. Destroying it
// cancels the generation.
class ChatStream {
 public:
  virtual ~ChatStream() = default;

  // Next event, in order, up to StreamEnd or an error; calling again after either is a bug.
  // Errors: kUnavailable (peer closed early; text so far stands), kDeadlineExceeded, kCancelled.
  virtual Task<Result<domain::StreamEvent>> Next() = 0;

  // Tokens to bill so far. Valid at any moment, also after an error; an estimate until the provider
  // has said its own count.
  virtual domain::Usage UsageSoFar() const = 0;

  // How a call whose answer somebody reads (ChatRequest::answer_is_read) ends on record: before its
  // StreamEnd is handed on with null, or, when what was read must not leave, with the reason. Who
  // wraps a stream passes it on; errors: it cannot be recorded.
  virtual Result<> Record(const Error* blocked) {
    static_cast<void>(blocked);
    return {};
  }
};

// Thread-safe; one object serves all requests for its model.
class ChatModel {
 public:
  virtual ~ChatModel() = default;

  // Returns once the provider has accepted the request, before the first token: until then a caller
  // may still fail over. `request` is taken; it is not moved from one coroutine to the next on its
  // way down, so it must live until the returned task ends. `ctx` must outlive the stream. Errors:
  // kInvalidArgument (model cannot do what was asked; not retried), kRateLimited (retry_after set
  // when the provider said so), kUnavailable, kDeadlineExceeded.
  virtual Task<Result<std::unique_ptr<ChatStream>>> Start(domain::ChatRequest&& request,
                                                          RequestContext& ctx) = 0;

  // Prompt tokens that this request would take, exact where the tokenizer is here or the provider
  // counts for us. kUnsupported when neither is so.
  virtual Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request,
                                                 RequestContext& ctx) = 0;

  // Constant for the object's life.
  virtual const domain::ModelInfo& Info() const = 0;
};

}  // namespace strata::provider
