#pragma once
// Stored responses of the Responses API: what previous_response_id refers to, and what GET gives
// back. Rows of meta.db, opaque JSON here. A response belongs to its workspace and key: nobody else
// finds it.
//
// Bounded by age and number: what has not been used for longest goes first, and using a chain
// (Append, Chain) counts as a use of all of it, so that a conversation that goes on never loses its
// beginning.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/labels.h"
#include "base/options.h"
#include "store/sql_file.h"

namespace strata::store {

struct ResponseOwner {
  WorkspaceId workspace;
  KeyId key;
};

struct StoredResponse {
  std::string id;
  std::string previous_id;  // "" for the first of its chain
  std::string subject;      // pseudonymous id of the end user, "" unknown
  LabelSet labels;          // of everything it was made from
  std::string response;     // the response object
  std::string input;        // its own input, a JSON array of items
  std::string output;       // what is played back, a JSON array of items
  // What of the outside it was made from, opaque here; "" when that cannot go away.
  std::string sources = {};
};

struct ResponseLimits {
  std::chrono::hours age_max{24 * 30};
  std::int64_t count_max = 100'000;
  std::int64_t bytes_max = 16 << 20;  // one response, its input included
  std::int64_t chain_max = 512;       // responses that a chain may hold
};
ResponseLimits ResponseLimitsOf(const Options& options);

// Thread-safe. Destroy before the io_contexts whose coroutines wait on it.
class ResponseStore {
 public:
  static OptionTable ResponseOptionTable();  // `responses.*`

  // Makes its table. `meta` outlives the store.
  static Result<std::unique_ptr<ResponseStore>> Open(SqlFile& meta, ResponseLimits limits,
                                                     const Clock& clock = SystemClock());

  // Returns when it is on disk. Errors: kTooLarge (bytes_max), kNotFound (the previous response has
  // gone meanwhile), kUnavailable.
  Task<Result<>> Append(ResponseOwner owner, StoredResponse response);

  // kNotFound: never stored, deleted, forgotten, or another key's.
  Task<Result<StoredResponse>> Get(ResponseOwner owner, std::string id);

  // What was said up to and with `id`.
  struct History {
    std::vector<std::string> items;    // JSON arrays, oldest first: input, output, input, …
    std::vector<std::string> sources;  // of each response, so of every two of `items`
    LabelSet labels;
  };
  // kNotFound as Get, naming a response of the chain that has gone; kTooLarge (chain_max).
  Task<Result<History>> Chain(ResponseOwner owner, std::string id);

  // Responses after it keep their own items, but can no longer be continued.
  Task<Result<>> Delete(ResponseOwner owner, std::string id);

  // Removes the workspace's responses of that end user, overwriting them; returns how many. Durable
  // when it returns; after an error it may be called again.
  Task<Result<std::int64_t>> EraseSubject(std::string subject, WorkspaceId workspace);

 private:
  ResponseStore(SqlFile& meta, ResponseLimits limits, const Clock& clock)
      : meta_(meta), limits_(limits), clock_(clock) {}
  Result<> Insert(Database& database, const ResponseOwner& owner, const StoredResponse& response);
  Result<> Forget(Database& database, std::int64_t now_us);

  SqlFile& meta_;
  ResponseLimits limits_;
  const Clock& clock_;
  std::int64_t count_ = 0;  // rows; the writer's thread only
};

}  // namespace strata::store
