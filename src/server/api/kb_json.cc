#include "server/api/kb_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <limits>

#include "base/format_message.h"
#include "dialect/json_value.h"
#include "server/api/retrieval_json.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

constexpr std::string_view kAccount = "000000000000";

json::object ParseObject(const JsonText& text) {
  json::error_code error;
  auto value = json::parse(text.text, error);
  return !error && value.is_object() ? std::move(value.as_object()) : json::object{};
}

Error Lacks(const JsonField& field, std::string_view what) {
  return Error(Code::kUnsupported, FormatMessage("{}: {}", field.Place().path(), Own(what)))
      .AtField(field.Place());
}

void AddTimes(json::object& out, WallTime created, WallTime updated) {
  out["createdAt"] = FormatIso8601(created);
  out["updatedAt"] = FormatIso8601(updated);
}

template <class T, class F>
json::object ListOf(std::string_view member, const knowledge::Page<T>& page, F encode) {
  json::array items;
  for (const auto& item : page.items) items.push_back(encode(item));
  json::object out;
  out[member] = std::move(items);
  if (!page.next_token.empty()) out["nextToken"] = page.next_token;
  return out;
}

// A top-level object with an empty body allowed.
Result<dialect::JsonValue> ParseBody(std::string_view body) {
  return dialect::ParseJson(body.empty() ? "{}" : body);
}

Result<std::string> OptionalText(const JsonField& field) {
  if (!field.present()) return std::string();
  return field.String();
}

// The copy of a request that is given back as it came: everything but the members that are stored
// in columns.
JsonText Remembered(const dialect::JsonValue& top,
                    std::initializer_list<std::string_view> members) {
  dialect::JsonValue::Object kept;
  for (const auto& member : *top.object()) {
    if (std::find(members.begin(), members.end(), member.key) != members.end())
      kept.push_back(member);
  }
  return {dialect::JsonValue(std::move(kept)).Dump()};
}

Result<std::string> DecodeEmbeddingModel(const JsonField& configuration) {
  auto type = configuration.Get("type");
  STRATA_TRY(auto kind, type.OneOf({"VECTOR", "MANAGED", "KENDRA", "SQL"}));
  if (kind == "KENDRA" || kind == "SQL")
    return Fail(Lacks(type, "knowledge bases of type VECTOR and MANAGED are supported"));
  auto own = configuration.Get(kind == "VECTOR" ? "vectorKnowledgeBaseConfiguration"
                                                : "managedKnowledgeBaseConfiguration");
  if (!own.present() && kind == "MANAGED") return std::string();
  STRATA_CHECK_OK(own.ExpectObject());
  auto model = own.Get("embeddingModelArn");
  if (!model.present() && kind == "MANAGED") return std::string();
  STRATA_TRY(auto arn, model.NonEmptyString());
  return ModelIdOf(arn);
}

json::object EncodeBase(const knowledge::KnowledgeBase& base, const ArnScope& scope) {
  json::object out = ParseObject(base.extra);
  out["knowledgeBaseId"] = base.id;
  out["name"] = base.name;
  if (!base.description.empty()) out["description"] = base.description;
  out["knowledgeBaseArn"] = KnowledgeBaseArn(base.id, scope);
  out["status"] = knowledge::StatusName(base.status);
  if (!out.contains("roleArn")) out["roleArn"] = "";
  if (!out.contains("knowledgeBaseConfiguration")) {
    auto arn =
        fmt::format("arn:aws:bedrock:{}::foundation-model/{}", scope.region, base.embedding_model);
    out["knowledgeBaseConfiguration"] = {
        {"type", "VECTOR"}, {"vectorKnowledgeBaseConfiguration", {{"embeddingModelArn", arn}}}};
  }
  if (!base.failure_reasons.empty()) out["failureReasons"] = json::value_from(base.failure_reasons);
  out.erase("tags");
  AddTimes(out, base.created, base.updated);
  return out;
}

