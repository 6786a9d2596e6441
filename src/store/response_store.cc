#include "store/response_store.h"

#include <algorithm>

#include "base/format_message.h"
#include "store/erase.h"
#include "store/label_text.h"

namespace strata::store {
namespace {

constexpr Option kOptions[] = {
    {"responses.age_max", OptionKind::kInteger, "days", "30", "1..3650",
     "How long a stored response is kept after its last use; then previous_response_id no longer "
     "finds it."},
    {"responses.count_max", OptionKind::kInteger, "responses", "100000", "1..100000000",
     "Stored responses in all; beyond it those go that were not used for longest."},
    {"responses.bytes_max", OptionKind::kInteger, "bytes", "16777216", "1024..268435456",
     "Longest response that is stored, with its input; a longer one fails unless store is false."},
    {"responses.chain_max", OptionKind::kInteger, "responses", "512", "1..100000",
     "Most responses that previous_response_id may lead through; a longer conversation is "
     "refused."},
};

constexpr Migration kMigrations[] = {{"stored responses", R"(
CREATE TABLE responses(
  id TEXT PRIMARY KEY,
  workspace TEXT NOT NULL,
  key TEXT NOT NULL,
  previous TEXT NOT NULL,
  subject TEXT NOT NULL,
  labels TEXT NOT NULL,
  used_us INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  response TEXT NOT NULL,
  input TEXT NOT NULL,
  output TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX responses_used ON responses(used_us, created_us DESC);
CREATE INDEX responses_subject ON responses(subject) WHERE subject <> '')"},
                                     {"what stored responses were made from", R"(
ALTER TABLE responses ADD COLUMN sources TEXT NOT NULL DEFAULT '')"}};

// Rows that one write removes at most: a transaction stays short.
constexpr std::int64_t kForgottenMax = 64;

Error Gone(std::string_view id) { return NotFound("response", id).AtField("previous_response_id"); }

Result<std::optional<StoredResponse>> Find(Database& database, const ResponseOwner& owner,
                                           const std::string& id) {
  STRATA_TRY(auto row,
             database.Prepare("SELECT previous, subject, labels, response, input, output, sources "
                              "FROM responses WHERE id = ? AND workspace = ? AND key = ?"));
  row.BindAll(id, owner.workspace.value, owner.key.value);
  STRATA_TRY(bool found, row.Step());
  if (!found) return std::optional<StoredResponse>();
  return StoredResponse{.id = id,
                        .previous_id = std::string(row.Text(0)),
                        .subject = std::string(row.Text(1)),
                        .labels = SplitLabels(row.Text(2)),
                        .response = std::string(row.Text(3)),
                        .input = std::string(row.Text(4)),
                        .output = std::string(row.Text(5)),
                        .sources = std::string(row.Text(6))};
}

// `id` and everything before it were used now.
Result<> Touch(Database& database, const std::string& id, std::int64_t now_us) {
  return database.Run(
      "WITH RECURSIVE chain(id) AS (VALUES(?) UNION SELECT r.previous FROM responses r "
      "JOIN chain c ON r.id = c.id WHERE r.previous <> '') "
      "UPDATE responses SET used_us = ? WHERE id IN chain",
      id, now_us);
}

}  // namespace

OptionTable ResponseStore::ResponseOptionTable() { return kOptions; }

ResponseLimits ResponseLimitsOf(const Options& options) {
  return {.age_max = std::chrono::hours(24 * options.Integer("responses.age_max")),
          .count_max = options.Integer("responses.count_max"),
          .bytes_max = options.Integer("responses.bytes_max"),
          .chain_max = options.Integer("responses.chain_max")};
}

Result<std::unique_ptr<ResponseStore>> ResponseStore::Open(SqlFile& meta, ResponseLimits limits,
                                                           const Clock& clock) {
  std::unique_ptr<ResponseStore> out(new ResponseStore(meta, limits, clock));
  STRATA_CHECK_OK(meta.WriteBlocking([&](Database& database) -> Result<> {
    STRATA_CHECK_OK(MigrateComponent(database, "responses", kMigrations));
    STRATA_TRY(auto count, database.Integer("SELECT count(*) FROM responses"));
    out->count_ = count.value_or(0);
    return {};
  }));
  return out;
}

// Oldest use first; of one chain, which was used at one time, its end first.
Result<> ResponseStore::Forget(Database& database, std::int64_t now_us) {
  const auto age_us = std::chrono::duration_cast<std::chrono::microseconds>(limits_.age_max);
  STRATA_CHECK_OK(
      database.Run("DELETE FROM responses WHERE id IN (SELECT id FROM responses WHERE used_us < ? "
                   "ORDER BY used_us, created_us DESC LIMIT ?)",
                   now_us - age_us.count(), kForgottenMax));
  count_ -= database.changes();
  if (count_ <= limits_.count_max) return {};
  STRATA_CHECK_OK(
      database.Run("DELETE FROM responses WHERE id IN (SELECT id FROM responses "
                   "WHERE used_us < ? ORDER BY used_us, created_us DESC LIMIT ?)",
                   now_us, std::min(count_ - limits_.count_max, kForgottenMax)));
  count_ -= database.changes();
  return {};
}

Result<> ResponseStore::Insert(Database& database, const ResponseOwner& owner,
                               const StoredResponse& response) {
  const auto now_us = ToUnixMicros(clock_.Wall());
  if (!response.previous_id.empty()) {
    STRATA_TRY(auto previous, Find(database, owner, response.previous_id));
    if (!previous) return Fail(Gone(response.previous_id));
    STRATA_CHECK_OK(Touch(database, response.previous_id, now_us));
  }
  auto labels = JoinLabels(response.labels);
  STRATA_CHECK_OK(
      database.Run("INSERT INTO responses(id, workspace, key, previous, subject, labels, "
                   "used_us, created_us, response, input, output, sources) "
                   "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   response.id, owner.workspace.value, owner.key.value, response.previous_id,
                   response.subject, labels, now_us, now_us, response.response, response.input,
                   response.output, response.sources));
  ++count_;
  return Forget(database, now_us);
}

Task<Result<>> ResponseStore::Append(ResponseOwner owner, StoredResponse response) {
  const auto bytes = static_cast<std::int64_t>(response.response.size() + response.input.size() +
                                               response.output.size());
  if (bytes > limits_.bytes_max) {
    co_return Fail(Error(Code::kTooLarge,
                         FormatMessage("the response has {} bytes with its input, {} may be stored "
                                       "(responses.bytes_max); send \"store\": false",
                                       bytes, limits_.bytes_max))
                       .AtField("store"));
  }
  auto insert = [&](Database& database) { return Insert(database, owner, response); };
  co_return co_await meta_.Write(insert);
}

Task<Result<StoredResponse>> ResponseStore::Get(ResponseOwner owner, std::string id) {
  auto find = [&](Database& database) { return Find(database, owner, id); };
  STRATA_CO_TRY(auto found, co_await meta_.Read(find));
  if (!found) co_return Fail(NotFound("response", id));
  co_return std::move(*found);
}

Task<Result<ResponseStore::History>> ResponseStore::Chain(ResponseOwner owner, std::string id) {
  auto read = [&](Database& database) -> Result<History> {
    History out;
    auto next = id;
    while (!next.empty()) {
      STRATA_TRY(auto found, Find(database, owner, next));
      if (!found) return Fail(Gone(next));
      out.items.push_back(std::move(found->output));
      out.items.push_back(std::move(found->input));
      out.sources.push_back(std::move(found->sources));
      out.labels.AddAll(found->labels);
      next = std::move(found->previous_id);
      if (static_cast<std::int64_t>(out.items.size()) / 2 > limits_.chain_max) {
        return Fail(
            Error(Code::kTooLarge, FormatMessage("the conversation holds more than {} responses "
                                                 "(responses.chain_max)",
                                                 limits_.chain_max))
                .AtField("previous_response_id"));
      }
    }
    std::ranges::reverse(out.items);
    std::ranges::reverse(out.sources);
    return out;
  };
  co_return co_await meta_.Read(read);
}

Task<Result<>> ResponseStore::Delete(ResponseOwner owner, std::string id) {
  auto remove = [&](Database& database) -> Result<> {
    STRATA_CHECK_OK(database.Run("DELETE FROM responses WHERE id = ? AND workspace = ? AND key = ?",
                                 id, owner.workspace.value, owner.key.value));
    if (database.changes() == 0) return Fail(NotFound("response", id));
    --count_;
    return {};
  };
  co_return co_await meta_.Write(remove);
}

Task<Result<std::int64_t>> ResponseStore::EraseSubject(std::string subject, WorkspaceId workspace) {
  if (subject.empty()) co_return Fail(InvalidArgument("subject", "expected an id"));
  auto remove = [&](Database& database) -> Result<std::int64_t> {
    STRATA_CHECK_OK(OverwriteDeleted(database));
    STRATA_CHECK_OK(database.Run("DELETE FROM responses WHERE subject = ? AND workspace = ?",
                                 subject, workspace.value));
    count_ -= database.changes();
    return database.changes();
  };
  STRATA_CO_TRY(auto erased, co_await meta_.Write(remove));
  STRATA_CO_CHECK_OK(co_await EmptyLog(meta_));
  co_return erased;
}

}  // namespace strata::store
