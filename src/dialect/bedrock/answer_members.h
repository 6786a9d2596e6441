#pragma once
// Members that stand both in a Converse answer and in the last events of its stream.

#include <string>
#include <string_view>
#include <vector>

#include "dialect/bedrock.h"
#include "dialect/json/json_writer.h"
#include "dialect/meta.h"
#include "domain/citation.h"

namespace strata::dialect::bedrock {

// metrics, trace, performanceConfig, serviceTier.
void WriteServingMembers(JsonWriter& out, const AnswerMeta& meta, const GuardrailNotes& guardrail);

// additionalModelResponseFields: "strata" (`placed` as in json/strata_member.h), and the stop
// sequence that matched.
void WriteAdditionalFields(JsonWriter& out, const AnswerMeta& meta, std::string_view stop_sequence,
                           const std::vector<domain::Citation>& placed);

// Of InvokeModel, whose answers are the vendors': what Bedrock adds to them. `json`: an object with
// at least one member.
std::string WithMember(std::string json, std::string_view key, std::string_view value);
// "amazon-bedrock-guardrailAction" and "amazon-bedrock-trace", where a guardrail was named.
std::string WithGuardrailMembers(std::string json, const GuardrailNotes& guardrail);

}  // namespace strata::dialect::bedrock
