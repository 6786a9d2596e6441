#pragma once
// The members of an assistant message, which stand in requests (played back) and in answers; usage
// and finish reasons both ways.

#include <string>
#include <string_view>
#include <vector>

#include "dialect/json/json_writer.h"
#include "dialect/json_value.h"
#include "domain/conversation.h"
#include "domain/stream.h"

namespace strata::dialect::openai {

// kPlayBack: in a request; kAnswer: with "refusal" and, when there are citations, "annotations".
// kRefusal: the text is the refusal.
enum class MessageUse : std::uint8_t { kPlayBack, kAnswer, kRefusal };

// Writes role, content, reasoning_content, tool_calls, … into the open object. kInvalidArgument
// for blocks that an assistant message cannot hold here.
Result<> WriteAssistantMembers(JsonWriter& out, const std::vector<domain::ContentBlock>& content,
                               MessageUse use);

// A piece of content that comes as a list, as Mistral's models that think write it.
struct AnswerPart {
  std::string text;  // not empty
  bool thought = false;
};
// Parts of other types, which may be newer than this code, are left out.
std::vector<AnswerPart> ReadParts(const JsonField& content);

void WriteUsage(JsonWriter& out, const domain::Usage& usage);
// Of a usage object; members that are missing or of a wrong type count as 0.
domain::Usage ReadUsage(const JsonField& usage);

std::string_view FinishReason(domain::StopReason reason);
domain::StopReason StopReasonOf(std::string_view finish_reason);

// "chatcmpl-…"
std::string AnswerId(std::string_view request_id, std::string_view provider_id);

}  // namespace strata::dialect::openai
