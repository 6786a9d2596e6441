#pragma once
// Documents of kb-ID.db as the files of a vector store, and batches of them. Functions over a
// connection, as in kb_file.h.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/base/kb_file.h"
#include "knowledge/vector_stores.h"

namespace strata::knowledge {

// What a document that a batch was cancelled of says.
inline constexpr std::string_view kCancelledReason = "the file batch was cancelled";

struct StoreFileRow {
  std::int64_t row = 0;
  std::string source_id;
  std::string uri;
  AccessList access;
  LabelSet labels;
  StoreFile file;  // without chunking, which is the source's
};

// By DocumentRow::document_id. nullopt: not there.
Result<std::optional<StoreFileRow>> FindStoreFile(store::Database& db,
                                                  std::string_view document_id);

struct StoreFileQuery {
  std::int64_t after = 0;  // exclusive; 0: from the start of the order
  bool ascending = false;
  std::optional<StoreFileStatus> status;
  std::string batch;  // "": all
  int limit = 20;
};
Result<std::vector<StoreFileRow>> ListStoreFiles(store::Database& db, const StoreFileQuery& query);

// Of a batch, or of all documents with "". `bytes`: of those that are indexed.
struct StoreFileCounts {
  FileCounts files;
  std::int64_t bytes = 0;
};
Result<StoreFileCounts> CountStoreFiles(store::Database& db, std::string_view batch);

// The file's pending content and its place, in one transaction with its leaving `others`: the
// sources of other recipes that it may be in.
struct NewStoreFile {
  std::string source_id;
  DocumentInput input;
  std::string batch;
  std::vector<std::string> others;
  KeyId key;  // whose request adds it
};
Result<> PutStoreFile(store::Database& db, const NewStoreFile& file, WallTime now);

// What a file's attributes say. Without readers or labels those that it has stay: leaving them out
// of a change must not open a file.
struct StoreFileFacts {
  JsonText metadata;
  std::vector<std::string> principals;
  std::vector<std::string> labels;  // added to those that it has
};
// kNotFound. Content that is not indexed yet gets them as well.
Result<> SetStoreFileFacts(store::Database& db, const StoreFileRow& file,
                           const StoreFileFacts& facts, WallTime now);

// The texts of a document's chunks, in the document's order.
Result<std::vector<std::string>> StoreFileTexts(store::Database& db, std::int64_t document_row);

struct FileBatchRow {
  std::string id;
  WallTime created;
  bool cancelled = false;
};
Result<> InsertFileBatch(store::Database& db, std::string_view id, WallTime now);
Result<std::optional<FileBatchRow>> FindFileBatch(store::Database& db, std::string_view id);
// Its documents that are not indexed yet stay out, also those that are being indexed now.
Result<> CancelFileBatch(store::Database& db, std::string_view id, WallTime now);

}  // namespace strata::knowledge
