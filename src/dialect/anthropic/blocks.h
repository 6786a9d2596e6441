#pragma once
// Content blocks of the Anthropic dialect, which stand in requests, answers and streams.

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dialect/json/claude.h"
#include "dialect/json/json_writer.h"
#include "dialect/json_value.h"
#include "domain/conversation.h"
#include "domain/stream.h"

namespace strata::dialect::anthropic {

// What is read of a request, in Bedrock's form and in the API's own.
inline constexpr std::array<std::string_view, 17> kMembers = {"anthropic_version",
                                                              "messages",
                                                              "max_tokens",
                                                              "system",
                                                              "stop_sequences",
                                                              "temperature",
                                                              "top_p",
                                                              "top_k",
                                                              "tools",
                                                              "tool_choice",
                                                              "thinking",
                                                              "metadata",
                                                              "output_config",
                                                              "output_format",
                                                              "model",
                                                              "stream",
                                                              "service_tier"};
inline constexpr std::span kBedrockMembers = std::span(kMembers).first<14>();
inline constexpr std::span kRequestMembers = std::span(kMembers).last<16>();

// Reads one block of a message; a CachePoint follows it in `out` when it has cache_control.
Result<> DecodeBlock(const JsonField& block, std::vector<domain::ContentBlock>& out);
// A string, or a list of blocks.
Result<> DecodeContent(const JsonField& content, std::vector<domain::ContentBlock>& out);
// {"type":"ephemeral","ttl":…}
Result<domain::CachePoint> DecodeCacheControl(const JsonField& cache_control);
Result<domain::Citation> DecodeCitation(const JsonField& citation);

// Whose signatures are bare here (ReasoningBlock::signer).
inline constexpr std::string_view kFamily = kClaudeFamily;

// Towards the API unsigned thinking and that of other families is left out, as it refuses both;
// towards a client all is written, the signatures of others marked (json/signature.h).
enum class Towards : std::uint8_t { kClient, kProvider };

// The elements of a content list. Empty texts are left out. kInvalidArgument for what the dialect
// cannot say.
Result<> WriteBlocks(JsonWriter& out, const std::vector<domain::ContentBlock>& content,
                     Towards towards);
// Something of `content` would be written towards the API, which refuses a message without content.
bool Writable(const std::vector<domain::ContentBlock>& content);
void WriteCacheControl(JsonWriter& out, const domain::CachePoint& point);
void WriteCitation(JsonWriter& out, const domain::Citation& citation);

void WriteUsage(JsonWriter& out, const domain::Usage& usage);
// Members that are missing keep what `usage` has: the parts of a stream each tell some.
void ReadUsage(const JsonField& object, domain::Usage& usage);

std::string_view StopReasonName(domain::StopReason reason);
domain::StopReason StopReasonOf(std::string_view name);

// "msg_…"
std::string AnswerId(std::string_view request_id, std::string_view provider_id);

}  // namespace strata::dialect::anthropic
