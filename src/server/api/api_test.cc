// Bedrock's JSON of knowledge bases and retrieval: what is taken, what is refused and by which
// name.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/api/guardrail_json.h"
#include "server/api/kb_json.h"
#include "server/api/retrieval_json.h"

namespace strata::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(DecodeRetrieve, TakesIdsArnsFiltersAndCounts) {
  auto call =
      DecodeRetrieve("arn:aws:bedrock:eu-west-1:000000000000:knowledge-base/ABCDEFGHIJ", R"({
    "retrievalQuery": {"text": "tides"},
    "retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 7, "overrideSearchType": "SEMANTIC",
      "filter": {"equals": {"key": "year", "value": 2024}}}},
    "userContext": {"userId": "7"}})");
  ASSERT_TRUE(call.has_value()) << call.error().message();
  EXPECT_EQ(call->request.knowledge_base_id, "ABCDEFGHIJ");
  EXPECT_EQ(call->request.query, "tides");
  EXPECT_EQ(call->request.results, 7);
  EXPECT_EQ(call->request.mode, knowledge::SearchMode::kDense);
  EXPECT_TRUE(call->request.filter.has_value());
  EXPECT_EQ(call->user_id, "7");
}

TEST(DecodeRetrieve, NamesTheMemberThatIsWrong) {
  auto field = [](std::string_view body) {
    return DecodeRetrieve("ABCDEFGHIJ", body).error().field();
  };
  EXPECT_EQ(field(R"({"retrievalQuery": {"text": 5}})"), "retrievalQuery.text");
  EXPECT_EQ(field(R"({"retrievalQuery": {"text": ""}})"), "retrievalQuery.text");
  const auto asked = [](std::size_t characters) {
    std::string text;
    for (std::size_t i = 0; i < characters; ++i) text += "é";
    return R"({"retrievalQuery": {"text": ")" + text + "\"}}";
  };
  EXPECT_TRUE(DecodeRetrieve("ABCDEFGHIJ", asked(20'000)).has_value());
  EXPECT_EQ(field(asked(20'001)), "retrievalQuery.text");
  EXPECT_EQ(field(R"({"retrievalQuery": {"text": "x"}, "retrievalConfiguration":
                      {"vectorSearchConfiguration": {"numberOfResults": 101}}})"),
            "retrievalConfiguration.vectorSearchConfiguration.numberOfResults");
  EXPECT_EQ(field(R"({"retrievalQuery": {"text": "x"}, "guardrailConfiguration": {}})"),
            "guardrailConfiguration.guardrailId");
  EXPECT_EQ(field(R"({"retrievalQuery": {"text": "x"}, "guardrailConfiguration":
                      {"guardrailId": "words", "guardrailVersion": "2"}})"),
            "guardrailConfiguration.guardrailVersion");
}

TEST(DecodeRetrieve, AGuardrailIsOneOfTheConfiguration) {
  const auto call = DecodeRetrieve("ABCDEFGHIJ",
                                   R"({"retrievalQuery": {"text": "x"}, "guardrailConfiguration":
                                       {"guardrailId": "words", "guardrailVersion": "DRAFT"}})");
  ASSERT_TRUE(call.has_value());
  EXPECT_TRUE(CheckGuardrail(call->guardrail, "people,words").has_value());
  EXPECT_TRUE(CheckGuardrail({}, "").has_value());
  const auto unknown = CheckGuardrail(call->guardrail, "people,wordsmith");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().field(), "guardrailConfiguration.guardrailId");
  EXPECT_THAT(unknown.error().message(), HasSubstr("configured: people,wordsmith"));
}

TEST(DecodeApplyGuardrail, TakesTextsAndNamesWhatIsWrong) {
  auto call = DecodeApplyGuardrail(R"({"source": "OUTPUT", "outputScope": "FULL", "content": [
      {"text": {"text": "a", "qualifiers": ["query"]}}, {"text": {"text": ""}}]})");
  ASSERT_TRUE(call.has_value()) << call.error().message();
  EXPECT_EQ(call->side, guard::Side::kOutput);
  EXPECT_THAT(call->texts, ElementsAre("a", ""));
  auto field = [](std::string_view body) { return DecodeApplyGuardrail(body).error().field(); };
  EXPECT_EQ(field(R"({"source": "BOTH", "content": []})"), "source");
  EXPECT_EQ(field(R"({"source": "INPUT"})"), "content");
  EXPECT_EQ(field(R"({"source": "INPUT", "content": [{"text": {"text": 5}}]})"),
            "content[0].text.text");
  EXPECT_EQ(field(R"({"source": "INPUT", "content": [{"image": {"format": "png"}}]})"),
            "content[0].image");
}

