// Answers in one piece, counts and model lists, both ways.

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/check.h"
#include "dialect/anthropic.h"
#include "dialect/anthropic/blocks.h"
#include "dialect/json/citations.h"
#include "dialect/json/strata_member.h"
#include "dialect/json/upstream.h"

namespace strata::dialect::anthropic {
namespace {

// Blocks of tools that ran at the provider (web search and so on) are not for the caller to act on
// and are left out, as are kinds that are newer than this code.
bool KnownInAnswers(std::string_view type) {
  return type == "text" || type == "tool_use" || type == "thinking" || type == "redacted_thinking";
}

Result<domain::ChatResponse> Decode(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  domain::ChatResponse out;
  out.id = body.TextAt("id");
  out.model = body.TextAt("model");
  auto content = body.Get("content");
  STRATA_CHECK_OK(content.ExpectArray());
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto block = content.Item(i);
    if (!KnownInAnswers(block.TextAt("type"))) continue;
    STRATA_CHECK_OK(DecodeBlock(block, out.content));
  }
  out.stop_reason = StopReasonOf(body.TextAt("stop_reason"));
  out.stop_sequence = body.TextAt("stop_sequence");
  auto usage = body.Get("usage");
  ReadUsage(usage, out.usage);
  return out;
}

void WriteModel(JsonWriter& out, const ListedModel& model) {
  out.BeginObject().Field("type", "model").Field("id", model.info.id);
  out.Field("display_name",
            model.info.display_name.empty() ? model.info.id : model.info.display_name);
  out.Field("created_at", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                      fmt::gmtime(static_cast<std::time_t>(model.created_s))));
  if (model.info.context_tokens > 0) out.Field("max_input_tokens", model.info.context_tokens);
  if (model.info.output_tokens_max > 0) out.Field("max_tokens", model.info.output_tokens_max);
  out.EndObject();
}

}  // namespace

std::string EncodeChatResponse(const domain::ChatResponse& response, const AnswerMeta& meta) {
  JsonWriter out;
  out.BeginObject().Field("id", AnswerId(meta.request_id, response.id)).Field("type", "message");
  out.Field("role", "assistant");
  out.Field("model", meta.model.empty() ? response.model : meta.model);
  out.Key("content").BeginArray();
  auto written = WriteBlocks(out, response.content, Towards::kClient);
  STRATA_CHECK(written.has_value(), "an answer holds only text, reasoning and tool calls");
  out.EndArray().Field("stop_reason", StopReasonName(response.stop_reason)).Key("stop_sequence");
  response.stop_sequence.empty() ? out.Null() : out.Value(response.stop_sequence);
  out.Key("usage");
  WriteUsage(out, response.usage);
  WriteStrataMember(out, meta, PlacedCitations(response.content));
  return out.EndObject().Take();
}

Result<domain::ChatResponse> DecodeChatResponse(std::string_view body) {
  auto response = Decode(body);
  if (!response) return Fail(AsUpstreamFault(std::move(response.error())));
  return response;
}

std::string EncodeCountResponse(std::int64_t input_tokens) {
  return fmt::format(R"({{"input_tokens":{}}})", input_tokens);
}

Result<std::int64_t> DecodeCountResponse(std::string_view body) {
  auto root = ParseJson(body);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField object(*root);
  auto tokens = object.Get("input_tokens").Integer(0, domain::kTokensMax);
  if (!tokens) return Fail(AsUpstreamFault(std::move(tokens.error())));
  return *tokens;
}

std::string EncodeModelList(const std::vector<ListedModel>& page, bool has_more) {
  JsonWriter out;
  out.BeginObject().Key("data").BeginArray();
  for (const auto& model : page) WriteModel(out, model);
  out.EndArray().Field("has_more", has_more).Key("first_id");
  page.empty() ? out.Null() : out.Value(page.front().info.id);
  out.Key("last_id");
  page.empty() ? out.Null() : out.Value(page.back().info.id);
  return out.EndObject().Take();
}

std::string EncodeModel(const ListedModel& model) {
  JsonWriter out;
  WriteModel(out, model);
  return out.Take();
}

Result<std::vector<std::string>> DecodeModelList(std::string_view body) {
  return ReadModelIds(body, "data", "id");
}

}  // namespace strata::dialect::anthropic
