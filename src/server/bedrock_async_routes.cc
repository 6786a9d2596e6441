// Bedrock runtime's asynchronous invocations: StartAsyncInvoke, GetAsyncInvoke, ListAsyncInvokes.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <optional>
#include <vector>

#include "base/iso_time.h"
#include "dialect/json_value.h"
#include "server/answer_sinks.h"
#include "server/async_invoke.h"
#include "server/page_query.h"
#include "server/routes.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;
using store::JobState;

constexpr std::size_t kPageDefault = 100;
constexpr std::size_t kPageMax = 1000;

Task<Result<>> Reply(Services& s, Exchange& e, const json::object& body) {
  co_return co_await SendJson(e, s.links, dialect::Dialect::kBedrock, json::serialize(body));
}

Result<AsyncInvocation> Decode(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(
      top.OnlyMembers({"clientRequestToken", "modelId", "modelInput", "outputDataConfig", "tags"}));
  AsyncInvocation out;
  auto model = top.Get("modelId");
  STRATA_TRY(out.model, model.NonEmptyString());
  auto input = top.Get("modelInput");
  STRATA_TRY(out.input, input.ObjectText());
  auto output = top.Get("outputDataConfig");
  STRATA_CHECK_OK(output.ExpectObject());
  STRATA_CHECK_OK(output.OnlyMembers({"s3OutputDataConfig"}));
  auto s3 = output.Get("s3OutputDataConfig");
  STRATA_CHECK_OK(s3.ExpectObject());
  auto uri = s3.Get("s3Uri");
  STRATA_TRY(out.s3_uri, uri.NonEmptyString());
  out.token = top.TextAt("clientRequestToken");
  return out;
}

std::string_view StatusOf(const store::Job& job) {
  if (job.state == JobState::kDone) return "Completed";
  if (job.state == JobState::kFailed || job.state == JobState::kCancelled) return "Failed";
  return "InProgress";
}

json::object Encode(const store::Job& job) {
  auto payload = json::parse(job.payload.text).as_object();
  auto text = [&](const char* name) { return std::string(payload.at(name).as_string()); };
  auto model = text("model");
  auto arn =
      model.starts_with("arn:") ? model : "arn:aws:bedrock:us-east-1::foundation-model/" + model;
  json::object output{{"s3OutputDataConfig", json::object{{"s3Uri", text("s3_uri")}}}};
  auto status = StatusOf(job);
  json::object out{{"invocationArn", AsyncInvocationArn(job)},
                   {"modelArn", arn},
                   {"status", status},
                   {"submitTime", FormatIso8601(job.created)},
                   {"lastModifiedTime", FormatIso8601(job.updated)},
                   {"outputDataConfig", std::move(output)}};
  if (auto token = text("token"); !token.empty()) out["clientRequestToken"] = token;
  if (status != "InProgress") out["endTime"] = FormatIso8601(job.updated);
  if (status == "Failed") out["failureMessage"] = job.error;
  return out;
}

Task<Result<>> Start(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto invocation, Decode(e.http.body));
  STRATA_CO_TRY(auto job, co_await s.async_invokes->Submit(std::move(invocation), e.ctx));
  co_return co_await Reply(s, e, {{"invocationArn", AsyncInvocationArn(job)}});
}

// GetAsyncInvoke models no ResourceNotFoundException: an id that is unknown is a bad argument.
Task<Result<>> Get(Services& s, Exchange& e) {
  auto unknown = InvalidArgument("invocationArn", "there is no such invocation");
  auto id = AsyncInvocationJobId(e.params.at(0));
  if (id.empty()) co_return Fail(std::move(unknown));
  auto job = co_await s.jobs.Get(std::move(id));
  if (!job.has_value() && job.error().code() != Code::kNotFound) {
    co_return std::unexpected(std::move(job.error()));
  }
  if (!job.has_value() || job->workspace != e.ctx.workspace || job->kind != AsyncInvokes::kKind) {
    co_return Fail(std::move(unknown));
  }
  co_return co_await Reply(s, e, Encode(*job));
}

// What `statusEquals` stands for; empty for "": any.
Result<std::vector<JobState>> StatesOf(std::string_view status) {
  std::vector<JobState> states;
  if (status == "InProgress") states = {JobState::kQueued, JobState::kLeased};
  if (status == "Completed") states = {JobState::kDone};
  if (status == "Failed") states = {JobState::kFailed, JobState::kCancelled};
  if (states.empty() && !status.empty()) {
    return Fail(InvalidArgument("statusEquals", "expected InProgress, Completed or Failed"));
  }
  return states;
}

Result<std::optional<WallTime>> TimeOf(const std::string& name, std::string_view text) {
  if (text.empty()) return std::nullopt;
  auto time = ParseIso8601(text);
  if (!time) return Fail(InvalidArgument(name, "expected a time like 2026-11-22T08:23:39Z"));
  return time;
}

// `limit` is one more than the page has, to see whether there is another one. A page's token is the
// number of the last job that was given out.
Result<store::JobFilter> DecodeListing(const Exchange& e) {
  auto query = [&](std::string_view name) {
    return net::QueryParameter(e.http.query(), name).value_or("");
  };
  store::JobFilter out;
  out.kind = AsyncInvokes::kKind;
  out.workspace = e.ctx.workspace;
  out.leave_out = "input";
  STRATA_TRY(out.states, StatesOf(query("statusEquals")));
  STRATA_TRY(out.created_after, TimeOf("submitTimeAfter", query("submitTimeAfter")));
  STRATA_TRY(out.created_before, TimeOf("submitTimeBefore", query("submitTimeBefore")));
  // Answers say milliseconds: what was submitted within that one is not after it.
  if (out.created_after) *out.created_after += std::chrono::microseconds(999);
  if (query("sortOrder") == "Ascending") out.order = store::JobFilter::Order::kOldestFirst;
  STRATA_TRY(const auto page, ReadPageQuery(e, kPageDefault, kPageMax));
  out.after = static_cast<std::int64_t>(page.start);
  out.limit = page.size + 1;
  return out;
}

Task<Result<>> List(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto filter, DecodeListing(e));
  const auto size = filter.limit - 1;
  STRATA_CO_TRY(auto jobs, co_await s.jobs.List(std::move(filter)));
  json::object out;
  if (jobs.size() > size) {
    jobs.resize(size);
    out["nextToken"] = std::to_string(jobs.back().number);
  }
  json::array items;
  for (const auto& job : jobs) items.push_back(Encode(job));
  out["asyncInvokeSummaries"] = std::move(items);
  co_return co_await Reply(s, e, out);
}

}  // namespace

void AddBedrockAsyncRoutes(Router& router, Services& services) {
  using Operation = Task<Result<>> (*)(Services&, Exchange&);
  auto add = [&](std::string method, std::string pattern, std::string operation, Operation run) {
    router.Add({.method = std::move(method),
                .pattern = std::move(pattern),
                .face = Face::kBedrockRuntime,
                .operation = std::move(operation),
                .role = "invoke",
                .handler = [&services, run](Exchange& e) { return run(services, e); }});
  };
  add("POST", "/async-invoke", "StartAsyncInvoke", Start);
  add("GET", "/async-invoke", "ListAsyncInvokes", List);
  add("GET", "/async-invoke/{invocationArn}", "GetAsyncInvoke", Get);
}

}  // namespace strata::server
