#pragma once
// Retrieve and RetrieveAndGenerate in Bedrock's JSON (bedrock-agent-runtime 2023-07-26), both
// directions.
//
// Members of the contract that this server does not have (managed search, images) are refused by
// name, never skipped.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "knowledge/retrieval.h"
#include "knowledge/retrieve_and_generate.h"
#include "server/api/guardrail_json.h"

namespace strata::server {

// "ABCDEFGHIJ" of an id or of "arn:…:knowledge-base/ABCDEFGHIJ".
std::string KnowledgeBaseIdOf(std::string_view id_or_arn);
// The model id of an ARN ("…:foundation-model/ID"), or the text itself.
std::string ModelIdOf(std::string_view id_or_arn);

struct RetrieveCall {
  knowledge::RetrieveRequest request;
  std::optional<knowledge::ImplicitFilter> implicit_filter;
  std::string user_id;  // userContext.userId
  GuardrailAsked guardrail;
};
// Errors: kInvalidArgument with the member, kUnsupported for what this server lacks.
Result<RetrieveCall> DecodeRetrieve(std::string_view knowledge_base, std::string_view body);
// `intervened`: whether a guardrail changed query or results; absent: none judged them.
std::string EncodeRetrieveResponse(const knowledge::RetrieveResponse& response,
                                   std::optional<bool> intervened = std::nullopt);

// CheckIngestedDocumentAcl; Bedrock's limits.
struct CheckDocumentAclCall {
  std::string document_id;
  std::string user_id;
};
Result<CheckDocumentAclCall> DecodeCheckDocumentAcl(std::string_view body);

struct RetrieveAndGenerateCall {
  knowledge::RetrieveAndGenerateRequest request;
  std::string user_id;
  GuardrailAsked guardrail;
};
Result<RetrieveAndGenerateCall> DecodeRetrieveAndGenerate(std::string_view body);
std::string EncodeRetrieveAndGenerateResponse(
    const knowledge::RetrieveAndGenerateResponse& response);
// Payload of a `citation` event.
std::string EncodeCitationEvent(const knowledge::AnswerCitation& citation);

}  // namespace strata::server
