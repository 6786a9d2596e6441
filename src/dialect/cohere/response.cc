// Cohere chat answers in one piece, embeddings and the model list.

#include "dialect/cohere.h"
#include "dialect/cohere/answer.h"
#include "dialect/json/json_writer.h"
#include "dialect/json/upstream.h"
#include "dialect/json/vectors.h"
#include "dialect/json_value.h"

namespace strata::dialect::cohere {
namespace {

using domain::TextBlock;

Result<> ReadContent(const JsonField& content, domain::ChatResponse& out) {
  for (std::size_t i = 0; i < content.size(); ++i) {
    auto part = content.Item(i);
    STRATA_CHECK_OK(part.ExpectObject());
    auto type = part.Get("type");
    if (type.Is("thinking")) {
      out.content.emplace_back(
          domain::ReasoningBlock{.text = part.TextAt("thinking"), .signature = {}, .redacted = {}});
    } else {
      auto field = part.Get("text");
      STRATA_TRY(auto text, field.String());
      out.content.emplace_back(TextBlock{.text = std::move(text), .citations = {}});
    }
  }
  return {};
}

Result<> ReadCalls(const JsonField& calls, domain::ChatResponse& out) {
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto call = calls.Item(i);
    STRATA_CHECK_OK(call.ExpectObject());
    auto function = call.Get("function");
    STRATA_CHECK_OK(function.ExpectObject());
    auto name = function.Get("name");
    domain::ToolUseBlock use;
    use.id = call.TextAt("id");
    STRATA_TRY(use.name, name.NonEmptyString());
    use.input.text = function.TextAt("arguments");
    if (use.input.text.empty()) use.input.text = "{}";
    out.content.emplace_back(std::move(use));
  }
  return {};
}

// The text block that citations and log-probabilities belong to; null when there is none.
TextBlock* LastText(domain::ChatResponse& out) {
  TextBlock* last = nullptr;
  for (auto& block : out.content) {
    if (auto* text = std::get_if<TextBlock>(&block)) last = text;
  }
  return last;
}

Result<> ReadMessage(const JsonField& body, const JsonField& message, domain::ChatResponse& out) {
  auto content = message.Get("content");
  STRATA_CHECK_OK(ReadContent(content, out));
  if (auto plan = message.TextAt("tool_plan"); !plan.empty()) {
    out.content.emplace_back(TextBlock{.text = std::move(plan), .citations = {}});
  }
  if (auto* text = LastText(out)) {
    auto citations = message.Get("citations");
    for (std::size_t i = 0; i < citations.size(); ++i) {
      auto item = citations.Item(i);
      STRATA_TRY(auto cited, ReadCitation(item));
      for (auto& one : cited) text->citations.push_back(std::move(one));
    }
    auto logprobs = body.Get("logprobs");
    STRATA_TRY(text->logprobs, ReadLogprobs(logprobs));
  }
  auto calls = message.Get("tool_calls");
  return ReadCalls(calls, out);
}

Result<domain::ChatResponse> Decode(const JsonField& body) {
  STRATA_CHECK_OK(body.ExpectObject());
  domain::ChatResponse out;
  out.id = body.TextAt("id");
  out.model = body.TextAt("model");
  auto message = body.Get("message");
  STRATA_CHECK_OK(message.ExpectObject());
  STRATA_CHECK_OK(ReadMessage(body, message, out));
  auto usage = body.Get("usage");
  out.usage = ReadUsage(usage);
  return out;
}

Result<EmbeddingRows> DecodeRows(std::string_view text, std::size_t count) {
  STRATA_TRY(auto root, ParseJson(text, kVectorLimits));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  auto embeddings = body.Get("embeddings");
  STRATA_CHECK_OK(embeddings.ExpectObject());
  auto list = embeddings.Get("float");
  STRATA_CHECK_OK(list.ExpectArray());
  if (list.size() != count) return Fail(list.Wrong("has not one row a text"));
  RowCollector rows(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto item = list.Item(i);
    STRATA_TRY(auto row, ReadFloats(item));
    STRATA_CHECK_OK(rows.Set(i, std::move(row)));
  }
  auto meta = body.Get("meta");
  return rows.Take(ReadUsage(meta).input_tokens);
}

}  // namespace

Result<domain::ChatResponse> DecodeChatResponse(std::string_view text) {
  auto root = ParseJson(text);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField body(*root);
  auto response = Decode(body);
  if (!response) return Fail(AsUpstreamFault(std::move(response.error())));
  STRATA_TRY(response->stop_reason, StopReasonOf(body.TextAt("finish_reason")));
  return response;
}

std::string EncodeEmbedRequest(const EmbedRequest& request) {
  JsonWriter out;
  out.BeginObject().Field("model", request.model).Key("texts").BeginArray();
  for (const auto& text : request.texts) out.Value(text);
  out.EndArray();
  out.Field("input_type", request.input == EmbedInput::kQuery ? "search_query" : "search_document");
  out.Key("embedding_types").BeginArray().Value("float").EndArray();
  if (request.dimensions) out.Field("output_dimension", *request.dimensions);
  out.Field("truncate", TruncateWord(request.long_text));
  return out.EndObject().Take();
}

Result<EmbeddingRows> DecodeEmbedResponse(std::string_view body, std::size_t count) {
  auto rows = DecodeRows(body, count);
  if (!rows) return Fail(AsUpstreamFault(std::move(rows.error())));
  return rows;
}

Result<std::vector<std::string>> DecodeModelList(std::string_view body) {
  return ReadModelIds(body, "models", "name");
}

}  // namespace strata::dialect::cohere
