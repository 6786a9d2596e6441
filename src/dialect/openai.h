#pragma once
// The OpenAI dialect: chat completions, embeddings, models, both directions.
//
// Shapes: the openai Python SDK's types (checked against openai 2.x); reasoning_content as vLLM and
// DeepSeek write it; annotations[].url_citation with code point offsets of the message content.
// Every decoder takes hostile bytes: errors are kInvalidArgument with the member's path, kTooLarge
// over the limits of json_value.h. Thread-safe: free functions without state.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dialect/embedding.h"
#include "dialect/meta.h"
#include "dialect/notes.h"
#include "dialect/stream.h"
#include "dialect/wire.h"
#include "domain/conversation.h"
#include "domain/model_info.h"
#include "domain/stream.h"

namespace strata::dialect::openai {

// ---- front door: what clients send us, and what we answer ----

struct ChatCompletionRequest {
  domain::ChatRequest chat;    // top-level members that we do not know are in chat.extra
  bool include_usage = false;  // stream_options.include_usage
};
Result<ChatCompletionRequest> DecodeChatRequest(std::string_view body);

// As above, but reads only what routing, limits and ledger need and keeps the bytes for a provider
// of this dialect (chat.wire). What it cannot be sure of is decoded at once, so that errors are the
// decoder's.
Result<ChatCompletionRequest> ScanChatRequest(std::string body, domain::WireHeaders headers);
inline constexpr std::string_view kWireFormat = "openai.chat";

std::string EncodeChatResponse(const domain::ChatResponse& response, const AnswerMeta& meta);
std::unique_ptr<StreamEncoder> MakeStreamEncoder(AnswerMeta meta, bool include_usage);

Result<EmbedRequest> DecodeEmbedRequest(std::string_view body);
std::string EncodeEmbedResponse(const EmbeddingView& vectors, VectorEncoding encoding,
                                std::string_view model);

struct ListedModel {
  domain::ModelInfo info;
  std::int64_t created_s = 0;
};
std::string EncodeModelList(const std::vector<ListedModel>& models);
std::string EncodeModel(const ListedModel& model);

// ---- provider side: what we send to an OpenAI-compatible server, and what it answers ----

struct EncodeOptions {
  bool stream = false;
  bool name_model = true;  // false for Azure's form, where the deployment is in the path
  // OpenAI's own models, at OpenAI or Azure: they know max_completion_tokens, take at most four
  // stop sequences and no reasoning back. Others know only max_tokens.
  bool own_models = false;
  DropNotes* notes = nullptr;
};
// Errors: kInvalidArgument when the conversation holds what this dialect cannot say (a document by
// address, a member of another dialect's `extra`), named.
Result<std::string> EncodeChatRequest(const domain::ChatRequest& request,
                                      const EncodeOptions& options);
// Errors: kUnavailable when the answer is not what the dialect promises.
Result<domain::ChatResponse> DecodeChatResponse(std::string_view body);
std::unique_ptr<StreamDecoder> MakeStreamDecoder();
// The same answers when they are forwarded. `hide_usage`: the event that holds nothing but usage is
// kept from the client.
Result<WireFacts> ReadWireAnswer(std::string_view body);
// `choices`: how many were asked for; the answer is whole when each of them has ended.
std::unique_ptr<WireTap> MakeWireTap(bool hide_usage, std::int64_t choices = 1);
const WireCodec& ChatWire();

std::string EncodeEmbedRequest(const EmbedRequest& request);
// `count`: how many rows were asked for. Rows may come in any order, as floats or base64.
Result<EmbeddingRows> DecodeEmbedResponse(std::string_view body, std::size_t count);
// Ids of GET /v1/models.
Result<std::vector<std::string>> DecodeModelList(std::string_view body);

}  // namespace strata::dialect::openai
