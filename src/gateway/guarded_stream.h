#pragma once
// An answer on its way past the guardrails: held until they have judged it, then released as it
// came; only what must be masked is changed.

#include <memory>

#include "base/context.h"
#include "guard/guardrails.h"
#include "provider/chat_model.h"

namespace strata::gateway {

// `inner` gives decoded events, also beside bytes that are forwarded (ChatRequest::answer_is_read).
// Text leaves once so much more has come that no finding can reach it; tool inputs and reasoning
// leave whole, or not at all: what would be masked in them, in names, or where two text blocks
// meet, is blocked. A forwarded answer that is masked goes on as decoded events (domain::WireStop);
// its bytes are judged as well, string by string, for what no decoder knows. A call that is blocked
// ends so in the ledger where `inner` is a metered stream. `ctx` outlives it.
std::unique_ptr<provider::ChatStream> Guarded(std::unique_ptr<provider::ChatStream> inner,
                                              std::shared_ptr<const guard::Guardrails> guardrails,
                                              RequestContext& ctx);

}  // namespace strata::gateway
