#pragma once
// A model source whose models are all metered (meter.h): how providers enter the registry.

#include <memory>

#include "provider/registry.h"
#include "store/journal.h"

namespace strata::gateway {

// Thread-safe. `journal` outlives the source and what it makes.
std::shared_ptr<provider::ModelSource> MeteredSource(std::shared_ptr<provider::ModelSource> source,
                                                     store::Journal& journal);

}  // namespace strata::gateway
