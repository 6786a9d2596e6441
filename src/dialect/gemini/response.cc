// Answers in one piece and counts, both ways.

#include <fmt/format.h>

#include "base/check.h"
#include "dialect/gemini.h"
#include "dialect/gemini/parts.h"
#include "dialect/json/strata_member.h"
#include "dialect/json/upstream.h"

namespace strata::dialect::gemini {
namespace {

using domain::StopReason;

// Places of the text blocks among the parts that WriteParts makes of `content`.
std::vector<PlacedCitation> Placed(const std::vector<domain::ContentBlock>& content,
                                   const AnswerOptions& options) {
  std::vector<PlacedCitation> out;
  int part = 0;
  for (const auto& block : content) {
    if (const auto* text = std::get_if<domain::TextBlock>(&block)) {
      for (const auto& citation : text->citations) {
        out.push_back({.citation = &citation, .text = &text->text, .text_start = 0, .part = part});
      }
      part += text->text.empty() ? 0 : 1;
    } else if (const auto* reasoning = std::get_if<domain::ReasoningBlock>(&block)) {
      part += options.include_thoughts && !reasoning->text.empty() ? 1 : 0;
    } else {
      ++part;
    }
  }
  return out;
}

Result<> ReadParts(const JsonField& candidate, CallIds& ids, domain::ChatResponse& out) {
  auto content = candidate.Get("content");
  auto parts = content.Get("parts");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto part = parts.Item(i);
    const auto before = out.content.size();
    STRATA_CHECK_OK(DecodePart(part, PartUse::kAnswer, ids, out.content));
    if (out.content.size() == before) continue;
    auto* text = std::get_if<domain::TextBlock>(&out.content.back());
    if (text != nullptr)
      text->citations = ReadCitations(candidate, text->text, static_cast<int>(i));
  }
  return {};
}

// They count over all of the answer's text: the first text block holds them.
void ReadLogprobsInto(const JsonField& candidate, domain::ChatResponse& out) {
  for (auto& block : out.content) {
    if (auto* text = std::get_if<domain::TextBlock>(&block)) {
      text->logprobs = ReadLogprobs(candidate);
      return;
    }
  }
}

std::vector<domain::TokenLogprob> LogprobsOf(const std::vector<domain::ContentBlock>& content) {
  std::vector<domain::TokenLogprob> out;
  for (const auto& block : content) {
    const auto* text = std::get_if<domain::TextBlock>(&block);
    if (text != nullptr) out.insert(out.end(), text->logprobs.begin(), text->logprobs.end());
  }
  return out;
}

bool CallsTools(const domain::ChatResponse& response) {
  for (const auto& block : response.content) {
    if (std::holds_alternative<domain::ToolUseBlock>(block)) return true;
  }
  return false;
}

Result<domain::ChatResponse> Decode(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  CamelKeys(root);
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  domain::ChatResponse out;
  out.id = body.TextAt("responseId");
  out.model = body.TextAt("modelVersion");
  auto usage = body.Get("usageMetadata");
  out.usage = ReadUsage(usage);
  auto candidates = body.Get("candidates");
  auto candidate = candidates.Item(0);
  auto feedback = body.Get("promptFeedback");
  if (!candidate.present()) {
    if (feedback.TextAt("blockReason").empty()) {
      return Fail(candidates.Wrong("expected a candidate, or promptFeedback.blockReason"));
    }
    out.stop_reason = StopReason::kContentFiltered;
    return out;
  }
  CallIds ids(CallPrefix(out.id));
  STRATA_CHECK_OK(ReadParts(candidate, ids, out));
  ReadLogprobsInto(candidate, out);
  STRATA_TRY(out.stop_reason, StopReasonOf(candidate.TextAt("finishReason")));
  if (out.stop_reason == StopReason::kEndTurn && CallsTools(out)) {
    out.stop_reason = StopReason::kToolUse;
  }
  return out;
}

}  // namespace

std::string EncodeGenerateResponse(const domain::ChatResponse& response, const AnswerMeta& meta,
                                   const AnswerOptions& options) {
  JsonWriter out;
  out.BeginObject().Key("candidates").BeginArray().BeginObject();
  out.Key("content").BeginObject().Key("parts").BeginArray();
  auto written = WriteParts(out, response.content,
                            {.side = PartOptions::Side::kClient,
                             .thoughts = options.include_thoughts,
                             .mark_unsigned_calls = false,
                             .names = nullptr});
  STRATA_CHECK(written.has_value(), "an answer holds only text, reasoning and tool calls");
  out.EndArray().Field("role", "model").EndObject();
  out.Field("finishReason", FinishReason(response.stop_reason)).Field("index", 0);
  WriteGrounding(out, Placed(response.content, options));
  WriteLogprobs(out, LogprobsOf(response.content));
  out.EndObject().EndArray();
  WriteUsage(out, response.usage);
  out.Field("modelVersion", meta.model.empty() ? response.model : meta.model);
  out.Field("responseId", meta.request_id.empty() ? response.id : meta.request_id);
  WriteStrataMember(out, meta);
  return out.EndObject().Take();
}

Result<domain::ChatResponse> DecodeGenerateResponse(std::string_view body) {
  auto response = Decode(body);
  if (!response) return Fail(AsUpstreamFault(std::move(response.error())));
  return response;
}

std::string EncodeCountResponse(std::int64_t total_tokens) {
  return fmt::format(R"({{"totalTokens":{}}})", total_tokens);
}

Result<std::int64_t> DecodeCountResponse(std::string_view body) {
  auto root = ParseJson(body);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField object(*root);
  auto tokens = object.Get("totalTokens").Integer(0, domain::kTokensMax);
  if (!tokens) return Fail(AsUpstreamFault(std::move(tokens.error())));
  return *tokens;
}

}  // namespace strata::dialect::gemini
