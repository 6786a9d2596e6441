// What users say of answers: POST /v1/feedback, in the form that gateways share (Portkey's), and
// the list of it for administrators.

#include <boost/json.hpp>
#include <charconv>

#include "base/format_message.h"
#include "dialect/json_value.h"
#include "job/evaluation.h"
#include "job/trace_row.h"
#include "server/admin_json.h"
#include "server/routes.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

constexpr std::size_t kListedMax = 1000;

// {"trace_id", "value": −10 to 10, "weight"?: 0 to 1, "metadata"?: {…}}
Result<job::Feedback> Decode(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"trace_id", "value", "weight", "metadata"}));
  job::Feedback feedback;
  STRATA_TRY(feedback.trace, top.Get("trace_id").NonEmptyString());
  STRATA_TRY(feedback.value, top.Get("value").Double(-10, 10));
  if (auto weight = top.Get("weight"); weight.present()) {
    STRATA_TRY(feedback.weight, weight.Double(0, 1));
  }
  if (auto metadata = top.Get("metadata"); metadata.present()) {
    STRATA_TRY(feedback.metadata, metadata.ObjectText());
    if (feedback.metadata.text.size() > job::Feedbacks::kMetadataBytesMax) {
      return Fail(metadata.Wrong(
          FormatMessage("expected at most {} bytes", job::Feedbacks::kMetadataBytesMax)));
    }
  }
  return feedback;
}

Task<Result<>> Add(Services& s, Exchange& e) {
  STRATA_CO_TRY(auto feedback, Decode(e.http.body));
  STRATA_CO_TRY(auto trace, co_await FindTrace(s, e, feedback.trace));
  feedback.key = e.ctx.key;
  feedback.model = trace.model;
  feedback.subject = trace.subject;
  auto trial = job::TrialOfTrace(trace);
  feedback.test = std::move(trial.test);
  feedback.arm = std::move(trial.arm);
  feedback.unit = std::move(trial.unit);
  STRATA_CO_TRY(auto added,
                co_await s.evaluation.feedback().Add(std::move(feedback), e.ctx.workspace));
  json::object body{{"status", "success"},
                    {"message", "the feedback is kept"},
                    {"feedback_ids", json::array{added.id}}};
  co_return co_await SendAdminJson(e, json::serialize(body));
}

Task<Result<>> List(Services& s, Exchange& e) {
  std::size_t limit = 50;
  if (auto text = net::QueryParameter(e.http.query(), "limit")) {
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (error != std::errc() || end != text->data() + text->size() || limit > kListedMax) {
      co_return Fail(InvalidArgument("limit", FormatMessage("expected 0 to {}", kListedMax)));
    }
  }
  bool blame = net::QueryParameter(e.http.query(), "blame") == "true";
  auto which = blame ? job::Feedbacks::Which::kBlame : job::Feedbacks::Which::kAll;
  STRATA_CO_TRY(auto list, co_await s.evaluation.feedback().List(which, limit, e.ctx.workspace));
  json::array items;
  for (const auto& f : list) {
    json::object item{{"id", f.id},         {"trace_id", f.trace}, {"model", f.model},
                      {"key", f.key.value}, {"value", f.value},    {"weight", f.weight}};
    item["created"] = FormatIso8601(f.created);
    if (!f.metadata.text.empty()) item["metadata"] = json::parse(f.metadata.text);
    items.push_back(std::move(item));
  }
  json::object body{{"feedback", std::move(items)}};
  co_return co_await SendAdminJson(e, json::serialize(body));
}

}  // namespace

void AddFeedbackRoutes(Router& router, Services& services) {
  auto* s = &services;
  router.Add({.method = "POST",
              .pattern = "/v1/feedback",
              .face = Face::kOpenAi,
              .operation = "feedback",
              .role = "invoke",
              .handler = [s](Exchange& e) { return Add(*s, e); }});
  router.Add({.method = "GET",
              .pattern = "/strata/v1/feedback",
              .face = Face::kStrata,
              .operation = "list_feedback",
              .role = "admin",
              .handler = [s](Exchange& e) { return List(*s, e); }});
}

}  // namespace strata::server
