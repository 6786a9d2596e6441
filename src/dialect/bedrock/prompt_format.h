#pragma once
// The bare-prompt bodies of InvokeModel: Meta's and Mistral's. The prompt is taken as one user
// message: a model's own chat template replaces the one that the caller may have written into it.

#include <string>

#include "dialect/bedrock.h"
#include "dialect/json_value.h"

namespace strata::dialect::bedrock {

Result<domain::ChatRequest> DecodeMeta(const JsonField& body);
Result<domain::ChatRequest> DecodeMistral(const JsonField& body);

// One answer, or one piece of it: `stop` is null until the end.
struct PromptAnswer {
  std::string text;
  std::optional<domain::StopReason> stop;
  std::optional<domain::Usage> usage;
};
// `metrics`: amazon-bedrock-invocationMetrics as JSON, "" for none.
std::string EncodePromptAnswer(InvokeFormat format, const PromptAnswer& answer,
                               const AnswerMeta& meta, std::string_view metrics);

}  // namespace strata::dialect::bedrock