TEST(EncodeGuardrailTrace, HasBedrocksPoliciesByGuardrail) {
  guard::Assessment found;
  found.Note("people", guard::Side::kInput, "Ada", guard::Action::kMask);
  found.Note("birds", guard::Side::kOutput, "kestrel", guard::Action::kBlock);
  found.Note("birds", guard::Side::kOutput, "owl", guard::Action::kNote);
  const GuardrailTrace trace{.found = found, .named = "birds", .blocked = "why"};
  const std::string mask =
      R"({"sensitiveInformationPolicy":{"piiEntities":[],"regexes":[{"name":"people",)"
      R"("match":"Ada","action":"ANONYMIZED","detected":true}]}})";
  const std::string words =
      R"({"wordPolicy":{"customWords":[{"match":"kestrel","action":"BLOCKED","detected":true},)"
      R"({"match":"owl","action":"NONE","detected":true}],"managedWordLists":[]}})";
  EXPECT_EQ(EncodeGuardrailTrace(trace, TraceForm::kConverse),
            R"({"inputAssessment":{"birds":{},"people":)" + mask +
                R"(},"outputAssessments":{"birds":[)" + words + R"(]},"actionReason":"why"})");
  EXPECT_EQ(EncodeGuardrailTrace(trace, TraceForm::kInvoke),
            R"({"guardrail":{"input":{"birds":{},"people":)" + mask + R"(},"outputs":[{"birds":)" +
                words + R"(}],"actionReason":"why"}})");
  const guard::Assessment nothing;
  const GuardrailTrace plain{.found = nothing, .named = "birds", .blocked = ""};
  EXPECT_EQ(EncodeGuardrailTrace(plain, TraceForm::kConverse),
            R"({"inputAssessment":{"birds":{}}})");
}

TEST(CheckGuardrail, AnArnNamesWhatStandsAtItsEnd) {
  const std::string arn = "arn:aws:bedrock:eu-west-1:000000000000:guardrail/words";
  EXPECT_EQ(GuardrailNameOf(arn), "words");
  EXPECT_EQ(GuardrailNameOf("words"), "words");
  EXPECT_EQ(GuardrailNameOf("a:guardrail/words"), "a:guardrail/words");
  EXPECT_TRUE(CheckGuardrail({.id = arn, .field = "f"}, "people,words").has_value());
  EXPECT_EQ(CheckGuardrail({.id = arn, .field = "f"}, "people").error().field(), "f");
}

Result<RetrieveCall> DecodeReranked(const std::string& configuration) {
  return DecodeRetrieve("ABCDEFGHIJ",
                        R"({"retrievalQuery": {"text": "x"}, "retrievalConfiguration":
    {"vectorSearchConfiguration": {"rerankingConfiguration": )" +
                            configuration + "}}}");
}

TEST(DecodeRetrieve, TakesARerankerItsResultsAndTheMetadataItSees) {
  auto call =
      DecodeReranked(R"({"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": {
    "modelConfiguration": {"modelArn": "arn:aws:bedrock:eu-central-1::foundation-model/cohere.rerank-v3-5:0"},
    "numberOfRerankedResults": 3,
    "metadataConfiguration": {"selectionMode": "SELECTIVE", "selectiveModeConfiguration":
      {"fieldsToInclude": [{"fieldName": "year"}]}}}})");
  ASSERT_TRUE(call.has_value()) << call.error().message();
  ASSERT_TRUE(call->request.rerank.has_value());
  EXPECT_EQ(call->request.rerank->model, "cohere.rerank-v3-5:0");
  EXPECT_EQ(call->request.rerank->results, 3);
  EXPECT_EQ(call->request.rerank->show, knowledge::RerankChoice::Show::kOnly);
  EXPECT_THAT(call->request.rerank->fields, ElementsAre("year"));
}

