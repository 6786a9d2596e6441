#include "server/api/retrieval_json.h"

#include <boost/json.hpp>
#include <charconv>

#include "base/format_message.h"
#include "base/utf8.h"
#include "dialect/json_value.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;
using knowledge::RetrievedChunk;

constexpr std::size_t kMetadataReservedPages = 32;

Error Lacks(const JsonField& field, std::string_view what) {
  return Error(Code::kUnsupported,
               FormatMessage("{}: this server has no {} yet", field.Place().path(), Own(what)))
      .AtField(field.Place());
}

json::value ParseOrNull(const JsonText& text) {
  json::error_code error;
  auto value = json::parse(text.text, error);
  return error ? json::value(nullptr) : value;
}

json::object EncodeLocation(const RetrievedChunk& chunk) {
  switch (chunk.location) {
    case knowledge::LocationKind::kS3:
      return {{"type", "S3"}, {"s3Location", {{"uri", chunk.uri}}}};
    // Bedrock has no kind for a file; clients print the uri of web locations.
    case knowledge::LocationKind::kFile:
      return {{"type", "WEB"}, {"webLocation", {{"url", chunk.uri}}}};
    case knowledge::LocationKind::kCustom:
      break;
  }
  return {{"type", "CUSTOM"}, {"customDocumentLocation", {{"id", chunk.uri}}}};
}

// The document's own metadata, and what the citation needs under the reserved prefix that Bedrock
// uses for its own.
json::object EncodeMetadata(const RetrievedChunk& chunk) {
  json::object out;
  auto own = ParseOrNull(chunk.metadata);
  if (own.is_object()) out = std::move(own.as_object());
  out["x-amz-bedrock-kb-source-uri"] = chunk.uri;
  out["x-amz-bedrock-kb-chunk-id"] = chunk.chunk_id;
  out["x-amz-bedrock-kb-data-source-id"] = chunk.data_source_id;
  if (!chunk.title.empty()) out["x-amz-bedrock-kb-title"] = chunk.title;
  if (chunk.pages.empty()) return out;
  out["x-amz-bedrock-kb-document-page-number"] = chunk.pages.front().page;
  json::array regions;
  for (const auto& region : chunk.pages) {
    if (regions.size() == kMetadataReservedPages) break;
    json::array boxes;
    for (const auto& b : region.boxes) boxes.push_back(json::array{b.x1, b.y1, b.x2, b.y2});
    regions.push_back({{"page", region.page}, {"boxes", std::move(boxes)}});
  }
  // PDF points, origin at the bottom left.
  out["strata-page-regions"] = std::move(regions);
  return out;
}

json::object EncodeReference(const RetrievedChunk& chunk) {
  return {{"content", {{"text", chunk.text}, {"type", "TEXT"}}},
          {"location", EncodeLocation(chunk)},
          {"metadata", EncodeMetadata(chunk)}};
}

json::object EncodeCitation(const knowledge::AnswerCitation& citation) {
  json::array references;
  for (const auto& chunk : citation.references) references.push_back(EncodeReference(chunk));
  json::object part{{"text", citation.text},
                    {"span", {{"start", citation.start}, {"end", citation.end}}}};
  return {{"generatedResponsePart", {{"textResponsePart", std::move(part)}}},
          {"retrievedReferences", std::move(references)}};
}

// metadataConfiguration of a reranking: which metadata it sees.
Result<> DecodeRerankMetadata(const JsonField& field, knowledge::RerankChoice& out) {
  using Show = knowledge::RerankChoice::Show;
  constexpr std::size_t kFieldsMax = 100;
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"selectionMode", "selectiveModeConfiguration"}));
  auto mode = field.Get("selectionMode");
  STRATA_TRY(auto name, mode.OneOf({"SELECTIVE", "ALL"}));
  auto selective = field.Get("selectiveModeConfiguration");
  if (name == "ALL") {
    if (selective.present()) return Fail(selective.Wrong("goes with selectionMode SELECTIVE"));
    out.show = Show::kAll;
    return {};
  }
  STRATA_CHECK_OK(selective.ExpectObject());
  STRATA_CHECK_OK(selective.OnlyMembers({"fieldsToExclude", "fieldsToInclude"}));
  STRATA_TRY(auto which, selective.OnlyMember());
  out.show = which == "fieldsToInclude" ? Show::kOnly : Show::kAllBut;
  auto fields = selective.Get(which);
  STRATA_CHECK_OK(fields.ExpectArray());
  if (fields.size() < 1 || fields.size() > kFieldsMax) {
    return Fail(fields.Wrong("expected 1 to 100 fields"));
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    auto item = fields.Item(i);
    STRATA_CHECK_OK(item.ExpectObject());
    auto field_name = item.Get("fieldName");
    STRATA_TRY(auto text, field_name.NonEmptyString());
    out.fields.push_back(std::move(text));
  }
  return {};
}

