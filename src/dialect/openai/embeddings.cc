// Embeddings, both ways.

#include <array>
#include <bit>
#include <cstring>

#include "base/encoding.h"
#include "base/format_message.h"
#include "dialect/json/extra.h"
#include "dialect/json/json_writer.h"
#include "dialect/json/upstream.h"
#include "dialect/json/vectors.h"
#include "dialect/json_value.h"
#include "dialect/openai.h"

namespace strata::dialect::openai {
namespace {

// As OpenAI has it.
constexpr std::size_t kTextsMax = 2048;
constexpr std::array<std::string_view, 5> kRequestMembers = {"model", "input", "encoding_format",
                                                             "dimensions", "user"};

bool IsList(const JsonField& field) { return field.present() && field.value().array() != nullptr; }

// A list of token numbers, as its own JSON text.
Result<std::string> ReadTokens(const JsonField& list) {
  if (list.size() == 0) return Fail(list.Wrong("expected at least one token number"));
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto item = list.Item(i);
    STRATA_TRY([[maybe_unused]] auto token, item.Integer(0, INT32_MAX));
  }
  return list.value().Dump();
}

// Texts, or lists of token numbers.
Result<> DecodeList(const JsonField& input, EmbedRequest& out) {
  auto first = input.Item(0);
  out.tokens = IsList(first);
  for (std::size_t i = 0; i < input.size(); ++i) {
    auto item = input.Item(i);
    if (out.tokens != IsList(item)) {
      return Fail(item.Wrong("expected texts only, or lists of token numbers only"));
    }
    STRATA_TRY(out.texts.emplace_back(), out.tokens ? ReadTokens(item) : item.NonEmptyString());
  }
  return {};
}

Result<> DecodeInput(const JsonField& input, EmbedRequest& out) {
  if (input.present() && input.value().string() != nullptr) {
    STRATA_TRY(out.texts.emplace_back(), input.NonEmptyString());
    out.texts_at = "input";
    return {};
  }
  auto first = input.Item(0);
  if (first.present() && std::holds_alternative<JsonValue::Number>(first.value().data)) {
    STRATA_TRY(out.texts.emplace_back(), ReadTokens(input));
    out.tokens = true;
    out.texts_at = "input";
    return {};
  }
  if (!input.ExpectArray() || input.size() == 0 || input.size() > kTextsMax) {
    return Fail(input.Wrong(FormatMessage(
        "expected a string, a list of token numbers, or a list of 1 to {} of either", kTextsMax)));
  }
  return DecodeList(input, out);
}

// Little-endian floats, as the API has it.
std::string Bytes(std::span<const float> row) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(row.size_bytes(), '\0');
  if (!row.empty()) std::memcpy(bytes.data(), row.data(), bytes.size());
  return bytes;
}

Result<std::vector<float>> DecodeRow(const JsonField& embedding) {
  if (!embedding.present() || embedding.value().string() == nullptr) {
    return ReadFloats(embedding);
  }
  STRATA_TRY(auto bytes, embedding.Base64());
  if (bytes.size() % sizeof(float) != 0) return Fail(embedding.Wrong("half a float at its end"));
  std::vector<float> row(bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(row.data(), bytes.data(), bytes.size());
  return row;
}

Result<EmbeddingRows> DecodeRows(std::string_view text, std::size_t count) {
  STRATA_TRY(auto root, ParseJson(text, kVectorLimits));
  JsonField body(root);
  auto data = body.Get("data");
  STRATA_CHECK_OK(data.ExpectArray());
  if (data.size() != count) {
    return Fail(data.Wrong(FormatMessage("expected {} rows, it has {}", count, data.size())));
  }
  RowCollector rows(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto item = data.Item(i);
    auto index_field = item.Get("index");
    auto index = static_cast<std::int64_t>(i);
    if (index_field.present()) {
      STRATA_TRY(index, index_field.Integer(0, static_cast<std::int64_t>(count) - 1));
    }
    auto embedding = item.Get("embedding");
    STRATA_TRY(auto row, DecodeRow(embedding));
    STRATA_CHECK_OK(rows.Set(static_cast<std::size_t>(index), std::move(row)));
  }
  auto usage = body.Get("usage");
  auto tokens = usage.Get("prompt_tokens");
  return rows.Take(tokens.Integer(0, domain::kTokensMax).value_or(0));
}

}  // namespace

Result<EmbedRequest> DecodeEmbedRequest(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  EmbedRequest out;
  auto model = body.Get("model");
  STRATA_TRY(out.model, model.NonEmptyString());
  auto input = body.Get("input");
  STRATA_CHECK_OK(DecodeInput(input, out));
  out.long_text = LongText::kRefuse;  // OpenAI answers 400
  if (auto field = body.Get("encoding_format"); field.present()) {
    STRATA_TRY(auto encoding, field.OneOf({"float", "base64"}));
    if (encoding == "base64") out.encoding = VectorEncoding::kBase64;
  }
  if (auto field = body.Get("dimensions"); field.present()) {
    STRATA_TRY(auto dimensions, field.Integer(1, 65536));
    out.dimensions = static_cast<int>(dimensions);
  }
  if (auto field = body.Get("user"); field.present()) {
    STRATA_TRY(out.user, field.String());
  }
  STRATA_TRY(out.extra, OtherMembers(body, kRequestMembers));
  return out;
}

std::string EncodeEmbedResponse(const EmbeddingView& vectors, VectorEncoding encoding,
                                std::string_view model) {
  JsonWriter out;
  out.BeginObject().Field("object", "list").Key("data").BeginArray();
  const auto width = static_cast<std::size_t>(vectors.dimensions);
  const auto rows = width == 0 ? 0 : vectors.values.size() / width;
  for (std::size_t i = 0; i < rows; ++i) {
    auto row = vectors.values.subspan(i * width, width);
    out.BeginObject().Field("object", "embedding").Field("index", static_cast<std::int64_t>(i));
    out.Key("embedding");
    encoding == VectorEncoding::kBase64 ? static_cast<void>(out.Value(Base64Encode(Bytes(row))))
                                        : WriteFloats(out, row);
    out.EndObject();
  }
  out.EndArray().Field("model", model).Key("usage").BeginObject();
  out.Field("prompt_tokens", vectors.input_tokens).Field("total_tokens", vectors.input_tokens);
  return out.EndObject().EndObject().Take();
}

std::string EncodeEmbedRequest(const EmbedRequest& request) {
  JsonWriter out;
  out.BeginObject().Field("model", request.model).Key("input").BeginArray();
  for (const auto& text : request.texts) request.tokens ? out.Raw(text) : out.Value(text);
  out.EndArray();
  out.Field("encoding_format", request.encoding == VectorEncoding::kBase64 ? "base64" : "float");
  if (request.dimensions) out.Field("dimensions", *request.dimensions);
  out.FieldIfAny("user", request.user);
  auto extra = request.extra.empty() ? Result<JsonValue>(JsonValue()) : ParseJson(request.extra);
  if (extra && extra->object() != nullptr) {
    for (const auto& member : *extra->object()) out.RawField(member.key, member.value.Dump());
  }
  return out.EndObject().Take();
}

Result<EmbeddingRows> DecodeEmbedResponse(std::string_view body, std::size_t count) {
  auto rows = DecodeRows(body, count);
  if (!rows) return Fail(AsUpstreamFault(std::move(rows.error())));
  return rows;
}

}  // namespace strata::dialect::openai
