// Rerank in Cohere's form, both ways.

#include <algorithm>
#include <set>

#include "base/format_message.h"
#include "dialect/json/json_writer.h"
#include "dialect/json/strata_member.h"
#include "dialect/json/upstream.h"
#include "dialect/json_value.h"
#include "dialect/rerank.h"

namespace strata::dialect::rerank {
namespace {

constexpr std::int64_t kTokensMax = 1 << 20;

// The text of an object document: its `text`, or the fields that the caller ranks by.
Result<std::string> TextOf(const JsonField& document, const std::vector<std::string>& fields) {
  if (fields.empty()) {
    auto text = document.Get("text");
    return text.NonEmptyString();
  }
  std::string out;
  for (const auto& name : fields) {
    auto field = document.Get(name);
    STRATA_TRY(auto text, field.String());
    if (!out.empty()) out += '\n';
    out += text;
  }
  if (out.empty()) return Fail(document.Wrong("its rank_fields hold no text"));
  return out;
}

Result<std::vector<std::string>> DecodeFields(const JsonField& body) {
  std::vector<std::string> out;
  auto fields = body.Get("rank_fields");
  if (!fields.present()) return out;
  STRATA_CHECK_OK(fields.ExpectArray());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    auto field = fields.Item(i);
    STRATA_TRY(auto name, field.NonEmptyString());
    out.push_back(std::move(name));
  }
  return out;
}

Result<> DecodeDocuments(const JsonField& body, Request& out) {
  STRATA_TRY(auto fields, DecodeFields(body));
  auto documents = body.Get("documents");
  if (!documents.ExpectArray() || documents.size() == 0 || documents.size() > kDocumentsMax) {
    return Fail(
        documents.Wrong(FormatMessage("expected a list of 1 to {} documents", kDocumentsMax)));
  }
  for (std::size_t i = 0; i < documents.size(); ++i) {
    auto document = documents.Item(i);
    JsonText shown;
    std::string text;
    if (document.present() && document.value().object() != nullptr) {
      STRATA_TRY(text, TextOf(document, fields));
      shown.text = document.value().Dump();
    } else if (document.present() && document.value().string() != nullptr) {
      STRATA_TRY(text, document.NonEmptyString());
      JsonWriter object;
      shown.text = object.BeginObject().Field("text", text).EndObject().Take();
    } else {
      return Fail(document.Wrong("expected a string, or an object with a text"));
    }
    out.rerank.documents.push_back(std::move(text));
    out.documents.push_back(std::move(shown));
  }
  return {};
}

Result<domain::Reranking> Decode(std::string_view body, std::size_t documents) {
  STRATA_TRY(auto root, ParseJson(body));
  JsonField object(root);
  STRATA_CHECK_OK(object.ExpectObject());
  auto results = object.Get("results");
  STRATA_CHECK_OK(results.ExpectArray());
  domain::Reranking out;
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < results.size(); ++i) {
    auto item = results.Item(i);
    STRATA_CHECK_OK(item.ExpectObject());
    auto index_field = item.Get("index");
    auto score_field = item.Get("relevance_score");
    STRATA_TRY(
        auto index,
        index_field.Integer(0, static_cast<std::int64_t>(std::max<std::size_t>(documents, 1)) - 1));
    STRATA_TRY(auto score, score_field.Double(-1e9, 1e9));
    if (!seen.insert(index).second) return Fail(index_field.Wrong("comes twice"));
    out.ranked.push_back({.index = static_cast<std::size_t>(index), .score = score});
  }
  std::ranges::sort(out.ranked, [](const auto& a, const auto& b) {
    return a.score != b.score ? a.score > b.score : a.index < b.index;
  });
  auto meta = object.Get("meta");
  auto billed = meta.Get("billed_units");
  auto tokens = meta.Get("tokens");
  auto usage = object.Get("usage");  // Jina, vLLM
  out.search_units = billed.Get("search_units").Double(0, 1e9).value_or(0);
  auto total = usage.Get("total_tokens").Double(0, 1e15).value_or(0);
  out.input_tokens =
      static_cast<std::int64_t>(tokens.Get("input_tokens").Double(0, 1e15).value_or(total));
  return out;
}

}  // namespace

Result<Request> DecodeRequest(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  // max_chunks_per_doc: of v1, whose chunks no provider counts any more. priority: of v2, a hint.
  STRATA_CHECK_OK(
      body.OnlyMembers({"model", "query", "documents", "top_n", "rank_fields", "return_documents",
                        "max_tokens_per_doc", "max_chunks_per_doc", "priority"}));
  Request out;
  if (auto model = body.Get("model"); model.present()) {
    STRATA_TRY(out.model, model.NonEmptyString());
  }
  auto query = body.Get("query");
  STRATA_TRY(out.rerank.query, query.NonEmptyString());
  STRATA_CHECK_OK(DecodeDocuments(body, out));
  if (auto field = body.Get("top_n"); field.present()) {
    STRATA_TRY(auto top_n, field.Integer(1, INT32_MAX));
    out.rerank.top_n = static_cast<std::size_t>(top_n);
  }
  if (auto field = body.Get("return_documents"); field.present()) {
    STRATA_TRY(out.return_documents, field.Bool());
  }
  if (auto field = body.Get("max_tokens_per_doc"); field.present()) {
    STRATA_TRY(out.rerank.max_tokens_per_doc, field.Integer(1, kTokensMax));
  }
  return out;
}

std::string EncodeResponse(const domain::Reranking& answer, const Request& request,
                           const AnswerMeta& meta) {
  JsonWriter out;
  out.BeginObject().Field("id", meta.request_id).Key("results").BeginArray();
  for (const auto& document : answer.ranked) {
    out.BeginObject().Field("index", static_cast<std::int64_t>(document.index));
    out.Field("relevance_score", document.score);
    if (request.return_documents) {
      out.RawField("document", request.documents[document.index].text);
    }
    out.EndObject();
  }
  out.EndArray().Key("meta").BeginObject();
  out.Key("api_version").BeginObject().Field("version", "2").EndObject();
  out.Key("billed_units").BeginObject();
  if (answer.search_units > 0) out.Field("search_units", answer.search_units);
  out.EndObject().Key("tokens").BeginObject().Field("input_tokens", answer.input_tokens);
  out.EndObject().EndObject();
  WriteStrataMember(out, meta);
  return out.EndObject().Take();
}

std::string EncodeProviderRequest(const domain::RerankRequest& request, std::string_view model) {
  JsonWriter out;
  out.BeginObject().Field("model", model).Field("query", request.query);
  out.Key("documents").BeginArray();
  for (const auto& document : request.documents) out.Value(document);
  out.EndArray();
  if (request.top_n > 0) {
    const auto count = std::min(request.top_n, request.documents.size());
    out.Field("top_n", static_cast<std::int64_t>(count));
  }
  if (request.max_tokens_per_doc > 0) out.Field("max_tokens_per_doc", request.max_tokens_per_doc);
  return out.EndObject().Take();
}

Result<domain::Reranking> DecodeProviderResponse(std::string_view body, std::size_t documents) {
  auto answer = Decode(body, documents);
  if (!answer) return Fail(AsUpstreamFault(std::move(answer.error())));
  return answer;
}

}  // namespace strata::dialect::rerank
