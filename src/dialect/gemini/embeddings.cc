// embedContent and batchEmbedContents, both ways, and Vertex AI's predict.

#include <fmt/format.h>

#include "base/format_message.h"
#include "dialect/gemini.h"
#include "dialect/gemini/parts.h"
#include "dialect/json/upstream.h"
#include "dialect/json/vectors.h"

namespace strata::dialect::gemini {
namespace {

constexpr std::size_t kTextsMax = 2048;

Result<std::string> TextOfContent(const JsonField& content) {
  STRATA_CHECK_OK(content.OnlyMembers({"parts", "role"}));
  auto parts = content.Get("parts");
  STRATA_CHECK_OK(parts.ExpectArray());
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto part = parts.Item(i);
    STRATA_CHECK_OK(part.OnlyMembers({"text"}));
    auto field = part.Get("text");
    STRATA_TRY(auto more, field.String());
    text += more;
  }
  if (text.empty()) return Fail(parts.Wrong("expected text that is not empty"));
  return text;
}

Result<EmbedInput> InputOf(const JsonField& task) {
  if (!task.present()) return EmbedInput::kUnspecified;
  STRATA_TRY(auto name, task.String());
  if (name == "RETRIEVAL_DOCUMENT") return EmbedInput::kDocument;
  if (name == "RETRIEVAL_QUERY" || name == "QUESTION_ANSWERING" || name == "FACT_VERIFICATION" ||
      name == "CODE_RETRIEVAL_QUERY") {
    return EmbedInput::kQuery;
  }
  return EmbedInput::kUnspecified;
}

// Adds one request; all of a batch must ask for the same kind of vectors.
Result<> AddOne(const JsonField& body, bool first, EmbedRequest& out) {
  STRATA_CHECK_OK(body.OnlyMembers({"model", "content", "taskType", "title", "outputDimensionality",
                                    "autoTruncate", "embedContentConfig"}));
  auto content = body.Get("content");
  STRATA_TRY(auto text, TextOfContent(content));
  // Google's models cut what is too long unless they are told not to.
  auto long_text = LongText::kCutEnd;
  auto truncate = body.Get("autoTruncate");
  if (truncate.present()) {
    STRATA_TRY(auto cut, truncate.Bool());
    if (!cut) long_text = LongText::kRefuse;
  }
  auto task = body.Get("taskType");
  STRATA_TRY(auto input, InputOf(task));
  std::optional<int> dimensions;
  auto size = body.Get("outputDimensionality");
  if (size.present()) {
    STRATA_TRY(auto number, size.Integer(1, 1 << 16));
    dimensions = static_cast<int>(number);
  }
  if (!first && input != out.input) return Fail(task.Wrong("all requests of a batch must agree"));
  if (!first && dimensions != out.dimensions) {
    return Fail(size.Wrong("all requests of a batch must agree"));
  }
  if (!first && long_text != out.long_text) {
    return Fail(truncate.Wrong("all requests of a batch must agree"));
  }
  out.input = input;
  out.long_text = long_text;
  out.dimensions = dimensions;
  out.texts.push_back(std::move(text));
  return {};
}

std::string_view TaskType(EmbedInput input) {
  if (input == EmbedInput::kQuery) return "RETRIEVAL_QUERY";
  return input == EmbedInput::kDocument ? "RETRIEVAL_DOCUMENT" : "";
}

Result<EmbeddingRows> ReadRows(std::string_view text, std::size_t count, bool predict) {
  STRATA_TRY(auto root, ParseJson(text, kVectorLimits));
  JsonField body(root);
  auto list = body.Get(predict ? "predictions" : "embeddings");
  STRATA_CHECK_OK(list.ExpectArray());
  if (list.size() != count) {
    return Fail(list.Wrong(FormatMessage("expected {} rows, it has {}", count, list.size())));
  }
  RowCollector rows(count);
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto item = list.Item(i);
    auto inner = item.Get("embeddings");
    const auto& embedding = predict ? inner : item;
    auto values = embedding.Get("values");
    auto statistics = embedding.Get("statistics");
    STRATA_TRY(auto row, ReadFloats(values));
    STRATA_CHECK_OK(rows.Set(i, std::move(row)));
    tokens += statistics.Get("token_count").Integer(0, INT32_MAX).value_or(0);
    tokens += statistics.Get("tokenCount").Integer(0, INT32_MAX).value_or(0);
  }
  return rows.Take(tokens);
}

