#include "dialect/bedrock/embed_format.h"

#include <algorithm>

#include "base/check.h"
#include "base/format_message.h"
#include "dialect/json/upstream.h"
#include "dialect/json/vectors.h"

namespace strata::dialect::bedrock {
namespace {

constexpr std::size_t kCohereTextsMax = 96;  // the vendor's

Result<> ReadTypes(const JsonField& types, std::initializer_list<std::string_view> allowed,
                   InvokeRequest& out) {
  if (!types.present()) return {};
  STRATA_CHECK_OK(types.ExpectArray());
  if (types.size() > allowed.size()) return Fail(types.Wrong("too many types"));
  for (std::size_t i = 0; i < types.size(); ++i) {
    auto item = types.Item(i);
    STRATA_TRY(out.embedding_types.emplace_back(), item.OneOf(allowed));
  }
  return {};
}

Result<> ReadDimensions(const JsonField& field, EmbedRequest& out) {
  if (!field.present()) return {};
  STRATA_TRY(auto dimensions, field.Integer(1, 65536));
  out.dimensions = static_cast<int>(dimensions);
  return {};
}

bool Wants(const InvokeRequest& request, std::string_view type) {
  return std::ranges::find(request.embedding_types, type) != request.embedding_types.end();
}

std::span<const float> Row(const EmbeddingView& vectors, std::size_t i) {
  const auto width = static_cast<std::size_t>(vectors.dimensions);
  return vectors.values.subspan(i * width, width);
}

std::size_t RowCount(const EmbeddingView& vectors) {
  return vectors.dimensions <= 0
             ? 0
             : vectors.values.size() / static_cast<std::size_t>(vectors.dimensions);
}

std::string EncodeTitan(const InvokeRequest& request, const EmbeddingView& vectors) {
  STRATA_CHECK(RowCount(vectors) == 1, "a Titan answer holds one vector");
  const auto row = Row(vectors, 0);
  const bool binary = Wants(request, "binary");
  const bool floats = !binary || Wants(request, "float");
  JsonWriter out;
  out.BeginObject();
  if (floats) {
    out.Key("embedding");
    WriteFloats(out, row);
  }
  out.Field("inputTextTokenCount", vectors.input_tokens).Key("embeddingsByType").BeginObject();
  if (floats) {
    out.Key("float");
    WriteFloats(out, row);
  }
  if (binary) {
    out.Key("binary").BeginArray();
    for (float value : row) out.Value(value > 0 ? 1 : 0);
    out.EndArray();
  }
  return out.EndObject().EndObject().Take();
}

void WriteRows(JsonWriter& out, const EmbeddingView& vectors) {
  out.BeginArray();
  for (std::size_t i = 0; i < RowCount(vectors); ++i) WriteFloats(out, Row(vectors, i));
  out.EndArray();
}

std::string EncodeCohere(const InvokeRequest& request, const EmbeddingView& vectors,
                         const AnswerMeta& meta) {
  const bool by_type = !request.embedding_types.empty();
  JsonWriter out;
  out.BeginObject().Field("id", meta.request_id);
  out.Field("response_type", by_type ? "embeddings_by_type" : "embeddings_floats");
  out.Key("embeddings");
  if (by_type) out.BeginObject().Key("float");
  WriteRows(out, vectors);
  if (by_type) out.EndObject();
  out.Key("texts").BeginArray();
  for (const auto& text : std::get<EmbedRequest>(request.call).texts) out.Value(text);
  return out.EndArray().EndObject().Take();
}

// As Cohere's own API has them, and as embed-v4 does.
Result<LongText> ReadTruncate(const JsonField& truncate) {
  if (!truncate.present()) return LongText::kRefuse;  // the vendor's default is NONE
  STRATA_TRY(auto word, truncate.OneOf({"NONE", "START", "END", "LEFT", "RIGHT"}));
  if (word == "NONE") return LongText::kRefuse;
  return word == "START" || word == "LEFT" ? LongText::kCutStart : LongText::kCutEnd;
}

Result<EmbeddingRows> DecodeTitanRows(const JsonField& body) {
  auto embedding = body.Get("embedding");
  STRATA_TRY(auto row, ReadFloats(embedding));
  RowCollector rows(1);
  STRATA_CHECK_OK(rows.Set(0, std::move(row)));
  auto tokens = body.Get("inputTextTokenCount");
  return rows.Take(tokens.Integer(0, domain::kTokensMax).value_or(0));
}

Result<EmbeddingRows> DecodeCohereRows(const JsonField& body) {
  auto embeddings = body.Get("embeddings");
  auto by_type = embeddings.Get("float");
  const auto& list = by_type.present() ? by_type : embeddings;
  STRATA_CHECK_OK(list.ExpectArray());
  RowCollector rows(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto item = list.Item(i);
    STRATA_TRY(auto row, ReadFloats(item));
    STRATA_CHECK_OK(rows.Set(i, std::move(row)));
  }
  return rows.Take(0);
}

}  // namespace

Result<InvokeRequest> DecodeTitan(const JsonField& body) {
  STRATA_CHECK_OK(body.OnlyMembers({"inputText", "dimensions", "normalize", "embeddingTypes"}));
  InvokeRequest out;
  out.format = InvokeFormat::kTitanEmbed;
  EmbedRequest request;
  auto text = body.Get("inputText");
  STRATA_TRY(request.texts.emplace_back(), text.NonEmptyString());
  request.texts_at = "inputText";
  request.long_text = LongText::kRefuse;  // as Titan does
  auto dimensions = body.Get("dimensions");
  STRATA_CHECK_OK(ReadDimensions(dimensions, request));
  if (auto normalize = body.Get("normalize"); normalize.present()) {
    STRATA_TRY(request.normalize, normalize.Bool());
  }
  auto types = body.Get("embeddingTypes");
  STRATA_CHECK_OK(ReadTypes(types, {"float", "binary"}, out));
  out.call = std::move(request);
  return out;
}

Result<InvokeRequest> DecodeCohere(const JsonField& body) {
  STRATA_CHECK_OK(
      body.OnlyMembers({"texts", "input_type", "truncate", "embedding_types", "output_dimension"}));
  InvokeRequest out;
  out.format = InvokeFormat::kCohereEmbed;
  EmbedRequest request;
  auto texts = body.Get("texts");
  STRATA_CHECK_OK(texts.ExpectArray());
  if (texts.size() == 0 || texts.size() > kCohereTextsMax) {
    return Fail(texts.Wrong(FormatMessage("expected 1 to {} strings", kCohereTextsMax)));
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto item = texts.Item(i);
    STRATA_TRY(request.texts.emplace_back(), item.NonEmptyString());
  }
  auto input_type = body.Get("input_type");
  STRATA_TRY(auto type,
             input_type.OneOf({"search_document", "search_query", "classification", "clustering"}));
  if (type == "search_document") request.input = EmbedInput::kDocument;
  if (type == "search_query") request.input = EmbedInput::kQuery;
  request.texts_at = "texts[]";
  auto truncate = body.Get("truncate");
  STRATA_TRY(request.long_text, ReadTruncate(truncate));
  auto types = body.Get("embedding_types");
  STRATA_CHECK_OK(ReadTypes(types, {"float"}, out));
  auto dimensions = body.Get("output_dimension");
  STRATA_CHECK_OK(ReadDimensions(dimensions, request));
  out.call = std::move(request);
  return out;
}

std::string EncodeInvokeEmbedResponse(const InvokeRequest& request, const EmbeddingView& vectors,
                                      const AnswerMeta& meta) {
  return request.format == InvokeFormat::kCohereEmbed ? EncodeCohere(request, vectors, meta)
                                                      : EncodeTitan(request, vectors);
}

Result<std::string> EncodeInvokeEmbedRequest(InvokeFormat format, const EmbedRequest& request) {
  JsonWriter out;
  out.BeginObject();
  if (format == InvokeFormat::kTitanEmbed) {
    STRATA_CHECK(request.texts.size() == 1, "Titan takes one text a call");
    out.Field("inputText", request.texts.front());
    if (request.dimensions) out.Field("dimensions", *request.dimensions);
    out.Field("normalize", request.normalize);
    return out.EndObject().Take();
  }
  if (format != InvokeFormat::kCohereEmbed) {
    return Fail(Code::kInvalidArgument, "this format has no embeddings");
  }
  out.Key("texts").BeginArray();
  for (const auto& text : request.texts) out.Value(text);
  out.EndArray();
  out.Field("input_type", request.input == EmbedInput::kQuery ? "search_query" : "search_document");
  out.Field("truncate", TruncateWord(request.long_text));
  if (request.dimensions) out.Field("output_dimension", *request.dimensions);
  return out.EndObject().Take();
}

Result<EmbeddingRows> DecodeInvokeEmbedResponse(InvokeFormat format, std::string_view text) {
  auto root = ParseJson(text, kVectorLimits);
  if (!root) return Fail(AsUpstreamFault(std::move(root.error())));
  JsonField body(*root);
  auto rows = format == InvokeFormat::kCohereEmbed ? DecodeCohereRows(body) : DecodeTitanRows(body);
  if (!rows) return Fail(AsUpstreamFault(std::move(rows.error())));
  return rows;
}

}  // namespace strata::dialect::bedrock
