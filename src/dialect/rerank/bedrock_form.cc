// Bedrock's Rerank as a front door (bedrock-agent-runtime, RerankRequest and RerankResponse).

#include "base/format_message.h"
#include "base/utf8.h"
#include "dialect/json/json_writer.h"
#include "dialect/json_value.h"
#include "dialect/rerank.h"

namespace strata::dialect::rerank {
namespace {

constexpr std::size_t kTextMax = 32'000;  // code points

Result<std::string> DecodeText(const JsonField& document) {
  STRATA_CHECK_OK(document.OnlyMembers({"text"}));
  auto field = document.Get("text");
  STRATA_TRY(auto text, field.NonEmptyString());
  if (CodePointCount(text) > kTextMax) {
    return Fail(field.Wrong(FormatMessage("has more than {} characters", kTextMax)));
  }
  return text;
}

Result<> DecodeQuery(const JsonField& body, Request& out) {
  auto queries = body.Get("queries");
  if (!queries.ExpectArray() || queries.size() != 1) {
    return Fail(queries.Wrong("expected a list of one query"));
  }
  auto query = queries.Item(0);
  STRATA_CHECK_OK(query.OnlyMembers({"type", "textQuery"}));
  auto type = query.Get("type");
  STRATA_CHECK_OK(type.OneOf({"TEXT"}));
  auto text = query.Get("textQuery");
  STRATA_TRY(out.rerank.query, DecodeText(text));
  return {};
}

Result<> DecodeSource(const JsonField& source, Request& out) {
  STRATA_CHECK_OK(source.OnlyMembers({"type", "inlineDocumentSource"}));
  auto type = source.Get("type");
  STRATA_CHECK_OK(type.OneOf({"INLINE"}));
  auto document = source.Get("inlineDocumentSource");
  STRATA_CHECK_OK(document.OnlyMembers({"type", "textDocument", "jsonDocument"}));
  auto kind_field = document.Get("type");
  STRATA_TRY(auto kind, kind_field.OneOf({"TEXT", "JSON"}));
  std::string text;
  if (kind == "TEXT") {
    auto inner = document.Get("textDocument");
    STRATA_TRY(text, DecodeText(inner));
  } else {
    auto inner = document.Get("jsonDocument");
    if (!inner.present()) return Fail(inner.Wrong("expected a JSON value"));
    text = inner.value().Dump();
  }
  out.rerank.documents.push_back(std::move(text));
  out.documents.push_back({document.value().Dump()});
  return {};
}

Result<> DecodeConfiguration(const JsonField& body, Request& out) {
  auto outer = body.Get("rerankingConfiguration");
  STRATA_CHECK_OK(outer.OnlyMembers({"type", "bedrockRerankingConfiguration"}));
  auto type = outer.Get("type");
  STRATA_CHECK_OK(type.OneOf({"BEDROCK_RERANKING_MODEL"}));
  auto inner = outer.Get("bedrockRerankingConfiguration");
  STRATA_CHECK_OK(inner.OnlyMembers({"modelConfiguration", "numberOfResults"}));
  auto model = inner.Get("modelConfiguration");
  STRATA_CHECK_OK(model.ExpectObject());
  auto more = model.Get("additionalModelRequestFields");
  if (more.present() && more.size() > 0) {
    return Fail(more.Wrong("no reranker of this server takes more fields"));
  }
  auto arn = model.Get("modelArn");
  STRATA_TRY(out.model, arn.NonEmptyString());
  if (auto count = inner.Get("numberOfResults"); count.present()) {
    STRATA_TRY(auto top_n, count.Integer(1, kDocumentsMax));
    out.rerank.top_n = static_cast<std::size_t>(top_n);
  }
  return {};
}

}  // namespace

Result<Request> DecodeBedrockRequest(std::string_view text) {
  STRATA_TRY(auto root, ParseJson(text));
  JsonField body(root);
  STRATA_CHECK_OK(body.ExpectObject());
  STRATA_CHECK_OK(body.OnlyMembers({"queries", "sources", "rerankingConfiguration", "nextToken"}));
  if (auto token = body.Get("nextToken"); token.present()) {
    return Fail(token.Wrong("all results come on the first page, so there is no next one"));
  }
  Request out;
  out.return_documents = true;
  STRATA_CHECK_OK(DecodeQuery(body, out));
  STRATA_CHECK_OK(DecodeConfiguration(body, out));
  auto sources = body.Get("sources");
  if (!sources.ExpectArray() || sources.size() == 0 || sources.size() > kDocumentsMax) {
    return Fail(sources.Wrong(FormatMessage("expected a list of 1 to {} sources", kDocumentsMax)));
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    auto source = sources.Item(i);
    STRATA_CHECK_OK(DecodeSource(source, out));
  }
  return out;
}

std::string EncodeBedrockResponse(const domain::Reranking& answer, const Request& request) {
  JsonWriter out;
  out.BeginObject().Key("results").BeginArray();
  for (const auto& document : answer.ranked) {
    out.BeginObject().RawField("document", request.documents[document.index].text);
    out.Field("index", static_cast<std::int64_t>(document.index));
    out.Field("relevanceScore", document.score).EndObject();
  }
  return out.EndArray().EndObject().Take();
}

}  // namespace strata::dialect::rerank
