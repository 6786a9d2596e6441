#pragma once
// Which knowledge bases a key may touch: what a base holds is what the model kb/NAME gives, so the
// key's list of models decides for every operation on a base, in every API. Bases that were made of
// a folder by `strata ask` are open only where the list says so (guard/model_access.h).

#include <string_view>

#include "base/context.h"
#include "base/result.h"
#include "knowledge/knowledge_base.h"

namespace strata::server {

// kPermissionDenied, naming the model, when the key's list does not allow kb/NAME.
Result<> CheckBaseNameAllowed(std::string_view name, const RequestContext& ctx);

// The same for a base by its id; kNotFound. "" is no base: the sources come with the request.
Result<> CheckBaseAllowed(const knowledge::KnowledgeBases& bases, std::string_view id,
                          const RequestContext& ctx);

}  // namespace strata::server
