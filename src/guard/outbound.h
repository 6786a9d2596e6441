#pragma once
// The one check before anything leaves for a model: may a deployment see what this request holds?

#include "base/context.h"
#include "base/result.h"
#include "domain/model_info.h"

namespace strata::guard {

// Compares the labels, regions and retention of `ctx` with what the deployment declares. Fails
// closed: a label the deployment does not list in its clearance is not cleared, a deployment that
// declares no region is outside every restriction, and one that declares no retention keeps what it
// is sent for ever. Error: kPermissionDenied, naming the label, region or term and the deployment.
// Pure, any thread, O(labels).
Result<> CheckOutbound(const domain::ModelInfo& deployment, const RequestContext& ctx);

}  // namespace strata::guard