TEST(DecodeRetrieve, NamesWhatIsWrongAboutAReranking) {
  auto field = [](const std::string& own) {
    return DecodeReranked(
               R"({"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": )" + own +
               "}")
        .error()
        .field();
  };
  const std::string at =
      "retrievalConfiguration.vectorSearchConfiguration.rerankingConfiguration."
      "bedrockRerankingConfiguration.";
  EXPECT_EQ(field("{}"), at + "modelConfiguration");
  EXPECT_EQ(field(R"({"modelConfiguration": {"modelArn": "m"}, "numberOfRerankedResults": 101})"),
            at + "numberOfRerankedResults");
  EXPECT_EQ(field(R"({"modelConfiguration": {"modelArn": "m"}, "metadataConfiguration":
      {"selectionMode": "SELECTIVE"}})"),
            at + "metadataConfiguration.selectiveModeConfiguration");
  EXPECT_EQ(
      field(
          R"({"modelConfiguration": {"modelArn": "m", "additionalModelRequestFields": {"a": 1}}})"),
      at + "modelConfiguration.additionalModelRequestFields");
}

const std::string kImplicitAt =
    "retrievalConfiguration.vectorSearchConfiguration.implicitFilterConfiguration";

Result<RetrieveCall> DecodeFiltered(const std::string& configuration) {
  return DecodeRetrieve("ABCDEFGHIJ",
                        R"({"retrievalQuery": {"text": "x"}, "retrievalConfiguration":
    {"vectorSearchConfiguration": {"implicitFilterConfiguration": )" +
                            configuration + "}}}");
}

TEST(DecodeRetrieve, TakesTheAttributesThatAModelMayFilterBy) {
  const auto call = DecodeFiltered(R"({"modelArn":
    "arn:aws:bedrock:eu-central-1::foundation-model/small", "metadataAttributes": [
      {"key": "year", "type": "NUMBER", "description": "of publication"},
      {"key": "tags", "type": "STRING_LIST", "description": "subjects"}]})");
  ASSERT_TRUE(call.has_value()) << call.error().message();
  ASSERT_TRUE(call->implicit_filter.has_value());
  EXPECT_EQ(call->implicit_filter->model, "small");
  ASSERT_EQ(call->implicit_filter->attributes.size(), 2U);
  EXPECT_EQ(call->implicit_filter->attributes[1].key, "tags");
  EXPECT_EQ(call->implicit_filter->attributes[1].type,
            knowledge::FilterAttribute::Type::kStringList);
  EXPECT_EQ(call->implicit_filter->attributes[0].description, "of publication");
}

TEST(DecodeRetrieve, NamesWhatIsWrongAboutAnImplicitFilter) {
  const auto field = [](const std::string& own) { return DecodeFiltered(own).error().field(); };
  const auto with = [&](const std::string& attributes) {
    return field(R"({"modelArn": "m", "metadataAttributes": )" + attributes + "}");
  };
  const std::string good = R"({"key": "a", "type": "STRING", "description": "d"})";
  EXPECT_EQ(field(R"({"metadataAttributes": [)" + good + "]}"), kImplicitAt + ".modelArn");
  EXPECT_EQ(field(R"({"modelArn": "m"})"), kImplicitAt + ".metadataAttributes");
  EXPECT_EQ(with("[]"), kImplicitAt + ".metadataAttributes");
  std::string many = "[" + good;
  for (int i = 0; i < 25; ++i) {
    many += R"(, {"key": ")" + std::to_string(i) + R"(", "type": "STRING", "description": "d"})";
  }
  EXPECT_EQ(with(many + "]"), kImplicitAt + ".metadataAttributes");
  EXPECT_THAT(with("[" + good + ", " + good + "]"), HasSubstr("1].key"));
  EXPECT_THAT(with(R"([{"key": "a", "type": "DATE", "description": "d"}])"), HasSubstr("type"));
  EXPECT_THAT(with(R"([{"key": "a", "type": "STRING"}])"), HasSubstr("description"));
  EXPECT_THAT(with(R"([{"key": "", "type": "STRING", "description": "d"}])"), HasSubstr("key"));
  EXPECT_THAT(with(R"([{"key": ")" + std::string(257, 'k') +
                   R"(", "type": "STRING", "description": "d"}])"),
              HasSubstr("key"));
}

