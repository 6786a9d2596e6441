#pragma once
// The meter: the wrapper around every model of the registry. One call = one outbound check, one
// intent in the journal before the provider is called, one span, one final before the last event is
// handed on.
//
// Because the registry holds only wrapped models, no caller (gateway, knowledge base, judge) can go
// around it.

#include <memory>
#include <string_view>

#include "base/context.h"
#include "domain/money.h"
#include "domain/usage.h"
#include "provider/chat_model.h"
#include "provider/embedder.h"
#include "provider/moderator.h"
#include "provider/reranker.h"
#include "store/journal.h"

namespace strata::gateway {

// Set by the meter on the span of every call that it records, whatever came of it, and by nobody
// else on a span named provider.*: these are the calls of a request.
inline constexpr std::string_view kCostField = "cost_usd";

// All are thread-safe. `journal` outlives them and their streams.
// Errors beside the model's own: kPermissionDenied (labels, regions), kUnavailable (the journal is
// full).
std::shared_ptr<provider::ChatModel> Metered(std::shared_ptr<provider::ChatModel> model,
                                             store::Journal& journal);
std::shared_ptr<provider::Embedder> Metered(std::shared_ptr<provider::Embedder> embedder,
                                            store::Journal& journal);
std::shared_ptr<provider::Reranker> Metered(std::shared_ptr<provider::Reranker> reranker,
                                            store::Journal& journal);
std::shared_ptr<provider::Moderator> Metered(std::shared_ptr<provider::Moderator> moderator,
                                             store::Journal& journal);

// What a call of that usage would have cost at what it is compared with; nullopt: with nothing.
std::optional<domain::Money> CostUnder(const std::optional<Baseline>& baseline,
                                       const domain::Usage& usage);

}  // namespace strata::gateway