// "arn:aws:s3:::bucket" and an optional prefix to "s3://bucket/prefix".
Result<> DecodeS3(const JsonField& field, knowledge::CreateDataSourceInput& out) {
  STRATA_CHECK_OK(field.ExpectObject());
  auto arn_field = field.Get("bucketArn");
  STRATA_TRY(auto arn, arn_field.NonEmptyString());
  constexpr std::string_view kPrefix = "arn:aws:s3:::";
  if (!arn.starts_with(kPrefix) || arn.size() == kPrefix.size()) {
    return Fail(arn_field.Wrong("expected arn:aws:s3:::BUCKET"));
  }
  out.kind = knowledge::DataSourceKind::kS3;
  out.uri = "s3://" + arn.substr(kPrefix.size()) + "/";
  auto prefixes = field.Get("inclusionPrefixes");
  if (!prefixes.present() || prefixes.size() == 0) return {};
  if (prefixes.size() > 1) return Fail(prefixes.Wrong("expected one prefix at most"));
  auto first = prefixes.Item(0);
  STRATA_TRY(auto prefix, first.NonEmptyString());
  out.uri += prefix;
  return {};
}

Result<> DecodeChunking(const JsonField& ingestion, knowledge::CreateDataSourceInput& out) {
  auto parsing = ingestion.Get("parsingConfiguration");
  if (parsing.present())
    return Fail(Lacks(parsing, "documents are parsed by the built-in parsers; remove the member"));
  auto transformation = ingestion.Get("customTransformationConfiguration");
  if (transformation.present())
    return Fail(Lacks(transformation, "custom transformations are not supported"));
  auto enrichment = ingestion.Get("contextEnrichmentConfiguration");
  if (enrichment.present()) return Fail(Lacks(enrichment, "context enrichment is not supported"));
  auto chunking = ingestion.Get("chunkingConfiguration");
  if (!chunking.present()) return {};
  auto strategy = chunking.Get("chunkingStrategy");
  STRATA_TRY(auto name, strategy.NonEmptyString());
  std::int64_t max_tokens = 0;
  std::int64_t overlap = 0;
  auto fixed = chunking.Get("fixedSizeChunkingConfiguration");
  if (fixed.present()) {
    STRATA_CHECK_OK(fixed.ExpectObject());
    auto tokens_field = fixed.Get("maxTokens");
    STRATA_TRY(max_tokens, tokens_field.Integer(1, 8192));
    auto overlap_field = fixed.Get("overlapPercentage");
    STRATA_TRY(overlap, overlap_field.Integer(1, 99));
  }
  auto embedder_max = knowledge::ChunkRecipe{}.tokens_max;
  STRATA_TRY(auto recipe, knowledge::RecipeFromBedrock(name, max_tokens, overlap, embedder_max));
  out.recipe = recipe;
  return {};
}

// The inverse of DecodeS3. A folder has no type of its own in Bedrock: it is a CUSTOM source, as
// its documents are known by ids that are not in a bucket.
json::object EncodeSourceConfiguration(const knowledge::DataSource& source) {
  if (source.kind != knowledge::DataSourceKind::kS3) return {{"type", "CUSTOM"}};
  constexpr std::string_view kScheme = "s3://";
  auto place = std::string_view(source.uri).substr(kScheme.size());
  auto slash = std::min(place.find('/'), place.size());
  json::object s3{{"bucketArn", fmt::format("arn:aws:s3:::{}", place.substr(0, slash))}};
  auto prefix = place.substr(std::min(slash + 1, place.size()));
  if (!prefix.empty()) s3["inclusionPrefixes"] = json::array{prefix};
  return {{"type", "S3"}, {"s3Configuration", std::move(s3)}};
}

json::object EncodeSource(const knowledge::DataSource& source) {
  json::object out = ParseObject(source.extra);
  out["knowledgeBaseId"] = source.knowledge_base_id;
  out["dataSourceId"] = source.id;
  out["name"] = source.name;
  if (!source.description.empty()) out["description"] = source.description;
  out["status"] = "AVAILABLE";
  out["dataDeletionPolicy"] = source.delete_documents_with_source ? "DELETE" : "RETAIN";
  if (!out.contains("dataSourceConfiguration"))
    out["dataSourceConfiguration"] = EncodeSourceConfiguration(source);
  AddTimes(out, source.created, source.updated);
  return out;
}

