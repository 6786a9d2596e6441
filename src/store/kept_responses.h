#pragma once
// Responses and conversations that a provider keeps under ids of its own: whose they are, where,
// and which labels they have. Rows of meta.db without any text. Bounded as stored responses are
// (`responses.age_max`, `responses.count_max`): what was not used for longest goes first.

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/labels.h"
#include "store/response_store.h"
#include "store/sql_file.h"

namespace strata::store {

struct KeptResponse {
  std::string id;
  std::string subject;     // pseudonymous id of the end user, "" unknown
  std::string deployment;  // "PROVIDER/MODEL"
  LabelSet labels;         // of everything it was made from
  bool pending = false;    // what it used is not in the ledger yet
};

// Thread-safe. Destroy before the io_contexts whose coroutines wait on it.
class KeptResponses {
 public:
  // Makes its table. `meta` outlives it.
  static Result<std::unique_ptr<KeptResponses>> Open(SqlFile& meta, ResponseLimits limits,
                                                     const Clock& clock = SystemClock());

  // Notes one, or its new labels. An id that another key has is left alone. Returns when it is on
  // disk.
  Task<Result<>> Note(ResponseOwner owner, KeptResponse response);

  // nullopt: nobody has that id. kNotFound: another key has. Counts as a use.
  Task<Result<std::optional<KeptResponse>>> Find(ResponseOwner owner, std::string id);

  // Whether it was pending; it is not any more. Once true, so that what was used is counted once.
  Task<Result<bool>> Settle(ResponseOwner owner, std::string id);

  Task<Result<>> Forget(ResponseOwner owner, std::string id);

  // Takes the person out of the rows of the workspace, overwritten on disk (store/erase.h), and
  // says of how many. Which key may ask for the response stays known. kInvalidArgument: no subject.
  Task<Result<std::int64_t>> EraseSubject(std::string subject, WorkspaceId workspace);

 private:
  KeptResponses(SqlFile& meta, ResponseLimits limits, const Clock& clock)
      : meta_(meta), limits_(limits), clock_(clock) {}
  Result<> Trim(Database& database, std::int64_t now_us) const;

  SqlFile& meta_;
  const ResponseLimits limits_;
  const Clock& clock_;
};

}  // namespace strata::store
