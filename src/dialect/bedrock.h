#pragma once
// The Bedrock dialect: Converse, ConverseStream, CountTokens, InvokeModel bodies by vendor, model
// lists; both directions where we also call Bedrock.
//
// Shapes: botocore's service models bedrock (2023-04-20) and bedrock-runtime (2023-09-30). Unions
// are decoded only with exactly one member, and encoded with exactly one. Errors as in openai.h.
// Thread-safe: free functions without state.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
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

namespace strata::dialect::bedrock {

// ---- Converse ----

struct GuardrailConfig {
  std::string identifier;
  std::string version;
  std::string trace;            // "enabled", "disabled", "enabled_full", ""
  std::string processing_mode;  // ConverseStream: "sync", "async", ""
};

struct ConverseRequest {
  domain::ChatRequest chat;  // model is empty: it is in the path
  std::optional<GuardrailConfig> guardrail;
  std::map<std::string, std::string> prompt_variables;
  std::vector<std::string> response_field_paths;  // additionalModelResponseFieldPaths
  std::string performance_latency;                // "standard", "optimized", ""
};
Result<ConverseRequest> DecodeConverse(std::string_view body);
// As above, but reads only what routing, limits and ledger need and keeps the bytes for Bedrock
// itself (chat.wire). What it cannot be sure of is decoded at once, so that errors are the
// decoder's.
Result<ConverseRequest> ScanConverse(std::string body, domain::WireHeaders headers);
inline constexpr std::string_view kConverseWireFormat = "bedrock.converse";
// What an answer tells of the guardrails that judged a call which named one.
struct GuardrailNote {
  std::string trace;   // JSON; "" leaves it out
  std::string action;  // InvokeModel: "INTERVENED", "NONE"; "" leaves it out
};
using GuardrailNotes = std::function<GuardrailNote()>;  // asked at the answer's end; unset: no call
std::string EncodeConverseResponse(const domain::ChatResponse& response, const AnswerMeta& meta,
                                   const GuardrailNotes& guardrail = {});
std::unique_ptr<StreamEncoder> MakeConverseStreamEncoder(AnswerMeta meta,
                                                         GuardrailNotes guardrail = {});

// `chat.model` says whose rules hold for reasoning that is played back.
Result<std::string> EncodeConverse(const ConverseRequest& request, DropNotes* notes = nullptr);
Result<domain::ChatResponse> DecodeConverseResponse(std::string_view body);
std::unique_ptr<StreamDecoder> MakeConverseStreamDecoder();
const WireCodec& ConverseWire();  // the same answers when they are forwarded

// ---- CountTokens: input.converse, or input.invokeModel with the model's own body ----

// `model_id` chooses the vendor format of an invokeModel body, as in DecodeInvoke.
Result<domain::ChatRequest> DecodeCountTokens(std::string_view model_id, std::string_view body);
std::string EncodeCountTokensResponse(std::int64_t input_tokens);
Result<std::string> EncodeCountTokens(const domain::ChatRequest& request);
Result<std::int64_t> DecodeCountTokensResponse(std::string_view body);

// ---- InvokeModel and InvokeModelWithResponseStream ----

enum class InvokeFormat : std::uint8_t {
  kAnthropic,    // messages with anthropic_version bedrock-2023-05-31
  kOpenAi,       // chat completions body, as openai.gpt-oss-* take it
  kMeta,         // {prompt, max_gen_len, temperature, top_p}
  kMistral,      // {prompt, max_tokens, stop, temperature, top_p, top_k}
  kTitanEmbed,   // {inputText, dimensions, normalize, embeddingTypes}
  kCohereEmbed,  // {texts, input_type, truncate, embedding_types}
  kOther,        // one that we do not know: forwarded, or refused
};

struct InvokeRequest {
  InvokeFormat format = InvokeFormat::kAnthropic;
  std::variant<domain::ChatRequest, EmbedRequest> call;
  std::vector<std::string> embedding_types;  // kCohereEmbed, kTitanEmbed: as asked; empty: default
};

// The vendor prefix of the id as the caller wrote it (a region prefix such as "us." is skipped)
// chooses the format, else the shape of the body.
Result<InvokeRequest> DecodeInvoke(std::string_view model_id, std::string_view body);
// As ScanConverse. A body of no vendor that we know is a chat request too, which only Bedrock can
// read.
Result<InvokeRequest> ScanInvoke(std::string_view model_id, std::string body,
                                 domain::WireHeaders headers);
const WireCodec* InvokeWire(std::string_view wire_format);  // null: not one of them
std::string EncodeInvokeChatResponse(InvokeFormat format, const domain::ChatResponse& response,
                                     const AnswerMeta& meta, const GuardrailNotes& guardrail = {});
std::string EncodeInvokeEmbedResponse(const InvokeRequest& request, const EmbeddingView& vectors,
                                      const AnswerMeta& meta);
// Frames `chunk{bytes}` of the vendor's own stream JSON; the last carries
// "amazon-bedrock-invocationMetrics". Only for chat formats.
std::unique_ptr<StreamEncoder> MakeInvokeStreamEncoder(InvokeFormat format, AnswerMeta meta,
                                                       GuardrailNotes guardrail = {});

// Provider side: embeddings through InvokeModel. Titan takes one text a call.
Result<std::string> EncodeInvokeEmbedRequest(InvokeFormat format, const EmbedRequest& request);
Result<EmbeddingRows> DecodeInvokeEmbedResponse(InvokeFormat format, std::string_view body);

// ---- models of the control plane ----

struct ModelFilter {
  std::string provider;            // byProvider, compared without case
  std::string output_modality;     // byOutputModality: TEXT, IMAGE, EMBEDDING
  std::string inference_type;      // byInferenceType: ON_DEMAND, PROVISIONED
  std::string customization_type;  // byCustomizationType: FINE_TUNING, …
};
// From a query string ("byProvider=…&byOutputModality=TEXT"); kInvalidArgument for an unknown
// value.
Result<ModelFilter> DecodeModelFilter(std::string_view query);
// `region` appears in the ARNs.
std::string EncodeModelList(const std::vector<domain::ModelInfo>& models, const ModelFilter& filter,
                            std::string_view region);
std::string EncodeModel(const domain::ModelInfo& model, std::string_view region);
// Ids of ListFoundationModels.
Result<std::vector<std::string>> DecodeModelList(std::string_view body);

}  // namespace strata::dialect::bedrock