TEST(DecodeCheckDocumentAcl, TakesADocumentAndAUser) {
  auto call = DecodeCheckDocumentAcl(R"({"documentId": "d-1", "userContext": {"userId": "7"}})");
  ASSERT_TRUE(call.has_value()) << call.error().message();
  EXPECT_EQ(call->document_id, "d-1");
  EXPECT_EQ(call->user_id, "7");
  auto field = [](std::string_view body) { return DecodeCheckDocumentAcl(body).error().field(); };
  EXPECT_EQ(field(R"({"userContext": {"userId": "7"}})"), "documentId");
  EXPECT_EQ(field(R"({"documentId": "d-1"})"), "userContext");
  EXPECT_EQ(field(R"({"documentId": "d-1", "userContext": {}})"), "userContext.userId");
  EXPECT_EQ(field(R"({"documentId": ")" + std::string(1826, 'd') +
                  R"(", "userContext": {"userId": "7"}})"),
            "documentId");
}

knowledge::RetrievedChunk SampleChunk() {
  knowledge::RetrievedChunk chunk;
  chunk.chunk_id = "c1";
  chunk.document_id = "d1";
  chunk.location = knowledge::LocationKind::kS3;
  chunk.uri = "s3://b/k.pdf";
  chunk.title = "Tides";
  chunk.text = "High water is at noon.";
  chunk.pages.push_back({.page = 3, .boxes = {{.x1 = 1, .y1 = 2, .x2 = 3, .y2 = 4}}});
  chunk.metadata.text = R"({"year": 2024})";
  chunk.score = 0.5;
  return chunk;
}

TEST(EncodeRetrieveResponse, CarriesLocationPageAndMetadata) {
  knowledge::RetrieveResponse response;
  response.results.push_back(SampleChunk());
  auto body = EncodeRetrieveResponse(response);
  EXPECT_THAT(body, HasSubstr(R"("location":{"type":"S3","s3Location":{"uri":"s3://b/k.pdf"}})"));
  EXPECT_THAT(body, HasSubstr(R"("year":2024)"));
  EXPECT_THAT(body, HasSubstr(R"("x-amz-bedrock-kb-document-page-number":3)"));
  EXPECT_THAT(body, HasSubstr(R"("score":5E-1)"));
}

TEST(EncodeCitationEvent, HasTheMembersAndTheirDeprecatedTwin) {
  knowledge::AnswerCitation citation;
  citation.text = "noon";
  citation.start = 3;
  citation.end = 6;
  citation.references.push_back(SampleChunk());
  auto body = EncodeCitationEvent(citation);
  EXPECT_THAT(body, HasSubstr(R"("span":{"start":3,"end":6})"));
  EXPECT_THAT(body, HasSubstr(R"("citation":{"generatedResponsePart")"));
}

TEST(DecodeRetrieveAndGenerate, TakesAKnowledgeBaseOrOneExternalSource) {
  auto base = DecodeRetrieveAndGenerate(R"({"input": {"text": "when?"}, "sessionId": "s1",
    "retrieveAndGenerateConfiguration": {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration":
      {"knowledgeBaseId": "ABCDEFGHIJ", "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/builtin/extract",
       "generationConfiguration": {"inferenceConfig": {"textInferenceConfig": {"maxTokens": 99, "stopSequences": ["x"]}}}}}})");
  ASSERT_TRUE(base.has_value()) << base.error().message();
  EXPECT_EQ(base->request.generation.model, "builtin/extract");
  EXPECT_EQ(base->request.generation.max_tokens, 99);
  EXPECT_THAT(base->request.generation.stop, ElementsAre("x"));
  auto external =
      DecodeRetrieveAndGenerate(R"({"input": {"text": "when?"}, "retrieveAndGenerateConfiguration":
    {"type": "EXTERNAL_SOURCES", "externalSourcesConfiguration": {"modelArn": "builtin/extract", "sources": [
      {"sourceType": "BYTE_CONTENT", "byteContent": {"identifier": "a.txt", "contentType": "text/plain", "data": "aGk="}}]}}})");
  ASSERT_TRUE(external.has_value()) << external.error().message();
  EXPECT_EQ(external->request.sources.at(0).bytes, "hi");
}