Result<knowledge::RerankChoice> DecodeReranking(const JsonField& field) {
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"bedrockRerankingConfiguration", "type"}));
  auto type = field.Get("type");
  STRATA_CHECK_OK(type.OneOf({"BEDROCK_RERANKING_MODEL"}));
  auto own = field.Get("bedrockRerankingConfiguration");
  STRATA_CHECK_OK(own.ExpectObject());
  STRATA_CHECK_OK(
      own.OnlyMembers({"metadataConfiguration", "modelConfiguration", "numberOfRerankedResults"}));
  knowledge::RerankChoice choice;
  auto model = own.Get("modelConfiguration");
  STRATA_CHECK_OK(model.ExpectObject());
  STRATA_CHECK_OK(model.OnlyMembers({"additionalModelRequestFields", "modelArn"}));
  auto extra = model.Get("additionalModelRequestFields");
  if (extra.present() && extra.size() > 0) {
    return Fail(Lacks(extra, "further parameters for rerankers"));
  }
  auto arn = model.Get("modelArn");
  STRATA_TRY(auto id, arn.NonEmptyString());
  choice.model = ModelIdOf(id);
  if (choice.model.empty()) return Fail(arn.Wrong("the ARN names no model"));
  auto count = own.Get("numberOfRerankedResults");
  if (count.present()) {
    STRATA_TRY(auto results, count.Integer(1, knowledge::kApiResultsMax));
    choice.results = static_cast<int>(results);
  }
  auto metadata = own.Get("metadataConfiguration");
  if (metadata.present()) STRATA_CHECK_OK(DecodeRerankMetadata(metadata, choice));
  return choice;
}

Result<std::string> TextUpTo(const JsonField& field, std::size_t characters_max) {
  STRATA_TRY(auto text, field.NonEmptyString());
  if (CodePointCount(text) <= characters_max) return text;
  return Fail(field.Wrong(FormatMessage("expected at most {} characters", characters_max)));
}

Result<knowledge::FilterAttribute> DecodeFilterAttribute(const JsonField& field) {
  using Type = knowledge::FilterAttribute::Type;
  constexpr std::size_t kKeyMax = 256;
  constexpr std::size_t kDescriptionMax = 1024;
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"description", "key", "type"}));
  knowledge::FilterAttribute out;
  STRATA_TRY(out.key, TextUpTo(field.Get("key"), kKeyMax));
  STRATA_TRY(out.description, TextUpTo(field.Get("description"), kDescriptionMax));
  auto type = field.Get("type");
  STRATA_TRY(auto name, type.OneOf({"STRING", "NUMBER", "BOOLEAN", "STRING_LIST"}));
  if (name == "NUMBER") out.type = Type::kNumber;
  if (name == "BOOLEAN") out.type = Type::kBoolean;
  if (name == "STRING_LIST") out.type = Type::kStringList;
  return out;
}