json::object EncodeJob(const knowledge::IngestionJob& job) {
  const auto& s = job.statistics;
  json::object out{{"knowledgeBaseId", job.knowledge_base_id},
                   {"dataSourceId", job.data_source_id},
                   {"ingestionJobId", job.id},
                   {"status", knowledge::StatusName(job.status)},
                   {"statistics",
                    {{"numberOfDocumentsScanned", s.scanned},
                     {"numberOfMetadataDocumentsScanned", s.metadata_scanned},
                     {"numberOfNewDocumentsIndexed", s.added},
                     {"numberOfModifiedDocumentsIndexed", s.modified},
                     {"numberOfMetadataDocumentsModified", s.metadata_modified},
                     {"numberOfDocumentsDeleted", s.deleted},
                     {"numberOfDocumentsFailed", s.failed},
                     {"numberOfDocumentsSkipped", s.skipped}}},
                   {"startedAt", FormatIso8601(job.started)},
                   {"updatedAt", FormatIso8601(job.updated)}};
  if (!job.description.empty()) out["description"] = job.description;
  if (!job.failure_reasons.empty()) out["failureReasons"] = json::value_from(job.failure_reasons);
  // Not Bedrock's: its clients pass over it, and a doubt about a document is no failure.
  if (!job.warnings.empty()) out["warnings"] = json::value_from(job.warnings);
  return out;
}

// One inline attribute as `"key": value` of the flat metadata object.
Result<> DecodeAttribute(const JsonField& field, json::object& metadata) {
  STRATA_CHECK_OK(field.ExpectObject());
  auto key_field = field.Get("key");
  STRATA_TRY(auto key, key_field.NonEmptyString());
  auto value = field.Get("value");
  STRATA_CHECK_OK(value.ExpectObject());
  auto type = value.Get("type");
  STRATA_TRY(auto kind, type.OneOf({"BOOLEAN", "NUMBER", "STRING", "STRING_LIST"}));
  auto boolean = value.Get("booleanValue");
  auto number = value.Get("numberValue");
  auto text = value.Get("stringValue");
  auto list = value.Get("stringListValue");
  if (kind == "BOOLEAN") {
    STRATA_TRY(auto flag, boolean.Bool());
    metadata[key] = flag;
  } else if (kind == "NUMBER") {
    auto whole = number.Integer(std::numeric_limits<std::int64_t>::min(),
                                std::numeric_limits<std::int64_t>::max());
    if (whole.has_value()) {
      metadata[key] = *whole;  // all its digits
    } else {
      STRATA_TRY(auto real, number.Double(-1e300, 1e300));
      metadata[key] = real;
    }
  } else if (kind == "STRING") {
    STRATA_TRY(auto string, text.String());
    metadata[key] = string;
  } else {
    STRATA_CHECK_OK(list.ExpectArray());
    json::array items;
    for (std::size_t i = 0; i < list.size(); ++i) {
      auto item = list.Item(i);
      STRATA_TRY(auto string, item.String());
      items.emplace_back(string);
    }
    metadata[key] = std::move(items);
  }
  return {};
}

Result<> DecodeAccess(const JsonField& field, knowledge::AccessList& out) {
  if (!field.present()) return {};
  STRATA_CHECK_OK(field.ExpectArray());
  if (field.size() == 0) {
    return Fail(field.Wrong("the list is empty: nobody could read it; leave it out for everybody"));
  }
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto entry = field.Item(i);
    STRATA_CHECK_OK(entry.ExpectObject());
    auto type = entry.Get("type");
    STRATA_CHECK_OK(type.OneOf({"USER"}));
    auto name_field = entry.Get("name");
    STRATA_TRY(auto name, name_field.NonEmptyString());
    auto access = entry.Get("access");
    STRATA_TRY(auto verdict, access.OneOf({"ALLOW", "DENY"}));
    (verdict == "ALLOW" ? out.allow : out.deny).push_back("user:" + name);
  }
  return {};
}

