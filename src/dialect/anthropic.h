#pragma once
// The Anthropic dialect: messages, count_tokens, models, both directions.
//
// Shapes: the anthropic Python SDK's types. cache_control on a block becomes a CachePoint after it
// and back. A citation of an answer belongs to a whole text block here, so an encoder cuts a text
// block at the ends of its citations' spans; a decoder sets the span to the whole block. Errors as
// in openai.h. Thread-safe: free functions without state.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dialect/meta.h"
#include "dialect/notes.h"
#include "dialect/stream.h"
#include "dialect/wire.h"
#include "domain/conversation.h"
#include "domain/model_info.h"
#include "domain/stream.h"

namespace strata::dialect::anthropic {

// kBedrock, kVertex: the bodies of InvokeModel and of rawPredict for Anthropic models:
// `anthropic_version` in the body, the model not in it; stream only for Vertex.
enum class Form : std::uint8_t { kMessages, kBedrock, kVertex };

// ---- front door ----

Result<domain::ChatRequest> DecodeChatRequest(std::string_view body, Form form = Form::kMessages);
// As above, but reads only what routing, limits and ledger need and keeps the bytes for a provider
// of this dialect (wire). What it cannot be sure of is decoded at once, so that errors are the
// decoder's.
Result<domain::ChatRequest> ScanChatRequest(std::string body, domain::WireHeaders headers);
inline constexpr std::string_view kWireFormat = "anthropic.messages";
// Body of /v1/messages/count_tokens: as above, but max_tokens is not needed.
Result<domain::ChatRequest> DecodeCountRequest(std::string_view body);
std::string EncodeChatResponse(const domain::ChatResponse& response, const AnswerMeta& meta);
std::string EncodeCountResponse(std::int64_t input_tokens);
std::unique_ptr<StreamEncoder> MakeStreamEncoder(AnswerMeta meta);

struct ListedModel {
  domain::ModelInfo info;
  std::int64_t created_s = 0;
};
// One page; the cursors are the ids of its first and last model.
std::string EncodeModelList(const std::vector<ListedModel>& page, bool has_more);
std::string EncodeModel(const ListedModel& model);

// ---- provider side ----

struct EncodeOptions {
  bool stream = false;
  Form form = Form::kMessages;
  std::int64_t default_max_tokens = 4096;  // the API demands a limit; used when none was given
  DropNotes* notes = nullptr;
};
// `request.model`, also where the form has no place for it, says how it is told to think.
Result<std::string> EncodeChatRequest(const domain::ChatRequest& request,
                                      const EncodeOptions& options);
Result<std::string> EncodeCountRequest(const domain::ChatRequest& request);
Result<domain::ChatResponse> DecodeChatResponse(std::string_view body);
Result<std::int64_t> DecodeCountResponse(std::string_view body);
std::unique_ptr<StreamDecoder> MakeStreamDecoder();
// The same answers when they are forwarded.
Result<WireFacts> ReadWireAnswer(std::string_view body);
std::unique_ptr<WireTap> MakeWireTap();
const WireCodec& MessagesWire();
Result<std::vector<std::string>> DecodeModelList(std::string_view body);

}  // namespace strata::dialect::anthropic