TEST(DecodeRetrieveAndGenerate, ASourceMayBeADocumentOfABucket) {
  const auto with = [](const std::string& source) {
    return DecodeRetrieveAndGenerate(
        R"({"input": {"text": "q"}, "retrieveAndGenerateConfiguration":
    {"type": "EXTERNAL_SOURCES", "externalSourcesConfiguration": {"modelArn": "m", "sources": [)" +
        source + "]}}}");
  };
  const auto call = with(R"({"sourceType": "S3", "s3Location": {"uri": "s3://b/k.pdf"}})");
  ASSERT_TRUE(call.has_value()) << call.error().message();
  EXPECT_TRUE(call->request.sources.at(0).in_s3);
  EXPECT_EQ(call->request.sources.at(0).identifier, "s3://b/k.pdf");
  for (const auto* location : {"", R"(, "s3Location": {})", R"(, "s3Location": {"uri": "b/k"})",
                               R"(, "s3Location": {"uri": "s3://b/k", "more": 1})"}) {
    const auto bad = with(R"({"sourceType": "S3")" + std::string(location) + "}");
    ASSERT_FALSE(bad.has_value()) << location;
    EXPECT_THAT(bad.error().field(), HasSubstr("s3Location")) << location;
  }
  EXPECT_FALSE(
      with(R"({"sourceType": "S3", "s3Location": {"uri": "s3://)" + std::string(1020, 'k') + "\"}}")
          .has_value());
}

TEST(DecodeRetrieveAndGenerate, QueriesAreWrittenByTheModelOfTheAnswer) {
  auto with = [](std::string_view orchestration) {
    return DecodeRetrieveAndGenerate(
        R"({"input":{"text":"q"},"retrieveAndGenerateConfiguration":{"type":"KNOWLEDGE_BASE",)"
        R"("knowledgeBaseConfiguration":{"knowledgeBaseId":"ABCDEFGHIJ","modelArn":"m",)"
        R"("orchestrationConfiguration":)" +
        std::string(orchestration) + "}}}");
  };
  auto both = with(R"({"queryTransformationConfiguration":{"type":"QUERY_DECOMPOSITION"},
    "inferenceConfig":{"textInferenceConfig":{"temperature":0.5}},
    "additionalModelRequestFields":{"top_k":5}})");
  ASSERT_TRUE(both.has_value()) << both.error().message();
  EXPECT_EQ(both->request.queries.rewriting, knowledge::Rewriting::kParts);
  EXPECT_EQ(both->request.queries.generation.model, "m");
  EXPECT_EQ(both->request.queries.generation.temperature, 0.5);
  EXPECT_EQ(both->request.queries.generation.extra.text, R"({"top_k":5})");
  EXPECT_EQ(with("{}")->request.queries.rewriting, knowledge::Rewriting::kDefault);
  EXPECT_THAT(with(R"({"queryTransformationConfiguration":{"type":"OTHER"}})").error().field(),
              HasSubstr("queryTransformationConfiguration.type"));
}

TEST(DecodeRetrieveAndGenerate, APromptForQueriesHoldsWhatBedrockWantsInIt) {
  auto with = [](std::string_view text) {
    return DecodeRetrieveAndGenerate(
        R"({"input":{"text":"q"},"retrieveAndGenerateConfiguration":{"type":"KNOWLEDGE_BASE",)"
        R"("knowledgeBaseConfiguration":{"knowledgeBaseId":"ABCDEFGHIJ","modelArn":"m",)"
        R"("orchestrationConfiguration":{"promptTemplate":{"textPromptTemplate":")" +
        std::string(text) + R"("}}}}})");
  };
  const std::string whole = "$conversation_history$ $query$ $output_format_instructions$";
  const auto taken = with(whole);
  ASSERT_TRUE(taken.has_value()) << taken.error().message();
  EXPECT_EQ(taken->request.queries.generation.prompt_template, whole);
  EXPECT_EQ(taken->request.queries.generation.model, "m");
  EXPECT_EQ(taken->request.queries.rewriting, knowledge::Rewriting::kDefault);
  EXPECT_EQ(taken->request.generation.prompt_template, "");
  for (const auto& bad : {std::string("$query$"), std::string("$conversation_history$"),
                          std::string("$output_format_instructions$ $query$"), std::string(),
                          whole + std::string(4000, 'x')}) {
    const auto refused = with(bad);
    ASSERT_FALSE(refused.has_value()) << bad;
    EXPECT_THAT(refused.error().field(),
                HasSubstr("orchestrationConfiguration.promptTemplate.textPromptTemplate"));
  }
}