Result<> DecodeMetadata(const JsonField& field, knowledge::DocumentInput& out) {
  if (!field.present()) return {};
  STRATA_CHECK_OK(field.ExpectObject());
  auto type = field.Get("type");
  STRATA_TRY(auto kind, type.OneOf({"IN_LINE_ATTRIBUTE", "S3_LOCATION"}));
  if (kind == "S3_LOCATION")
    return Fail(Lacks(type, "metadata from S3 is not supported; use IN_LINE_ATTRIBUTE"));
  json::object metadata;
  auto attributes = field.Get("inlineAttributes");
  for (std::size_t i = 0; attributes.present() && i < attributes.size(); ++i) {
    STRATA_CHECK_OK(DecodeAttribute(attributes.Item(i), metadata));
  }
  if (!metadata.empty()) out.metadata.text = json::serialize(metadata);
  return DecodeAccess(field.Get("accessControlList"), out.access);
}

Result<> DecodeInlineContent(const JsonField& field, knowledge::DocumentInput& out) {
  STRATA_CHECK_OK(field.ExpectObject());
  auto type = field.Get("type");
  STRATA_TRY(auto kind, type.OneOf({"BYTE", "TEXT"}));
  if (kind == "TEXT") {
    auto content = field.Get("textContent");
    STRATA_CHECK_OK(content.ExpectObject());
    auto data = content.Get("data");
    out.media_type = "text/plain";
    STRATA_TRY(out.content, data.NonEmptyString());
    return {};
  }
  auto content = field.Get("byteContent");
  STRATA_CHECK_OK(content.ExpectObject());
  auto media_type = content.Get("mimeType");
  auto data = content.Get("data");
  STRATA_TRY(out.media_type, media_type.NonEmptyString());
  STRATA_TRY(out.content, data.Base64());
  return {};
}

Result<knowledge::DocumentInput> DecodeDocument(const JsonField& field) {
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(field.OnlyMembers({"metadata", "content"}));
  knowledge::DocumentInput out;
  STRATA_CHECK_OK(DecodeMetadata(field.Get("metadata"), out));
  auto content = field.Get("content");
  STRATA_CHECK_OK(content.ExpectObject());
  auto type = content.Get("dataSourceType");
  STRATA_TRY(auto kind, type.OneOf({"CUSTOM", "S3"}));
  if (kind == "S3") {
    auto s3 = content.Get("s3");
    STRATA_CHECK_OK(s3.ExpectObject());
    auto location = s3.Get("s3Location");
    STRATA_CHECK_OK(location.ExpectObject());
    auto uri = location.Get("uri");
    STRATA_TRY(out.id, uri.NonEmptyString());
    return out;
  }
  auto custom = content.Get("custom");
  STRATA_CHECK_OK(custom.ExpectObject());
  auto identifier = custom.Get("customDocumentIdentifier");
  STRATA_CHECK_OK(identifier.ExpectObject());
  auto id = identifier.Get("id");
  STRATA_TRY(out.id, id.NonEmptyString());
  auto source_type = custom.Get("sourceType");
  STRATA_TRY(auto where, source_type.OneOf({"IN_LINE", "S3_LOCATION"}));
  if (where == "S3_LOCATION") {
    return Fail(
        Lacks(source_type,
              "custom documents come IN_LINE; make an S3 data source for files of a bucket"));
  }
  STRATA_CHECK_OK(DecodeInlineContent(custom.Get("inlineContent"), out));
  return out;
}

Result<std::string> DecodeDocumentId(const JsonField& field) {
  STRATA_CHECK_OK(field.ExpectObject());
  auto type = field.Get("dataSourceType");
  STRATA_TRY(auto kind, type.OneOf({"CUSTOM", "S3"}));
  auto own = field.Get(kind == "S3" ? "s3" : "custom");
  STRATA_CHECK_OK(own.ExpectObject());
  auto id = own.Get(kind == "S3" ? "uri" : "id");
  return id.NonEmptyString();
}

