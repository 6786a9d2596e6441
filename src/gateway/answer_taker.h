#pragma once
// Who is handed routed requests once they are answered, to learn from them (shadow labels).

#include <memory>

#include "base/context.h"
#include "domain/stream.h"
#include "route/policy_router.h"

namespace strata::gateway {

struct AnsweredRequest {
  std::shared_ptr<const route::PolicyRouter> router;
  std::shared_ptr<const route::Decision> decision;
  std::size_t candidate =
      0;               // of the decision's: who answered, in a cascade or in place of another
  RequestFacts facts;  // with the labels of the answer; cancel and deadline are the past's
  domain::ChatRequest request;  // whole, without its bytes
  domain::ChatResponse answer;  // whole
};

// Thread-safe; neither call blocks.
class AnswerTaker {
 public:
  virtual ~AnswerTaker() = default;
  // Whether this request is one of the sample; asked before the model is, so that nothing is copied
  // of the others.
  virtual bool Wants(const route::PolicyRouter& router, const route::Decision& decision,
                     const RequestContext& ctx) = 0;
  // After the last event was handed to the caller. Answers that were cut are not handed on.
  virtual void Take(AnsweredRequest answered) = 0;
};

}  // namespace strata::gateway
