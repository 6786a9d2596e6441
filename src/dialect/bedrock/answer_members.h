#pragma once
// Members that stand both in a Converse answer and in the last events of its stream.

#include <string_view>

#include "dialect/json/json_writer.h"
#include "dialect/meta.h"

namespace strata::dialect::bedrock {

// metrics, trace.promptRouter, performanceConfig, serviceTier.
void WriteServingMembers(JsonWriter& out, const AnswerMeta& meta);

// additionalModelResponseFields: "strata", and the stop sequence that matched.
void WriteAdditionalFields(JsonWriter& out, const AnswerMeta& meta, std::string_view stop_sequence);

}  // namespace strata::dialect::bedrock
