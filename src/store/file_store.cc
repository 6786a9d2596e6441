#include "store/file_store.h"

#include <fmt/format.h>

#include "base/crash_point.h"
#include "base/format_message.h"

namespace strata::store {
namespace {

constexpr Option kOptions[] = {
    {"files.bytes_max", OptionKind::kInteger, "bytes", "67108864", "1024..1073741824",
     "Largest file that may be uploaded to /v1/files; net.body_bytes_max bounds its request too."},
    {"files.total_bytes_max", OptionKind::kInteger, "bytes", "10737418240", "1024..1099511627776",
     "Bytes of uploaded files that a workspace may keep; beyond it uploads are refused."},
};

// The bytes stand last: who reads the other columns does not read their pages.
constexpr Migration kMigrations[] = {{"uploaded files", R"(
CREATE TABLE files(
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  workspace TEXT NOT NULL,
  key TEXT NOT NULL,
  filename TEXT NOT NULL,
  purpose TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  expires_us INTEGER NOT NULL,
  content BLOB NOT NULL) STRICT;
CREATE INDEX files_owner ON files(workspace, key, row);
CREATE INDEX files_size ON files(workspace, bytes);
CREATE INDEX files_expiry ON files(expires_us) WHERE expires_us > 0)"}};

// Expired rows that one write removes at most: a transaction stays short.
constexpr int kForgottenMax = 16;

constexpr std::string_view kColumns =
    "SELECT id, filename, purpose, bytes, created_us, expires_us FROM files ";

StoredFile ReadFile(const Statement& row) {
  StoredFile file{.id = std::string(row.Text(0)),
                  .filename = std::string(row.Text(1)),
                  .purpose = std::string(row.Text(2)),
                  .bytes = row.Integer(3),
                  .created = FromUnixMicros(row.Integer(4)),
                  .expires = std::nullopt};
  if (row.Integer(5) > 0) file.expires = FromUnixMicros(row.Integer(5));
  return file;
}

Error TooLarge(Message message) {
  return Error(Code::kTooLarge, std::move(message)).AtField("file");
}

}  // namespace

OptionTable FileStore::FileOptionTable() { return kOptions; }

FileLimits FileLimitsOf(const Options& options) {
  return {.bytes_max = options.Integer("files.bytes_max"),
          .total_bytes_max = options.Integer("files.total_bytes_max")};
}

Result<std::unique_ptr<FileStore>> FileStore::Open(const std::string& path, FileLimits limits,
                                                   const Clock& clock) {
  std::unique_ptr<FileStore> out(new FileStore(limits, clock));
  SqlFileOptions options;
  options.migrations = kMigrations;
  STRATA_TRY(out->file_, SqlFile::Open(path, options));
  return out;
}

Result<StoredFile> FileStore::Insert(Database& database, const FileOwner& owner,
                                     const NewFile& file) const {
  const auto now_us = ToUnixMicros(clock_.Wall());
  STRATA_CHECK_OK(
      database.Run("DELETE FROM files WHERE row IN (SELECT row FROM files WHERE expires_us > 0 AND "
                   "expires_us <= ? LIMIT ?)",
                   now_us, kForgottenMax));
  STRATA_TRY(auto kept, database.Integer("SELECT sum(bytes) FROM files WHERE workspace = ?",
                                         owner.workspace.value));
  const auto bytes = static_cast<std::int64_t>(file.content.size());
  if (kept.value_or(0) + bytes > limits_.total_bytes_max) {
    return Fail(
        TooLarge(FormatMessage("the workspace keeps {} bytes of files, {} more would pass {} "
                               "(files.total_bytes_max); delete some",
                               kept.value_or(0), bytes, limits_.total_bytes_max)));
  }
  StoredFile stored{.id = std::string(kFileIdPrefix) + NewResourceId(24),
                    .filename = file.filename,
                    .purpose = file.purpose,
                    .bytes = bytes,
                    .created = FromUnixMicros(now_us),
                    .expires = std::nullopt};
  if (file.lifetime) stored.expires = stored.created + *file.lifetime;
  STRATA_CHECK_OK(database.Run(
      "INSERT INTO files (id, workspace, key, filename, purpose, bytes, created_us, expires_us, "
      "content) VALUES (?,?,?,?,?,?,?,?,?)",
      stored.id, owner.workspace.value, owner.key.value, stored.filename, stored.purpose, bytes,
      now_us, stored.expires ? ToUnixMicros(*stored.expires) : 0, BlobView{file.content}));
  CrashPoint("files.written");
  return stored;
}

Task<Result<StoredFile>> FileStore::Put(FileOwner owner, NewFile file) {
  if (static_cast<std::int64_t>(file.content.size()) > limits_.bytes_max) {
    co_return Fail(
        TooLarge(FormatMessage("the file has {} bytes, {} may be uploaded "
                               "(files.bytes_max)",
                               file.content.size(), limits_.bytes_max)));
  }
  auto insert = [&](Database& database) { return Insert(database, owner, file); };
  co_return co_await file_->Write(insert);
}

Task<Result<StoredFile>> FileStore::Get(FileOwner owner, std::string id) {
  auto find = [&](Database& database) -> Result<StoredFile> {
    STRATA_TRY(auto row, database.Prepare(std::string(kColumns) +
                                          "WHERE id = ? AND workspace = ? AND key = ? AND "
                                          "(expires_us = 0 OR expires_us > ?)"));
    row.BindAll(id, owner.workspace.value, owner.key.value, ToUnixMicros(clock_.Wall()));
    STRATA_TRY(bool found, row.Step());
    if (!found) return Fail(NotFound("file", id).AtField("file_id"));
    return ReadFile(row);
  };
  co_return co_await file_->Read(find);
}

Task<Result<std::string>> FileStore::Content(FileOwner owner, std::string id) {
  auto read = [&](Database& database) -> Result<std::string> {
    STRATA_TRY(auto row,
               database.Prepare("SELECT content FROM files WHERE id = ? AND workspace = ? "
                                "AND key = ? AND (expires_us = 0 OR expires_us > ?)"));
    row.BindAll(id, owner.workspace.value, owner.key.value, ToUnixMicros(clock_.Wall()));
    STRATA_TRY(bool found, row.Step());
    if (!found) return Fail(NotFound("file", id).AtField("file_id"));
    return std::string(row.Blob(0));
  };
  co_return co_await file_->Read(read);
}

Result<FileStore::Page> FileStore::Select(Database& database, const FileOwner& owner,
                                          const Query& query) const {
  std::int64_t after = query.ascending ? 0 : INT64_MAX;
  if (!query.after.empty()) {
    STRATA_TRY(auto row,
               database.Integer("SELECT row FROM files WHERE id = ? AND workspace = ? AND key = ?",
                                query.after, owner.workspace.value, owner.key.value));
    if (!row) return Fail(InvalidArgument("after", "names none of the files"));
    after = *row;
  }
  const auto sql = fmt::format(
      "{}WHERE workspace = ? AND key = ? AND row {} ? AND (? = '' OR purpose = ?) AND "
      "(expires_us = 0 OR expires_us > ?) ORDER BY row {} LIMIT ?",
      kColumns, query.ascending ? '>' : '<', query.ascending ? "ASC" : "DESC");
  STRATA_TRY(auto row, database.Prepare(sql));
  row.BindAll(owner.workspace.value, owner.key.value, after, query.purpose, query.purpose,
              ToUnixMicros(clock_.Wall()), query.limit + 1);
  Page page;
  for (;;) {
    STRATA_TRY(bool found, row.Step());
    if (!found) return page;
    page.more = static_cast<std::int64_t>(page.files.size()) == query.limit;
    if (page.more) return page;
    page.files.push_back(ReadFile(row));
  }
}

Task<Result<FileStore::Page>> FileStore::List(FileOwner owner, Query query) {
  auto select = [&](Database& database) { return Select(database, owner, query); };
  co_return co_await file_->Read(select);
}

Task<Result<>> FileStore::Delete(FileOwner owner, std::string id) {
  auto remove = [&](Database& database) -> Result<> {
    STRATA_CHECK_OK(database.Run("DELETE FROM files WHERE id = ? AND workspace = ? AND key = ?", id,
                                 owner.workspace.value, owner.key.value));
    if (database.changes() == 0) return Fail(NotFound("file", id).AtField("file_id"));
    return {};
  };
  co_return co_await file_->Write(remove);
}

}  // namespace strata::store
