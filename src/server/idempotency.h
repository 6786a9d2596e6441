#pragma once
// Idempotency tokens of Bedrock's control plane: the same token with the same request gives the
// same answer and does the work once, also after a restart; with another request it is a conflict.
//
// Answers are kept in meta.db for server.idempotency_hours. Only successes are kept, so a request
// that failed may be tried again with its token. A process that dies between the work and the
// record of its answer leaves the work done and the token free.

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "server/router.h"
#include "server/trace_links.h"
#include "store/sql_file.h"

namespace strata::server {

// Thread-safe. `file` and `links` outlive it.
class IdempotencyStore {
 public:
  static constexpr std::int64_t kRowsMax = 100'000;  // the oldest go first

  static Result<std::unique_ptr<IdempotencyStore>> Open(store::SqlFile& file,
                                                        const TraceLinks& links,
                                                        std::chrono::hours keep);

  // Runs the route's handler, or answers as it did before. `exchange` is authenticated. Errors
  // beside the handler's: kInvalidArgument (the token's form), kConflict.
  Task<Result<>> Answer(Exchange& exchange, const Route& route);

 private:
  struct Kept {
    std::string request_sha256;
    int status = 200;
    std::string body;
  };
  IdempotencyStore(store::SqlFile& file, const TraceLinks& links, std::chrono::hours keep)
      : file_(file), links_(links), keep_(keep) {}

  Task<Result<>> AnswerOnce(Exchange& exchange, const Route& route, std::string token);
  Task<Result<std::optional<Kept>>> Find(std::string id, WallTime now);
  Task<Result<>> Save(std::string id, Kept answer, WallTime now);
  bool Claim(const std::string& id);
  void Release(const std::string& id);

  store::SqlFile& file_;
  const TraceLinks& links_;
  const std::chrono::hours keep_;
  std::mutex mutex_;
  std::set<std::string> running_;  // requests whose work is under way
};

}  // namespace strata::server
