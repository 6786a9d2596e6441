#pragma once
// Members that stand both in a Converse answer and in the last events of its stream.

#include <string_view>
#include <vector>

#include "dialect/json/json_writer.h"
#include "dialect/meta.h"
#include "domain/citation.h"

namespace strata::dialect::bedrock {

// metrics, trace.promptRouter, performanceConfig, serviceTier.
void WriteServingMembers(JsonWriter& out, const AnswerMeta& meta);

// additionalModelResponseFields: "strata" (`placed` as in json/strata_member.h), and the stop
// sequence that matched.
void WriteAdditionalFields(JsonWriter& out, const AnswerMeta& meta, std::string_view stop_sequence,
                           const std::vector<domain::Citation>& placed);

}  // namespace strata::dialect::bedrock