Result<EmbeddingRows> Rows(std::string_view body, std::size_t count, bool predict) {
  auto rows = ReadRows(body, count, predict);
  if (!rows) return Fail(AsUpstreamFault(std::move(rows.error())));
  return rows;
}

}  // namespace

Result<EmbedRequest> DecodeEmbed(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  CamelKeys(root);
  JsonField body(root);
  EmbedRequest out;
  out.texts_at = "content";
  STRATA_CHECK_OK(AddOne(body, true, out));
  return out;
}

Result<EmbedRequest> DecodeBatchEmbed(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  CamelKeys(root);
  JsonField body(root);
  STRATA_CHECK_OK(body.OnlyMembers({"requests"}));
  auto requests = body.Get("requests");
  if (!requests.ExpectArray() || requests.size() == 0 || requests.size() > kTextsMax) {
    return Fail(requests.Wrong(FormatMessage("expected a list of 1 to {} requests", kTextsMax)));
  }
  EmbedRequest out;
  out.texts_at = "requests[].content";
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto request = requests.Item(i);
    STRATA_CHECK_OK(AddOne(request, i == 0, out));
  }
  return out;
}

std::string EncodeEmbedResponse(const EmbeddingView& vectors) {
  JsonWriter out;
  out.BeginObject().Key("embedding").BeginObject().Key("values");
  WriteFloats(out, vectors.values);
  return out.EndObject().EndObject().Take();
}

std::string EncodeBatchEmbedResponse(const EmbeddingView& vectors) {
  JsonWriter out;
  out.BeginObject().Key("embeddings").BeginArray();
  const auto width = static_cast<std::size_t>(vectors.dimensions);
  for (std::size_t at = 0; width > 0 && at + width <= vectors.values.size(); at += width) {
    out.BeginObject().Key("values");
    WriteFloats(out, vectors.values.subspan(at, width));
    out.EndObject();
  }
  return out.EndArray().EndObject().Take();
}

std::string EncodeBatchEmbed(const EmbedRequest& request) {
  JsonWriter out;
  out.BeginObject().Key("requests").BeginArray();
  for (const auto& text : request.texts) {
    out.BeginObject().Field("model", fmt::format("models/{}", request.model));
    out.Key("content").BeginObject().Key("parts").BeginArray();
    out.BeginObject().Field("text", text).EndObject().EndArray().EndObject();
    out.FieldIfAny("taskType", TaskType(request.input));
    if (request.dimensions) out.Field("outputDimensionality", *request.dimensions);
    out.EndObject();
  }
  return out.EndArray().EndObject().Take();
}

Result<EmbeddingRows> DecodeBatchEmbedResponse(std::string_view body, std::size_t count) {
  return Rows(body, count, false);
}

std::string EncodePredictEmbed(const EmbedRequest& request) {
  JsonWriter out;
  out.BeginObject().Key("instances").BeginArray();
  for (const auto& text : request.texts) {
    out.BeginObject().Field("content", text);
    out.FieldIfAny("task_type", TaskType(request.input)).EndObject();
  }
  out.EndArray();
  if (request.dimensions) {
    out.Key("parameters").BeginObject();
    out.Field("outputDimensionality", *request.dimensions).EndObject();
  }
  return out.EndObject().Take();
}

Result<EmbeddingRows> DecodePredictEmbedResponse(std::string_view body, std::size_t count) {
  return Rows(body, count, true);
}

}  // namespace strata::dialect::gemini