Result<knowledge::ImplicitFilter> DecodeImplicitFilter(const JsonField& field) {
  constexpr std::size_t kArnMax = 2048;
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"metadataAttributes", "modelArn"}));
  knowledge::ImplicitFilter out;
  auto arn = field.Get("modelArn");
  STRATA_TRY(auto id, TextUpTo(arn, kArnMax));
  out.model = ModelIdOf(id);
  if (out.model.empty()) return Fail(arn.Wrong("the ARN names no model"));
  auto attributes = field.Get("metadataAttributes");
  STRATA_CHECK_OK(attributes.ExpectArray());
  if (attributes.size() < 1 || attributes.size() > knowledge::kFilterAttributesMax) {
    return Fail(attributes.Wrong(
        FormatMessage("expected 1 to {} attributes", knowledge::kFilterAttributesMax)));
  }
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    auto item = attributes.Item(i);
    STRATA_TRY(auto attribute, DecodeFilterAttribute(item));
    for (const auto& other : out.attributes) {
      if (other.key == attribute.key) return Fail(item.Get("key").Wrong("is declared twice"));
    }
    out.attributes.push_back(std::move(attribute));
  }
  return out;
}

// vectorSearchConfiguration, shared by both operations.
Result<> DecodeVectorSearch(const JsonField& field, knowledge::RetrieveRequest& out,
                            std::optional<knowledge::ImplicitFilter>& implicit_filter) {
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"filter", "implicitFilterConfiguration", "numberOfResults",
                                     "overrideSearchType", "rerankingConfiguration"}));
  auto implicit = field.Get("implicitFilterConfiguration");
  if (implicit.present()) {
    STRATA_TRY(implicit_filter, DecodeImplicitFilter(implicit));
  }
  auto rerank = field.Get("rerankingConfiguration");
  if (rerank.present()) {
    STRATA_TRY(out.rerank, DecodeReranking(rerank));
  }
  auto count = field.Get("numberOfResults");
  if (count.present()) {
    STRATA_TRY(auto results, count.Integer(1, knowledge::kApiResultsMax));
    out.results = static_cast<int>(results);
  }
  auto type = field.Get("overrideSearchType");
  if (type.present()) {
    STRATA_TRY(auto name, type.OneOf({"HYBRID", "SEMANTIC"}));
    STRATA_TRY(out.mode, knowledge::ParseSearchMode(name, type.Path()));
  }
  auto filter = field.Get("filter");
  if (filter.present()) {
    STRATA_TRY(auto parsed, knowledge::ParseFilter(filter.value().Dump(), filter.Path()));
    out.filter = std::move(parsed);
  }
  return {};
}

Result<> DecodeRetrievalConfiguration(const JsonField& field, knowledge::RetrieveRequest& out,
                                      std::optional<knowledge::ImplicitFilter>& implicit_filter) {
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"vectorSearchConfiguration", "managedSearchConfiguration"}));
  auto managed = field.Get("managedSearchConfiguration");
  if (managed.present())
    return Fail(Lacks(managed, "managed search; use vectorSearchConfiguration"));
  auto search = field.Get("vectorSearchConfiguration");
  return search.present() ? DecodeVectorSearch(search, out, implicit_filter) : Result<>{};
}

Result<std::string> DecodeUser(const JsonField& top) {
  auto user = top.Get("userContext");
  if (!user.present()) return std::string();
  STRATA_CHECK_OK(user.ExpectObject());
  auto id = user.Get("userId");
  return id.NonEmptyString();
}

Result<> DecodeInference(const JsonField& field, knowledge::GenerationOptions& out) {
  auto text = field.Get("textInferenceConfig");
  if (!text.present()) return {};
  STRATA_CHECK_OK(text.ExpectObject());
  if (auto max = text.Get("maxTokens"); max.present()) {
    STRATA_TRY(out.max_tokens, max.Integer(1, 65536));
  }
  if (auto temperature = text.Get("temperature"); temperature.present()) {
    STRATA_TRY(out.temperature, temperature.Double(0, 1));
  }
  if (auto top_p = text.Get("topP"); top_p.present()) {
    STRATA_TRY(out.top_p, top_p.Double(0, 1));
  }
  auto stop = text.Get("stopSequences");
  for (std::size_t i = 0; stop.present() && i < stop.size(); ++i) {
    auto item = stop.Item(i);
    STRATA_TRY(auto sequence, item.NonEmptyString());
    out.stop.push_back(std::move(sequence));
  }
  return {};
}

