#pragma once
// The answer of a router's plan: what was read already, then what comes.

#include <memory>
#include <optional>
#include <vector>

#include "base/context.h"
#include "gateway/answer_taker.h"
#include "gateway/routing/session_table.h"
#include "gateway/routing/step.h"
#include "provider/chat_model.h"

namespace strata::gateway {

// Where the conversation's model is remembered when the answer has ended.
struct SessionNote {
  std::shared_ptr<SessionTable> table;  // null: it is not
  std::uint64_t key = 0;
  std::string model;
};

// The answer of a step that stands; `ctx` outlives it.
std::unique_ptr<provider::ChatStream> ReplayStream(std::shared_ptr<Step> step, RequestContext& ctx);

// The answer of one model under way; `ctx` outlives it.
std::unique_ptr<provider::ChatStream> RoutedStream(std::unique_ptr<provider::ChatStream> inner,
                                                   RequestContext& ctx, SessionNote note);

// The same answer, which `taker` gets when it has ended and the stream goes: the caller has all of
// it then. `ctx` and `taker` outlive it.
std::unique_ptr<provider::ChatStream> TappedStream(std::unique_ptr<provider::ChatStream> inner,
                                                   AnswerTaker& taker, AnsweredRequest sample,
                                                   RequestContext& ctx);

}  // namespace strata::gateway
