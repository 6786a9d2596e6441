#pragma once
// Files, vector stores and their files in OpenAI's JSON (openai Python SDK 3.x), both directions.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dialect/responses.h"
#include "knowledge/vector_stores.h"
#include "store/file_store.h"

namespace strata::server {

// ---- files ----

// POST /v1/files: a form with `file`, `purpose` and, if it is to go away, `expires_after[…]`.
// `content` is a part of `body`. Errors name the part.
Result<store::NewFile> DecodeUpload(std::string_view content_type, std::string_view body);
Result<store::FileStore::Query> DecodeFileQuery(std::string_view query);
std::string EncodeFile(const store::StoredFile& file);
std::string EncodeFileList(const store::FileStore::Page& page);
std::string EncodeFileDeleted(std::string_view id);

// ---- vector stores ----

struct StoreCreate {
  knowledge::StoreInput input;
  std::vector<knowledge::FileToAdd> files;
};
Result<StoreCreate> DecodeStoreCreate(std::string_view body);
Result<knowledge::StoreChange> DecodeStoreChange(std::string_view body);
// limit 1 to 100, order, after, before.
Result<knowledge::ListRange> DecodeListRange(std::string_view query);
std::string EncodeStore(const knowledge::VectorStore& store);
std::string EncodeStoreList(const knowledge::ListPage<knowledge::VectorStore>& page);
std::string EncodeStoreDeleted(std::string_view id);

// ---- their files ----

Result<knowledge::FileToAdd> DecodeFileToAdd(std::string_view body);
Result<std::vector<knowledge::FileToAdd>> DecodeBatch(std::string_view body);
// A JSON object, "{}" for null.
Result<JsonText> DecodeAttributesChange(std::string_view body);
// The range, and `filter` by status.
Result<knowledge::FileListQuery> DecodeFileListQuery(std::string_view query);
// `store`: as the caller named it.
std::string EncodeStoreFile(const knowledge::StoreFile& file, std::string_view store);
std::string EncodeStoreFileList(const knowledge::ListPage<knowledge::StoreFile>& page,
                                std::string_view store);
std::string EncodeStoreFileDeleted(std::string_view id);
std::string EncodeFileTexts(const std::vector<std::string>& texts);
std::string EncodeBatch(const knowledge::FileBatch& batch, std::string_view store);

// ---- search ----

Result<knowledge::StoreSearch> DecodeStoreSearch(std::string_view store, std::string_view body);
std::string EncodeSearch(const std::vector<knowledge::RetrievedChunk>& found,
                         const std::vector<std::string>& queries);

// The search that the tool file_search asks for, without its query. Errors name the member of the
// request.
Result<knowledge::StoreSearch> SearchOfTool(const dialect::responses::FileSearchTool& tool);
dialect::responses::FileSearchCall CallOf(const std::vector<knowledge::RetrievedChunk>& found,
                                          std::string query);

}  // namespace strata::server
