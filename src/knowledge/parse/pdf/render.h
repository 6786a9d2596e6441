#pragma once
// One page of a PDF to PNG, with marked boxes. In the child only.

#include "base/result.h"
#include "knowledge/page_render.h"

namespace strata::knowledge::pdf {

Result<RenderedPage> RenderPage(const RenderInput& input, const ParseLimits& limits);

}  // namespace strata::knowledge::pdf
