// Converse answers in one piece, and CountTokens, both ways.

#include <fmt/format.h>

#include "base/check.h"
#include "base/encoding.h"
#include "dialect/bedrock.h"
#include "dialect/bedrock/answer_members.h"
#include "dialect/bedrock/blocks.h"
#include "dialect/bedrock/converse_fields.h"
#include "dialect/json/strata_member.h"
#include "dialect/json/upstream.h"

namespace strata::dialect::bedrock {
namespace {

bool KnownInAnswers(std::string_view kind) {
  return kind == "text" || kind == "toolUse" || kind == "reasoningContent" ||
         kind == "citationsContent";
}

Result<domain::ChatResponse> Decode(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  domain::ChatResponse out;
  auto output = body.Get("output");
  auto message = output.Get("message");
  auto content = message.Get("content");
  STRATA_CHECK_OK(content.ExpectArray());
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto item = content.Item(i);
    STRATA_TRY(auto kind, item.OnlyMember());
    if (!KnownInAnswers(kind)) continue;  // output of the provider's own tools
    STRATA_TRY(auto block, DecodeBlock(item));
    out.content.push_back(std::move(block));
  }
  out.stop_reason = StopReasonOf(body.TextAt("stopReason"));
  auto additional = body.Get("additionalModelResponseFields");
  out.stop_sequence = additional.TextAt("stop_sequence");
  auto usage = body.Get("usage");
  out.usage = ReadUsage(usage);
  return out;
}

}  // namespace

void WriteServingMembers(JsonWriter& out, const AnswerMeta& meta, const GuardrailNotes& guardrail) {
  const auto told = guardrail ? guardrail().trace : std::string();
  out.Key("metrics").BeginObject();
  out.Field("latencyMs", static_cast<std::int64_t>(meta.latency.count())).EndObject();
  if (!meta.invoked_model_id.empty() || !told.empty()) {
    out.Key("trace").BeginObject();
    if (!told.empty()) out.RawField("guardrail", told);
    if (!meta.invoked_model_id.empty()) {
      out.Key("promptRouter").BeginObject();
      out.Field("invokedModelId", meta.invoked_model_id).EndObject();
    }
    out.EndObject();
  }
  if (!meta.performance_latency.empty()) {
    out.Key("performanceConfig").BeginObject().Field("latency", meta.performance_latency);
    out.EndObject();
  }
  if (!meta.service_tier.empty()) {
    out.Key("serviceTier").BeginObject().Field("type", meta.service_tier).EndObject();
  }
}

void WriteAdditionalFields(JsonWriter& out, const AnswerMeta& meta, std::string_view stop_sequence,
                           const std::vector<domain::Citation>& placed) {
  if (!HasStrataMember(meta) && stop_sequence.empty() && placed.empty()) return;
  out.Key("additionalModelResponseFields").BeginObject();
  out.FieldIfAny("stop_sequence", stop_sequence);
  WriteStrataMember(out, meta, placed);
  out.EndObject();
}

std::string EncodeConverseResponse(const domain::ChatResponse& response, const AnswerMeta& meta,
                                   const GuardrailNotes& guardrail) {
  JsonWriter out;
  out.BeginObject().Key("output").BeginObject().Key("message").BeginObject();
  out.Field("role", "assistant").Key("content").BeginArray();
  auto written = WriteBlocks(out, response.content);
  STRATA_CHECK(written.has_value(), "an answer holds only text, reasoning and tool calls");
  out.EndArray().EndObject().EndObject();
  out.Field("stopReason", StopReasonName(response.stop_reason)).Key("usage");
  WriteUsage(out, response.usage);
  WriteServingMembers(out, meta, guardrail);
  WriteAdditionalFields(out, meta, response.stop_sequence, PlacedCitations(response.content));
  return out.EndObject().Take();
}

Result<domain::ChatResponse> DecodeConverseResponse(std::string_view body) {
  auto response = Decode(body);
  if (!response) return Fail(AsUpstreamFault(std::move(response.error())));
  return response;
}

Result<domain::ChatRequest> DecodeCountTokens(std::string_view model_id, std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.OnlyMembers({"input"}));
  auto input = body.Get("input");
  STRATA_TRY(auto kind, input.OnlyMember());
  auto value = input.Get(kind);
  if (kind == "converse") {
    STRATA_TRY(auto request, DecodeConverseFields(value));
    return std::move(request.chat);
  }
  if (kind != "invokeModel") return Fail(value.Wrong("expected converse or invokeModel"));
  STRATA_CHECK_OK(value.OnlyMembers({"body"}));
  auto inner = value.Get("body");
  STRATA_TRY(auto bytes, inner.Base64());
  auto invoke = DecodeInvoke(model_id, bytes);
  if (!invoke) return Fail(std::move(invoke.error()).Because("input.invokeModel.body"));
  auto* chat = std::get_if<domain::ChatRequest>(&invoke->call);
  if (chat == nullptr)
    return Fail(inner.Wrong("expected the body of a text model, not embeddings"));
  return std::move(*chat);
}

std::string EncodeCountTokensResponse(std::int64_t input_tokens) {
  return fmt::format(R"({{"inputTokens":{}}})", input_tokens);
}

Result<std::string> EncodeCountTokens(const domain::ChatRequest& request) {
  JsonWriter out;
  out.BeginObject().Key("input").BeginObject().Key("converse").BeginObject();
  STRATA_CHECK_OK(WritePrompt(out, request));
  return out.EndObject().EndObject().EndObject().Take();
}

Result<std::int64_t> DecodeCountTokensResponse(std::string_view text) {
  auto root = ParseJson(text);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField body(*root);
  auto tokens = body.Get("inputTokens").Integer(0, domain::kTokensMax);
  if (!tokens) return Fail(AsUpstreamFault(std::move(tokens.error())));
  return *tokens;
}

}  // namespace strata::dialect::bedrock
