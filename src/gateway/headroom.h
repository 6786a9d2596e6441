#pragma once
// What is left of a model's capacity, for prices of scarce quotas.

#include "provider/chat_model.h"
#include "route/shadow_price.h"

namespace strata::gateway {

// A model whose deployments are watched.
class HasHeadroom {
 public:
  virtual ~HasHeadroom() = default;
  // Of the deployment that has most left, without fallbacks; one that is throttled has nothing.
  virtual route::Headroom Left() = 0;
};

// Nothing known: of a model without deployments that are watched.
route::Headroom HeadroomOf(provider::ChatModel& model);

}  // namespace strata::gateway
