#include "server/idempotency.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/format_message.h"
#include "dialect/json_value.h"
#include "net/runtime.h"
#include "server/answer_sinks.h"

namespace strata::server {
namespace {

constexpr store::Migration kMigrations[] = {
    {"makes idempotency", R"sql(
CREATE TABLE idempotency(
  id TEXT PRIMARY KEY, request_sha256 TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency(created);
)sql"},
};

constexpr std::chrono::milliseconds kLook{10};

// Takes the handler's answer instead of the client.
class AnswerTaker final : public net::ResponseWriter {
 public:
  Task<Result<>> Send(int status, net::Headers, std::string body) override {
    status_ = status;
    body_ = std::move(body);
    co_return Result<>{};
  }
  Task<Result<>> Start(int, net::Headers) override { co_return Unexpected(); }
  Task<Result<>> Write(std::string_view) override { co_return Unexpected(); }
  Task<Result<>> Finish() override { co_return Unexpected(); }
  void Abort() override {}
  bool started() const override { return false; }

  int status() const { return status_; }
  std::string TakeBody() { return std::move(body_); }

 private:
  static Result<> Unexpected() {
    return Fail(Internal("an operation with an idempotency token does not stream"));
  }
  int status_ = 0;
  std::string body_;
};

// The token, "" when the caller gave none. A body that is no JSON is the handler's to refuse.
Result<std::string> TokenOf(std::string_view body, std::string_view member) {
  auto parsed = dialect::ParseJson(body);
  if (!parsed.has_value()) return std::string();
  dialect::JsonField top(*parsed);
  auto field = top.Get(member);
  if (!field.present()) return std::string();
  STRATA_TRY(auto token, field.NonEmptyString());
  // bedrock-agent calls it clientToken and wants more of it.
  std::size_t least = member == "clientToken" ? 33 : 1;
  if (token.size() < least || token.size() > 256) {
    return Fail(field.Wrong(FormatMessage("expected {} to 256 characters", least)));
  }
  return token;
}

}  // namespace

Result<std::unique_ptr<IdempotencyStore>> IdempotencyStore::Open(store::SqlFile& file,
                                                                 const TraceLinks& links,
                                                                 std::chrono::hours keep) {
  STRATA_CHECK_OK(file.WriteBlocking([](store::Database& database) {
    return store::MigrateComponent(database, "idempotency", kMigrations);
  }));
  return std::unique_ptr<IdempotencyStore>(new IdempotencyStore(file, links, keep));
}

Task<Result<>> IdempotencyStore::Answer(Exchange& exchange, const Route& route) {
  STRATA_CO_TRY(auto token, TokenOf(exchange.http.body, route.token_member));
  if (token.empty()) co_return co_await route.handler(exchange);
  co_return co_await AnswerOnce(exchange, route, std::move(token));
}

bool IdempotencyStore::Claim(const std::string& id) {
  std::lock_guard lock(mutex_);
  return running_.insert(id).second;
}

void IdempotencyStore::Release(const std::string& id) {
  std::lock_guard lock(mutex_);
  running_.erase(id);
}

Task<Result<>> IdempotencyStore::AnswerOnce(Exchange& exchange, const Route& route,
                                            std::string token) {
  auto& ctx = exchange.ctx;
  auto id = fmt::format("{}\n{}\n{}", ctx.workspace.value, route.operation, token);
  auto request = Sha256Hex(fmt::format("{}\n{}", exchange.http.target, exchange.http.body));
  // A retry that comes while the first request still runs waits for its answer.
  while (!Claim(id)) {
    STRATA_CO_CHECK_OK(ctx.CheckAlive());
    STRATA_CO_CHECK_OK(co_await net::Sleep(kLook, ctx.cancel));
  }
  struct Claimed {
    IdempotencyStore& store;
    const std::string& id;
    ~Claimed() { store.Release(id); }
  } claimed{*this, id};
  STRATA_CO_TRY(auto before, co_await Find(id, ctx.clock->Wall()));
  if (before) {
    if (before->request_sha256 != request) {
      co_return Fail(Error(Code::kConflict, FormatMessage("{} was used with another request",
                                                          Own(route.token_member)))
                         .AtField(route.token_member));
    }
    co_return co_await SendJson(exchange, links_, dialect::Dialect::kBedrock,
                                std::move(before->body), before->status);
  }
  AnswerTaker writer;
  Exchange inner{exchange.http, writer, ctx, exchange.params, exchange.key};
  STRATA_CO_CHECK_OK(co_await route.handler(inner));
  Kept answer{.request_sha256 = request, .status = writer.status(), .body = writer.TakeBody()};
  if (answer.status < 300) STRATA_CO_CHECK_OK(co_await Save(id, answer, ctx.clock->Wall()));
  co_return co_await SendJson(exchange, links_, dialect::Dialect::kBedrock, std::move(answer.body),
                              answer.status);
}

Task<Result<std::optional<IdempotencyStore::Kept>>> IdempotencyStore::Find(std::string id,
                                                                           WallTime now) {
  auto oldest = ToUnixMicros(now - keep_);
  auto read = [&id, oldest](store::Database& database) -> Result<std::optional<Kept>> {
    STRATA_TRY(auto row, database.Prepare("SELECT request_sha256, status, body FROM idempotency "
                                          "WHERE id=? AND created>=?"));
    STRATA_TRY(bool found, row.BindAll(id, oldest).Step());
    if (!found) return std::optional<Kept>();
    return std::optional<Kept>(Kept{.request_sha256 = std::string(row.Text(0)),
                                    .status = static_cast<int>(row.Integer(1)),
                                    .body = std::string(row.Text(2))});
  };
  co_return co_await file_.Read(std::move(read));
}

Task<Result<>> IdempotencyStore::Save(std::string id, Kept answer, WallTime now) {
  auto oldest = ToUnixMicros(now - keep_);
  auto write = [&id, &answer, now, oldest](store::Database& database) -> Result<> {
    STRATA_CHECK_OK(database.Run("DELETE FROM idempotency WHERE created<?", oldest));
    STRATA_CHECK_OK(
        database.Run("DELETE FROM idempotency WHERE id IN (SELECT id FROM idempotency ORDER BY "
                     "created DESC LIMIT -1 OFFSET ?)",
                     kRowsMax - 1));
    return database.Run(
        "INSERT INTO idempotency(id, request_sha256, status, body, created) VALUES(?,?,?,?,?)", id,
        answer.request_sha256, answer.status, answer.body, ToUnixMicros(now));
  };
  co_return co_await file_.Write(std::move(write));
}

}  // namespace strata::server