json::object EncodeDetail(const knowledge::DocumentDetail& detail) {
  json::object identifier;
  if (detail.location == knowledge::LocationKind::kS3) {
    identifier = {{"dataSourceType", "S3"}, {"s3", {{"uri", detail.id}}}};
  } else {
    identifier = {{"dataSourceType", "CUSTOM"}, {"custom", {{"id", detail.id}}}};
  }
  json::object out{{"knowledgeBaseId", detail.knowledge_base_id},
                   {"dataSourceId", detail.data_source_id},
                   {"status", knowledge::StatusName(detail.status)},
                   {"identifier", std::move(identifier)},
                   {"updatedAt", FormatIso8601(detail.updated)}};
  if (!detail.reason.empty()) out["statusReason"] = detail.reason;
  return out;
}

}  // namespace

std::string KnowledgeBaseArn(std::string_view id, const ArnScope& scope) {
  return fmt::format("arn:aws:bedrock:{}:{}:knowledge-base/{}", scope.region, kAccount, id);
}

Result<knowledge::CreateKnowledgeBaseInput> DecodeCreateKnowledgeBase(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"clientToken", "name", "description", "roleArn",
                                   "knowledgeBaseConfiguration", "storageConfiguration", "tags"}));
  knowledge::CreateKnowledgeBaseInput input;
  auto name = top.Get("name");
  STRATA_TRY(input.name, name.NonEmptyString());
  STRATA_TRY(input.description, OptionalText(top.Get("description")));
  auto configuration = top.Get("knowledgeBaseConfiguration");
  STRATA_CHECK_OK(configuration.ExpectObject());
  STRATA_TRY(input.embedding_model, DecodeEmbeddingModel(configuration));
  auto storage = top.Get("storageConfiguration");
  if (storage.present()) {
    STRATA_CHECK_OK(storage.ExpectObject());
    auto type = storage.Get("type");
    STRATA_TRY(input.storage_type, type.NonEmptyString());
  }
  input.extra =
      Remembered(parsed, {"roleArn", "knowledgeBaseConfiguration", "storageConfiguration"});
  return input;
}

std::string EncodeKnowledgeBase(const knowledge::KnowledgeBase& base, const ArnScope& scope) {
  return json::serialize(json::object{{"knowledgeBase", EncodeBase(base, scope)}});
}

std::string EncodeKnowledgeBaseList(const knowledge::Page<knowledge::KnowledgeBase>& page) {
  return json::serialize(
      ListOf("knowledgeBaseSummaries", page, [](const knowledge::KnowledgeBase& base) {
        json::object out{{"knowledgeBaseId", base.id},
                         {"name", base.name},
                         {"status", knowledge::StatusName(base.status)},
                         {"updatedAt", FormatIso8601(base.updated)}};
        if (!base.description.empty()) out["description"] = base.description;
        return out;
      }));
}

std::string EncodeKnowledgeBaseDeleted(std::string_view id) {
  return json::serialize(json::object{{"knowledgeBaseId", id}, {"status", "DELETING"}});
}

Result<knowledge::CreateDataSourceInput> DecodeCreateDataSource(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"clientToken", "name", "description", "dataSourceConfiguration",
                                   "dataDeletionPolicy", "serverSideEncryptionConfiguration",
                                   "vectorIngestionConfiguration"}));
  knowledge::CreateDataSourceInput input;
  auto name = top.Get("name");
  STRATA_TRY(input.name, name.NonEmptyString());
  STRATA_TRY(input.description, OptionalText(top.Get("description")));
  auto configuration = top.Get("dataSourceConfiguration");
  STRATA_CHECK_OK(configuration.ExpectObject());
  auto type = configuration.Get("type");
  STRATA_TRY(auto kind, type.NonEmptyString());
  if (kind == "S3") {
    STRATA_CHECK_OK(DecodeS3(configuration.Get("s3Configuration"), input));
  } else if (kind != "CUSTOM") {
    return Fail(
        Lacks(type, fmt::format("data sources of type S3 and CUSTOM are supported, not {}", kind)));
  }
  auto policy = top.Get("dataDeletionPolicy");
  if (policy.present()) {
    STRATA_TRY(auto value, policy.OneOf({"RETAIN", "DELETE"}));
    input.delete_documents_with_source = value == "DELETE";
  }
  auto ingestion = top.Get("vectorIngestionConfiguration");
  if (ingestion.present()) STRATA_CHECK_OK(DecodeChunking(ingestion, input));
  input.extra = Remembered(parsed, {"dataSourceConfiguration", "serverSideEncryptionConfiguration",
                                    "vectorIngestionConfiguration"});
  return input;
}

