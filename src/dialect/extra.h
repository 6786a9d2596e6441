#pragma once
// Members of a caller's dialect that the domain has no word for, where the model that was chosen
// speaks another dialect or none.

#include "base/result.h"
#include "dialect/notes.h"
#include "domain/conversation.h"

namespace strata::dialect {

// For models that know no member of ChatRequest::extra. Hints that change no answer (store,
// prompt_cache_key, …) are noted, what asks for nothing (presence_penalty 0, an empty list) is left
// out, anything else is kInvalidArgument by name: dropping it would change what was asked for.
Result<> RefuseExtra(const domain::ChatRequest& request, DropNotes& notes);

// For models that give no log-probabilities: kInvalidArgument when they are wanted.
Result<> RefuseLogprobs(const domain::ChatRequest& request);

}  // namespace strata::dialect
