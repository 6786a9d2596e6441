#pragma once
// A Moderator says which kinds of harm a text or an image holds. Implementation: openai/ (POST
// /moderations, as OpenAI and Mistral serve it).

#include "base/context.h"
#include "base/task.h"
#include "domain/model_info.h"
#include "domain/moderation.h"

namespace strata::provider {

// Thread-safe.
class Moderator {
 public:
  virtual ~Moderator() = default;

  // Errors as ChatModel::Start.
  virtual Task<Result<domain::Moderation>> Moderate(domain::ModerationRequest request,
                                                    RequestContext& ctx) = 0;

  virtual const domain::ModelInfo& Info() const = 0;
};

}  // namespace strata::provider