// A guardrail of the configuration file has one version, however it is called.
Result<GuardrailAsked> DecodeGuardrail(const JsonField& field) {
  if (!field.present()) return GuardrailAsked{};
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"guardrailId", "guardrailVersion"}));
  auto id = field.Get("guardrailId");
  auto version = field.Get("guardrailVersion");
  GuardrailAsked out{.id = {}, .field = id.Path()};
  STRATA_TRY(out.id, id.NonEmptyString());
  STRATA_CHECK_OK(version.OneOf({"DRAFT", "1"}));
  return out;
}

Result<> DecodeGeneration(const JsonField& field, knowledge::GenerationOptions& out) {
  if (!field.present()) return {};
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"additionalModelRequestFields", "guardrailConfiguration",
                                     "inferenceConfig", "performanceConfig", "promptTemplate"}));
  auto inference = field.Get("inferenceConfig");
  if (inference.present()) STRATA_CHECK_OK(DecodeInference(inference, out));
  auto prompt = field.Get("promptTemplate");
  if (prompt.present()) {
    auto text = prompt.Get("textPromptTemplate");
    STRATA_TRY(out.prompt_template, text.NonEmptyString());
    if (out.prompt_template.find("$search_results$") == std::string::npos) {
      return Fail(text.Wrong("expected the variable $search_results$ in it"));
    }
  }
  auto extra = field.Get("additionalModelRequestFields");
  if (extra.present()) {
    STRATA_TRY(out.extra, extra.ObjectText());
  }
  return {};
}

// What Bedrock's prompts for queries must hold.
Result<std::string> DecodeQueryTemplate(const JsonField& field) {
  constexpr std::size_t kCharactersMax = 4000;
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"textPromptTemplate"}));
  auto text = field.Get("textPromptTemplate");
  STRATA_TRY(auto out, TextUpTo(text, kCharactersMax));
  for (const auto* variable : {"$conversation_history$", "$output_format_instructions$"}) {
    if (out.find(variable) != std::string::npos) continue;
    return Fail(text.Wrong(FormatMessage("expected the variable {} in it", Own(variable))));
  }
  return out;
}

Result<> DecodeOrchestration(const JsonField& field, knowledge::RetrieveAndGenerateRequest& out) {
  if (!field.present()) return {};
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(
      field.OnlyMembers({"additionalModelRequestFields", "inferenceConfig", "performanceConfig",
                         "promptTemplate", "queryTransformationConfiguration"}));
  auto& [rewriting, generation] = out.queries;
  generation.model = out.generation.model;
  if (auto prompt = field.Get("promptTemplate"); prompt.present()) {
    STRATA_TRY(generation.prompt_template, DecodeQueryTemplate(prompt));
  }
  auto transformation = field.Get("queryTransformationConfiguration");
  if (transformation.present()) {
    STRATA_CHECK_OK(transformation.ExpectObject());
    STRATA_CHECK_OK(transformation.Get("type").OneOf({"QUERY_DECOMPOSITION"}));
    rewriting = knowledge::Rewriting::kParts;
  }
  auto inference = field.Get("inferenceConfig");
  if (inference.present()) STRATA_CHECK_OK(DecodeInference(inference, generation));
  auto extra = field.Get("additionalModelRequestFields");
  if (extra.present()) {
    STRATA_TRY(generation.extra, extra.ObjectText());
  }
  return {};
}

Result<> DecodeKnowledgeBaseConfiguration(const JsonField& field,
                                          knowledge::RetrieveAndGenerateRequest& out) {
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"knowledgeBaseId", "modelArn", "generationConfiguration",
                                     "orchestrationConfiguration", "retrievalConfiguration"}));
  auto id = field.Get("knowledgeBaseId");
  STRATA_TRY(auto knowledge_base, id.NonEmptyString());
  out.retrieve.knowledge_base_id = KnowledgeBaseIdOf(knowledge_base);
  if (out.retrieve.knowledge_base_id.empty()) return Fail(id.Wrong("the ARN names no resource"));
  auto model = field.Get("modelArn");
  STRATA_TRY(auto arn, model.NonEmptyString());
  out.generation.model = ModelIdOf(arn);
  STRATA_CHECK_OK(DecodeGeneration(field.Get("generationConfiguration"), out.generation));
  STRATA_CHECK_OK(DecodeOrchestration(field.Get("orchestrationConfiguration"), out));
  auto retrieval = field.Get("retrievalConfiguration");
  if (!retrieval.present()) return {};
  return DecodeRetrievalConfiguration(retrieval, out.retrieve, out.implicit_filter);
}

