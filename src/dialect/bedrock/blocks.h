#pragma once
// Content blocks, citations, usage and stop reasons of Converse, both ways. Every union is read and
// written with exactly one member.

#include <string_view>
#include <vector>

#include "base/result.h"
#include "dialect/json/claude.h"
#include "dialect/json/json_writer.h"
#include "dialect/json_value.h"
#include "domain/conversation.h"
#include "domain/stream.h"

namespace strata::dialect::bedrock {

// Whose signatures are bare here: the only family on Bedrock that signs.
inline constexpr std::string_view kFamily = kClaudeFamily;

Result<domain::ContentBlock> DecodeBlock(const JsonField& block);
Result<> DecodeBlocks(const JsonField& list, std::vector<domain::ContentBlock>& out);
// Also of a stream's citation delta, which has the same members.
Result<domain::Citation> DecodeCitation(const JsonField& citation);
// {"type":"default","ttl":…}
Result<domain::CachePoint> DecodeCachePoint(const JsonField& point);

// The elements of a content list; empty texts, which the API refuses, are left out.
// kInvalidArgument for what the dialect cannot say.
Result<> WriteBlocks(JsonWriter& out, const std::vector<domain::ContentBlock>& content);
// Something of `content` would be written; a message without content is refused by the API.
bool Writable(const std::vector<domain::ContentBlock>& content);
void WriteCitation(JsonWriter& out, const domain::Citation& citation);
void WriteCachePoint(JsonWriter& out, const domain::CachePoint& point);

void WriteUsage(JsonWriter& out, const domain::Usage& usage);
domain::Usage ReadUsage(const JsonField& usage);

std::string_view StopReasonName(domain::StopReason reason);
domain::StopReason StopReasonOf(std::string_view name);

}  // namespace strata::dialect::bedrock
