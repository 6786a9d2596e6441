#pragma once
// Small helpers of the /strata/v1 routes, which speak plain JSON.

#include <string>
#include <string_view>

#include "server/router.h"
#include "server/services.h"

namespace strata::server {

// 200 with a JSON body.
Task<Result<>> SendAdminJson(Exchange& exchange, std::string body);

// A long-running answer: newline-delimited JSON objects, one a step, written as they happen. The
// last line holds the result or {"error": {…}}.
class JsonLines {
 public:
  explicit JsonLines(Exchange& exchange) : exchange_(exchange) {}
  Task<Result<>> Start();
  Task<Result<>> Line(std::string json);
  // The error's object as the last line, or nothing; then the end of the answer.
  Task<Result<>> Finish(const Result<>& outcome);

 private:
  Exchange& exchange_;
};

// A finished trace of the caller's workspace, also one whose answer ended this moment. kNotFound.
Task<Result<observe::FinishedTrace>> FindTrace(Services& services, const Exchange& exchange,
                                               std::string id);

// The caller's knowledge base that the path names. kNotFound, kPermissionDenied.
Result<knowledge::KnowledgeBase> NamedBase(Services& services, const Exchange& exchange);
// The same for a path that may name several, "A,B". The key is checked for all of them first.
Result<std::vector<knowledge::KnowledgeBase>> NamedBases(Services& services,
                                                         const Exchange& exchange);

// The body of POST /strata/v1/keys with its values checked, but for whether they are taken.
// kInvalidArgument with the field.
Result<store::CreateKey> DecodeCreateKey(std::string_view body, const Clock& clock);

// Work over a whole corpus takes as long as the corpus is large: it ends when it is done or the
// caller goes away, not at server.request_timeout.
void RunUntilLeft(Exchange& exchange);

// Adds operations of /strata/v1 that are for administrators: `add("GET", pattern, name, Run)`.
class AdminOperations {
 public:
  using Operation = Task<Result<>> (*)(Services&, Exchange&);
  // Both outlive the routes.
  AdminOperations(Router& router, Services& services) : router_(router), services_(services) {}
  void operator()(std::string method, std::string pattern, std::string operation,
                  Operation run) const;

 private:
  Router& router_;
  Services& services_;
};

// Routes of /strata/v1 by subject; AddAdminRoutes calls them all.
void AddAdminKeyRoutes(Router& router, Services& services);
void AddAdminKbRoutes(Router& router, Services& services);
void AddAdminCorpusRoutes(Router& router, Services& services);
void AddAdminObserveRoutes(Router& router, Services& services);
void AddAdminProviderRoutes(Router& router, Services& services);
void AddAdminRouterRoutes(Router& router, Services& services);
void AddAdminRouterTestRoutes(Router& router, Services& services);
void AddAdminEvalRoutes(Router& router, Services& services);
void AddAdminEvalRunRoutes(Router& router, Services& services);
void AddAdminEraseRoutes(Router& router, Services& services);
void AddAdminServerRoutes(Router& router, Services& services);

}  // namespace strata::server
