// POST /strata/v1/subjects/erase: an end user removed from everything that keeps what they said.

#include <boost/json.hpp>

#include "base/log.h"
#include "dialect/json_value.h"
#include "job/evaluation.h"
#include "server/admin_json.h"
#include "store/kept_responses.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

// {"subject": id} → {"erased": {kind: how many}}. Each kind is durable before the next is begun;
// cut short, it is asked again, and the kinds that are done find nothing.
Task<Result<>> Erase(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(e.http.body));
  JsonField top(parsed);
  STRATA_CO_CHECK_OK(top.ExpectObject());
  STRATA_CO_CHECK_OK(top.OnlyMembers({"subject"}));
  STRATA_CO_TRY(auto subject, top.Get("subject").NonEmptyString());
  RunUntilLeft(e);
  const auto& workspace = e.ctx.workspace;
  json::object erased;
  // What copies are made from goes before the copies, so that one made meanwhile is found.
  erased["sessions"] = s.answers.EraseSubject(subject, workspace);
  STRATA_CO_TRY(erased["async_invocations"], co_await s.jobs.EraseSubject(subject, workspace));
  STRATA_CO_TRY(erased["responses"], co_await s.responses.EraseSubject(subject, workspace));
  STRATA_CO_TRY(erased["kept_by_providers"],
                co_await s.kept_responses.EraseSubject(subject, workspace));
  STRATA_CO_TRY(erased["traces"], co_await s.traces.EraseSubject(subject, workspace));
  STRATA_CO_TRY(auto rows, co_await s.evaluation.EraseSubject(subject, workspace));
  erased["labels"] = rows.labels;
  erased["feedback"] = rows.feedback;
  erased["eval_rows"] = rows.set_rows;
  erased["eval_cases"] = rows.cases;
  // How many of what, not whose: logs are kept too.
  Log(Level::kInfo, "server.subject_erased",
      {{"workspace", workspace.value},
       {"key", e.ctx.key.value},
       {"erased", json::serialize(erased)}});
  json::object body{{"erased", std::move(erased)}};
  co_return co_await SendAdminJson(e, json::serialize(body));
}

}  // namespace

void AddAdminEraseRoutes(Router& router, Services& services) {
  const AdminOperations add(router, services);
  add("POST", "/strata/v1/subjects/erase", "erase_subject", Erase);
}

}  // namespace strata::server