TEST(DecodeRetrieveAndGenerate, RefusesATemplateWithoutAPlaceForTheResults) {
  auto with = [](std::string_view text) {
    return DecodeRetrieveAndGenerate(
        R"({"input":{"text":"q"},"retrieveAndGenerateConfiguration":{"type":"KNOWLEDGE_BASE",)"
        R"("knowledgeBaseConfiguration":{"knowledgeBaseId":"ABCDEFGHIJ","modelArn":"m",)"
        R"("generationConfiguration":{"promptTemplate":{"textPromptTemplate":")" +
        std::string(text) + R"("}}}}})");
  };
  auto without = with("Answer $query$");
  ASSERT_FALSE(without.has_value());
  EXPECT_EQ(without.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(without.error().field(), HasSubstr("promptTemplate.textPromptTemplate"));
  EXPECT_THAT(without.error().message(), HasSubstr("$search_results$"));
  EXPECT_TRUE(with("Answer $query$ from $search_results$").has_value());
}

TEST(DecodeCreateKnowledgeBase, RemembersWhatItDoesNotActOn) {
  auto input = DecodeCreateKnowledgeBase(
      R"({"name": "n", "roleArn": "arn:aws:iam::1:role/r", "tags": {"a": "b"},
    "knowledgeBaseConfiguration": {"type": "VECTOR", "vectorKnowledgeBaseConfiguration":
      {"embeddingModelArn": "arn:aws:bedrock:us-east-1::foundation-model/builtin/all-minilm-l6-v2"}},
    "storageConfiguration": {"type": "S3_VECTORS"}})");
  ASSERT_TRUE(input.has_value()) << input.error().message();
  EXPECT_EQ(input->embedding_model, "builtin/all-minilm-l6-v2");
  EXPECT_EQ(input->storage_type, "S3_VECTORS");
  EXPECT_THAT(input->extra.text, HasSubstr("arn:aws:iam::1:role/r"));
}

TEST(DecodeCreateDataSource, MapsBucketsAndRefusesOtherKinds) {
  auto source = DecodeCreateDataSource(
      R"({"name": "n", "dataDeletionPolicy": "RETAIN", "dataSourceConfiguration":
    {"type": "S3", "s3Configuration": {"bucketArn": "arn:aws:s3:::docs", "inclusionPrefixes": ["a/b"]}},
    "vectorIngestionConfiguration": {"chunkingConfiguration": {"chunkingStrategy": "FIXED_SIZE",
      "fixedSizeChunkingConfiguration": {"maxTokens": 100, "overlapPercentage": 10}}}})");
  ASSERT_TRUE(source.has_value()) << source.error().message();
  EXPECT_EQ(source->uri, "s3://docs/a/b");
  EXPECT_FALSE(source->delete_documents_with_source);
  EXPECT_EQ(source->recipe->strategy, knowledge::ChunkStrategy::kFixedSize);
  auto web = DecodeCreateDataSource(R"({"name": "n", "dataSourceConfiguration": {"type": "WEB"}})");
  EXPECT_EQ(web.error().code(), Code::kUnsupported);
  EXPECT_EQ(web.error().field(), "dataSourceConfiguration.type");
}

