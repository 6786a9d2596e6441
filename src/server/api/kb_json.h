#pragma once
// Knowledge bases, data sources, ingestion jobs and documents in Bedrock's JSON (bedrock-agent
// 2023-06-05).
//
// What a caller said and strata does not act on (roleArn, storageConfiguration, tags) is kept and
// given back; what would change the result and is not there (other source types, parsing models,
// hooks) is refused by name.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "knowledge/kb_types.h"

namespace strata::server {

// ARNs are made with this region and the account number 000000000000.
struct ArnScope {
  std::string region = "us-east-1";
};

std::string KnowledgeBaseArn(std::string_view id, const ArnScope& scope);

Result<knowledge::CreateKnowledgeBaseInput> DecodeCreateKnowledgeBase(std::string_view body);
std::string EncodeKnowledgeBase(const knowledge::KnowledgeBase& base, const ArnScope& scope);
std::string EncodeKnowledgeBaseList(const knowledge::Page<knowledge::KnowledgeBase>& page);
std::string EncodeKnowledgeBaseDeleted(std::string_view id);

Result<knowledge::CreateDataSourceInput> DecodeCreateDataSource(std::string_view body);
std::string EncodeDataSource(const knowledge::DataSource& source);
std::string EncodeDataSourceList(const knowledge::Page<knowledge::DataSource>& page);
std::string EncodeDataSourceDeleted(std::string_view knowledge_base_id, std::string_view id);

// {description}; the body may be empty.
Result<std::string> DecodeStartIngestion(std::string_view body);
std::string EncodeIngestionJob(const knowledge::IngestionJob& job);
std::string EncodeIngestionJobList(const knowledge::Page<knowledge::IngestionJob>& page);

Result<std::vector<knowledge::DocumentInput>> DecodeIngestDocuments(std::string_view body);
// documentIdentifiers of get and delete: custom ids and s3 uris.
Result<std::vector<std::string>> DecodeDocumentIds(std::string_view body);
std::string EncodeDocumentDetails(const std::vector<knowledge::DocumentDetail>& details,
                                  std::string_view next_token);

// maxResults and nextToken of the list-by-POST operations; the body may be empty.
Result<knowledge::PageRequest> DecodePage(std::string_view body);

}  // namespace strata::server