Result<knowledge::ExternalSource> DecodeS3Source(const JsonField& field) {
  constexpr std::size_t kUriMax = 1024;
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"uri"}));
  auto uri = field.Get("uri");
  knowledge::ExternalSource source;
  source.in_s3 = true;
  STRATA_TRY(source.identifier, TextUpTo(uri, kUriMax));
  if (!source.identifier.starts_with("s3://")) return Fail(uri.Wrong("expected s3://BUCKET/KEY"));
  return source;
}

Result<knowledge::ExternalSource> DecodeExternalSource(const JsonField& field) {
  STRATA_CHECK_OK(field.ExpectObject());
  auto type = field.Get("sourceType");
  STRATA_TRY(auto kind, type.OneOf({"S3", "BYTE_CONTENT"}));
  if (kind == "S3") return DecodeS3Source(field.Get("s3Location"));
  auto content = field.Get("byteContent");
  STRATA_CHECK_OK(content.ExpectObject());
  auto identifier = content.Get("identifier");
  auto media_type = content.Get("contentType");
  auto data = content.Get("data");
  knowledge::ExternalSource source;
  STRATA_TRY(source.identifier, identifier.NonEmptyString());
  STRATA_TRY(source.media_type, media_type.NonEmptyString());
  STRATA_TRY(source.bytes, data.Base64());
  return source;
}

Result<> DecodeExternalConfiguration(const JsonField& field,
                                     knowledge::RetrieveAndGenerateRequest& out) {
  STRATA_CHECK_OK(field.ExpectObject());
  auto model = field.Get("modelArn");
  STRATA_TRY(auto arn, model.NonEmptyString());
  out.generation.model = ModelIdOf(arn);
  STRATA_CHECK_OK(DecodeGeneration(field.Get("generationConfiguration"), out.generation));
  auto sources = field.Get("sources");
  STRATA_CHECK_OK(sources.ExpectArray());
  if (sources.size() != 1) return Fail(sources.Wrong("expected exactly one source"));
  auto first = sources.Item(0);
  STRATA_TRY(auto source, DecodeExternalSource(first));
  out.sources.push_back(std::move(source));
  return {};
}

Result<GuardrailAsked> GuardrailOf(const JsonField& configuration) {
  auto generation = configuration.Get("generationConfiguration");
  if (!generation.present()) return GuardrailAsked{};
  return DecodeGuardrail(generation.Get("guardrailConfiguration"));
}

std::string LastPart(std::string_view text) {
  return std::string(text.substr(text.rfind('/') + 1));
}

}  // namespace

std::string KnowledgeBaseIdOf(std::string_view id_or_arn) {
  return id_or_arn.starts_with("arn:") ? LastPart(id_or_arn) : std::string(id_or_arn);
}

std::string ModelIdOf(std::string_view id_or_arn) {
  constexpr std::string_view kMarker = ":foundation-model/";
  auto at = id_or_arn.find(kMarker);
  return std::string(at == id_or_arn.npos ? id_or_arn : id_or_arn.substr(at + kMarker.size()));
}

Result<RetrieveCall> DecodeRetrieve(std::string_view knowledge_base, std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"guardrailConfiguration", "nextToken", "retrievalConfiguration",
                                   "retrievalQuery", "userContext"}));
  RetrieveCall call;
  STRATA_TRY(call.guardrail, DecodeGuardrail(top.Get("guardrailConfiguration")));
  call.request.knowledge_base_id = KnowledgeBaseIdOf(knowledge_base);
  auto query = top.Get("retrievalQuery");
  STRATA_CHECK_OK(query.ExpectObject());
  auto image = query.Get("image");
  if (image.present()) return Fail(Lacks(image, "image queries"));
  auto text = query.Get("text");
  STRATA_TRY(call.request.query, text.NonEmptyString());
  if (CodePointCount(call.request.query) > knowledge::kQueryCharactersMax) {
    return Fail(
        text.Wrong(FormatMessage("longer than {} characters", knowledge::kQueryCharactersMax)));
  }
  auto configuration = top.Get("retrievalConfiguration");
  if (configuration.present())
    STRATA_CHECK_OK(
        DecodeRetrievalConfiguration(configuration, call.request, call.implicit_filter));
  auto token = top.Get("nextToken");
  if (token.present())
    return Fail(
        token.Wrong("no token was given out: a result is never cut; ask for numberOfResults"));
  STRATA_TRY(call.user_id, DecodeUser(top));
  return call;
}