std::string EncodeDataSource(const knowledge::DataSource& source) {
  return json::serialize(json::object{{"dataSource", EncodeSource(source)}});
}

std::string EncodeDataSourceList(const knowledge::Page<knowledge::DataSource>& page) {
  return json::serialize(
      ListOf("dataSourceSummaries", page, [](const knowledge::DataSource& source) {
        json::object out{{"knowledgeBaseId", source.knowledge_base_id},
                         {"dataSourceId", source.id},
                         {"name", source.name},
                         {"status", "AVAILABLE"},
                         {"updatedAt", FormatIso8601(source.updated)}};
        if (!source.description.empty()) out["description"] = source.description;
        return out;
      }));
}

std::string EncodeDataSourceDeleted(std::string_view knowledge_base_id, std::string_view id) {
  return json::serialize(json::object{
      {"knowledgeBaseId", knowledge_base_id}, {"dataSourceId", id}, {"status", "DELETING"}});
}

Result<std::string> DecodeStartIngestion(std::string_view body) {
  STRATA_TRY(auto parsed, ParseBody(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"clientToken", "description"}));
  return OptionalText(top.Get("description"));
}

std::string EncodeIngestionJob(const knowledge::IngestionJob& job) {
  return json::serialize(json::object{{"ingestionJob", EncodeJob(job)}});
}

std::string EncodeIngestionJobList(const knowledge::Page<knowledge::IngestionJob>& page) {
  return json::serialize(ListOf("ingestionJobSummaries", page, EncodeJob));
}

Result<std::vector<knowledge::DocumentInput>> DecodeIngestDocuments(std::string_view body) {
  constexpr std::size_t kDocumentsMax = 10;
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"clientToken", "documents"}));
  auto list = top.Get("documents");
  STRATA_CHECK_OK(list.ExpectArray());
  if (list.size() < 1 || list.size() > kDocumentsMax)
    return Fail(list.Wrong("expected 1 to 10 documents"));
  std::vector<knowledge::DocumentInput> documents;
  for (std::size_t i = 0; i < list.size(); ++i) {
    STRATA_TRY(auto document, DecodeDocument(list.Item(i)));
    auto same = std::ranges::find(documents, document.id, &knowledge::DocumentInput::id);
    if (same != documents.end()) {
      return Fail(list.Item(i).Wrong(FormatMessage(
          "an earlier one has the same id '{}'; expected each document once in a call",
          document.id)));
    }
    documents.push_back(std::move(document));
  }
  return documents;
}

Result<std::vector<std::string>> DecodeDocumentIds(std::string_view body) {
  constexpr std::size_t kIdsMax = 10;
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"clientToken", "documentIdentifiers"}));
  auto list = top.Get("documentIdentifiers");
  STRATA_CHECK_OK(list.ExpectArray());
  if (list.size() < 1 || list.size() > kIdsMax)
    return Fail(list.Wrong("expected 1 to 10 identifiers"));
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < list.size(); ++i) {
    STRATA_TRY(auto id, DecodeDocumentId(list.Item(i)));
    ids.push_back(std::move(id));
  }
  return ids;
}

std::string EncodeDocumentDetails(const std::vector<knowledge::DocumentDetail>& details,
                                  std::string_view next_token) {
  json::array items;
  for (const auto& detail : details) items.push_back(EncodeDetail(detail));
  json::object out{{"documentDetails", std::move(items)}};
  if (!next_token.empty()) out["nextToken"] = next_token;
  return json::serialize(out);
}

Result<knowledge::PageRequest> DecodePage(std::string_view body) {
  STRATA_TRY(auto parsed, ParseBody(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  knowledge::PageRequest page;
  auto max = top.Get("maxResults");
  if (max.present()) {
    STRATA_TRY(auto count, max.Integer(1, 1000));
    page.max_results = static_cast<int>(count);
  }
  STRATA_TRY(page.next_token, OptionalText(top.Get("nextToken")));
  return page;
}

}  // namespace strata::server
