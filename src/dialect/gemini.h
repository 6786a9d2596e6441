#pragma once
// The Gemini dialect: generateContent and its stream, countTokens, embeddings, models; both
// directions, and Vertex AI's form of the embeddings.
//
// Shapes: the google-genai Python SDK's types (checked against 3.6). Members are read in camel case
// and in snake case, as the API does. Offsets of citations count bytes of a part's text here. The
// model is in the path, so ChatRequest::model is empty after decoding. Errors as in openai.h.
// Thread-safe: free functions without state.

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

namespace strata::dialect::gemini {

// ---- front door ----

struct GenerateRequest {
  domain::ChatRequest chat;
  bool include_thoughts = false;  // thinkingConfig.includeThoughts: thoughts are shown
};
Result<GenerateRequest> DecodeGenerate(std::string_view body);
// As above, but reads only what routing, limits and ledger need and keeps the bytes for Gemini
// itself (chat.wire). `format`, of those below, says how a stream is to come. What it cannot be
// sure of is decoded at once, so that errors are the decoder's.
Result<GenerateRequest> ScanGenerate(std::string body, domain::WireHeaders headers,
                                     std::string_view format);
inline constexpr std::string_view kWireFormat = "gemini.generate";             // server-sent events
inline constexpr std::string_view kArrayWireFormat = "gemini.generate-array";  // one JSON array
// Whether a step of the current turn calls tools without a signature, which models that demand them
// (Gemini 3) refuse: the request must be decoded for them, so that the call is marked. Steps are
// the contents of the model since the user last said something; the first call of each is signed.
// Source: the API's guide on thought signatures.
bool LacksSignature(std::string_view body);
// Whether every one of a body's contents names its role, which Vertex AI demands. May say no
// wrongly.
bool NamesRoles(std::string_view body);
// Body of countTokens: contents, or a whole generateContentRequest.
Result<domain::ChatRequest> DecodeCount(std::string_view body);

struct AnswerOptions {
  bool include_thoughts = false;
  bool sse = true;  // false: a stream is one JSON array, as without alt=sse
};
std::string EncodeGenerateResponse(const domain::ChatResponse& response, const AnswerMeta& meta,
                                   const AnswerOptions& options);
std::unique_ptr<StreamEncoder> MakeStreamEncoder(AnswerMeta meta, const AnswerOptions& options);
std::string EncodeCountResponse(std::int64_t total_tokens);

// embedContent, batchEmbedContents: all requests of a batch must agree on taskType,
// outputDimensionality and autoTruncate.
Result<EmbedRequest> DecodeEmbed(std::string_view body);
Result<EmbedRequest> DecodeBatchEmbed(std::string_view body);
std::string EncodeEmbedResponse(const EmbeddingView& vectors);
std::string EncodeBatchEmbedResponse(const EmbeddingView& vectors);

// One page of the list; `next_page_token` may be empty.
std::string EncodeModelList(const std::vector<domain::ModelInfo>& page,
                            std::string_view next_page_token);
std::string EncodeModel(const domain::ModelInfo& model);

// ---- provider side ----

struct EncodeOptions {
  DropNotes* notes = nullptr;
  // Gemini 3 refuses function calls without their signature: those of other models are marked as
  // the API's guide on thought signatures advises.
  bool mark_unsigned_calls = false;
};
Result<std::string> EncodeGenerate(const domain::ChatRequest& request,
                                   const EncodeOptions& options);
Result<domain::ChatResponse> DecodeGenerateResponse(std::string_view body);
// Of streamGenerateContent?alt=sse.
std::unique_ptr<StreamDecoder> MakeStreamDecoder();
std::unique_ptr<StreamDecoder> MakeArrayStreamDecoder();  // without alt=sse
// How answers to one of the wire formats above are forwarded; null for another format.
const WireCodec* GenerateWire(std::string_view format);
// What a call of that form is named in its path, and how it asks for its stream.
std::string_view StreamOperation(std::string_view format);
Result<std::string> EncodeCount(const domain::ChatRequest& request, std::string_view model);
// Vertex: the bare members.
Result<std::string> EncodePredictCount(const domain::ChatRequest& request);
Result<std::int64_t> DecodeCountResponse(std::string_view body);

// batchEmbedContents; `request.model` is named in each of its requests.
std::string EncodeBatchEmbed(const EmbedRequest& request);
Result<EmbeddingRows> DecodeBatchEmbedResponse(std::string_view body, std::size_t count);
// Vertex: predict.
std::string EncodePredictEmbed(const EmbedRequest& request);
Result<EmbeddingRows> DecodePredictEmbedResponse(std::string_view body, std::size_t count);

// Ids of the list, without "models/"; Vertex: of publisherModels.
Result<std::vector<std::string>> DecodeModelList(std::string_view body);
Result<std::vector<std::string>> DecodePublisherModelList(std::string_view body);

}  // namespace strata::dialect::gemini
