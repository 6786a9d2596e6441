#pragma once
// Stored prompts in Bedrock's JSON (bedrock-agent 2023-06-05), and what one asks of a model.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/conversation.h"
#include "server/prompts/prompt_store.h"

namespace strata::server {

// Of CreatePrompt and UpdatePrompt. kInvalidArgument names the member.
Result<PromptContent> DecodePromptContent(std::string_view body);
// {description} of CreatePromptVersion; the body may be empty.
Result<std::string> DecodePromptVersion(std::string_view body);

enum class PromptData : std::uint8_t { kAll, kMetadata };
std::string EncodePrompt(const Prompt& prompt, PromptData data = PromptData::kAll);
std::string EncodePromptList(const std::vector<Prompt>& prompts, std::string_view next_token);
// The model of the variant that RenderPrompt takes; "" when it names none.
std::string ModelOfPrompt(const Prompt& prompt);
std::string EncodePromptDeleted(std::string_view id, std::string_view version);

// The variables of the variant that RenderPrompt takes. Errors as there.
Result<std::vector<std::string>> VariablesOfPrompt(const Prompt& prompt);

// The request that a prompt stands for: the default variant's messages, system, tools, inference
// configuration and model, with {{name}} filled from `variables`. kInvalidArgument when a variable
// has no value, a value has no variable, or there is no variant or model.
Result<domain::ChatRequest> RenderPrompt(const Prompt& prompt,
                                         const std::map<std::string, std::string>& variables);

}  // namespace strata::server
