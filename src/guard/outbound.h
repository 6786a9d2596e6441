#pragma once
// The one check before anything leaves for a model: may a deployment see what this request holds?

#include "base/context.h"
#include "base/result.h"
#include "domain/model_info.h"

namespace strata::guard {

// Compares the labels and regions of `ctx` with what the deployment declares. Fails closed: a label
// the deployment does not list in its clearance is not cleared, and a deployment that declares no
// region is outside every restriction. Error: kPermissionDenied, naming the label or region and the
// deployment. Pure, any thread, O(labels).
Result<> CheckOutbound(const domain::ModelInfo& deployment, const RequestContext& ctx);

}  // namespace strata::guard
