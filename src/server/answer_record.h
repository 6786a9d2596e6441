#pragma once
// Keeps a RetrieveAndGenerate answer in its trace, in the form that chat answers have there.

#include <string_view>

#include "base/context.h"
#include "knowledge/retrieve_and_generate.h"

namespace strata::server {

void RecordAnswer(RequestContext& ctx, std::string_view question,
                  const knowledge::RetrieveAndGenerateResponse& response);

}  // namespace strata::server