std::string EncodeRetrieveResponse(const knowledge::RetrieveResponse& response,
                                   std::optional<bool> intervened) {
  json::array results;
  for (const auto& chunk : response.results) {
    auto result = EncodeReference(chunk);
    result["score"] = chunk.score;
    result["documentId"] = chunk.document_id;
    results.push_back(std::move(result));
  }
  json::object out{{"retrievalResults", std::move(results)}};
  if (intervened) out["guardrailAction"] = *intervened ? "INTERVENED" : "NONE";
  return json::serialize(out);
}

Result<CheckDocumentAclCall> DecodeCheckDocumentAcl(std::string_view body) {
  constexpr std::size_t kDocumentIdMax = 1825;
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"documentId", "userContext"}));
  CheckDocumentAclCall call;
  auto document = top.Get("documentId");
  STRATA_TRY(call.document_id, document.NonEmptyString());
  if (CodePointCount(call.document_id) > kDocumentIdMax) {
    return Fail(document.Wrong("expected at most 1825 characters"));
  }
  auto user = top.Get("userContext");
  STRATA_CHECK_OK(user.ExpectObject());
  STRATA_CHECK_OK(user.OnlyMembers({"userId"}));
  STRATA_TRY(call.user_id, DecodeUser(top));
  return call;
}

Result<RetrieveAndGenerateCall> DecodeRetrieveAndGenerate(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"input", "retrieveAndGenerateConfiguration",
                                   "sessionConfiguration", "sessionId", "userContext"}));
  RetrieveAndGenerateCall call;
  auto input = top.Get("input");
  STRATA_CHECK_OK(input.ExpectObject());
  auto text = input.Get("text");
  STRATA_TRY(call.request.question, text.NonEmptyString());
  if (auto session = top.Get("sessionId"); session.present()) {
    STRATA_TRY(call.request.session_id, session.NonEmptyString());
  }
  auto configuration = top.Get("retrieveAndGenerateConfiguration");
  STRATA_CHECK_OK(configuration.ExpectObject());
  auto type = configuration.Get("type");
  STRATA_TRY(auto kind, type.OneOf({"KNOWLEDGE_BASE", "EXTERNAL_SOURCES"}));
  if (kind == "KNOWLEDGE_BASE") {
    auto own = configuration.Get("knowledgeBaseConfiguration");
    STRATA_CHECK_OK(DecodeKnowledgeBaseConfiguration(own, call.request));
    STRATA_TRY(call.guardrail, GuardrailOf(own));
  } else {
    auto own = configuration.Get("externalSourcesConfiguration");
    STRATA_CHECK_OK(DecodeExternalConfiguration(own, call.request));
    STRATA_TRY(call.guardrail, GuardrailOf(own));
  }
  STRATA_TRY(call.user_id, DecodeUser(top));
  return call;
}

std::string EncodeRetrieveAndGenerateResponse(
    const knowledge::RetrieveAndGenerateResponse& response) {
  json::array citations;
  for (const auto& citation : response.citations) citations.push_back(EncodeCitation(citation));
  json::object out{{"sessionId", response.session_id},
                   {"output", {{"text", response.text}}},
                   {"citations", std::move(citations)}};
  if (response.intervened) out["guardrailAction"] = *response.intervened ? "INTERVENED" : "NONE";
  return json::serialize(out);
}

std::string EncodeCitationEvent(const knowledge::AnswerCitation& citation) {
  auto members = EncodeCitation(citation);
  // `citation` is the deprecated twin of the two members; older SDKs read only it.
  json::object event = members;
  event["citation"] = std::move(members);
  return json::serialize(event);
}

}  // namespace strata::server