TEST(EncodeDataSource, ShowsABucketAsS3AndAFolderAsCustom) {
  knowledge::DataSource source;
  source.kind = knowledge::DataSourceKind::kS3;
  source.uri = "s3://contracts/2026/q1";
  auto text = EncodeDataSource(source);
  EXPECT_THAT(text, HasSubstr(R"("dataSourceConfiguration":{"type":"S3","s3Configuration":)"
                              R"({"bucketArn":"arn:aws:s3:::contracts",)"
                              R"("inclusionPrefixes":["2026/q1"]}})"));
  source.uri = "s3://contracts";
  EXPECT_THAT(EncodeDataSource(source),
              HasSubstr(R"("s3Configuration":{"bucketArn":"arn:aws:s3:::contracts"}})"));
  source.kind = knowledge::DataSourceKind::kFolder;
  source.uri = "/srv/contracts";
  EXPECT_THAT(EncodeDataSource(source), HasSubstr(R"({"type":"CUSTOM"})"));
}

TEST(DecodeIngestDocuments, TakesTextBytesAndAttributes) {
  auto documents = DecodeIngestDocuments(R"({"documents": [
    {"content": {"dataSourceType": "CUSTOM", "custom": {"customDocumentIdentifier": {"id": "a"}, "sourceType": "IN_LINE",
       "inlineContent": {"type": "TEXT", "textContent": {"data": "hi"}}}},
     "metadata": {"type": "IN_LINE_ATTRIBUTE", "inlineAttributes": [
       {"key": "n", "value": {"type": "NUMBER", "numberValue": 3}}],
       "accessControlList": [{"name": "7", "type": "USER", "access": "ALLOW"}]}},
    {"content": {"dataSourceType": "S3", "s3": {"s3Location": {"uri": "s3://b/k"}}}}]})");
  ASSERT_TRUE(documents.has_value()) << documents.error().message();
  ASSERT_EQ(documents->size(), 2U);
  EXPECT_EQ((*documents)[0].content, "hi");
  EXPECT_THAT((*documents)[0].access.allow, ElementsAre("user:7"));
  EXPECT_EQ((*documents)[1].id, "s3://b/k");
  EXPECT_FALSE(DecodeIngestDocuments(R"({"documents": []})").has_value());
  const auto refused = [](const std::string& list) {
    auto read = DecodeIngestDocuments(
        R"({"documents": [{"content": {"dataSourceType": "S3", "s3": {"s3Location":
               {"uri": "s3://b/k"}}}, "metadata": {"type": "IN_LINE_ATTRIBUTE",
               "accessControlList": )" +
        list + "}}]}");
    return read.has_value() ? std::string() : read.error().field();
  };
  const std::string at = "documents[0].metadata.accessControlList";
  EXPECT_EQ(refused("[]"), at);
  EXPECT_EQ(refused(R"([{"name": "hr", "type": "GROUP", "access": "DENY"}])"), at + "[0].type");
  const std::string one = R"({"content": {"dataSourceType": "CUSTOM", "custom": {
    "customDocumentIdentifier": {"id": "twice"}, "sourceType": "IN_LINE",
    "inlineContent": {"type": "TEXT", "textContent": {"data": "a"}}}}})";
  EXPECT_TRUE(DecodeIngestDocuments(R"({"documents": [)" + one + "]}").has_value());
  auto twice = DecodeIngestDocuments(R"({"documents": [)" + one + "," + one + "]}");
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().code(), Code::kInvalidArgument);
  EXPECT_EQ(twice.error().field(), "documents[1]");
  EXPECT_THAT(twice.error().message(), HasSubstr("twice"));
}

TEST(DecodePage, TakesAnEmptyBody) {
  EXPECT_TRUE(DecodePage("").has_value());
  EXPECT_EQ(DecodePage(R"({"maxResults": 3})")->max_results, 3);
  EXPECT_FALSE(DecodePage(R"({"maxResults": 0})").has_value());
}

}  // namespace
}  // namespace strata::server
