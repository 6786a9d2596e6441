#pragma once
// Routes of all listeners: which handler serves a method and a raw path, in which dialect errors
// are written, and which role the key needs.
//
// Paths are split on '/' first and decoded after, since ARNs arrive percent-encoded in one segment.
// One trailing slash is accepted or missing on every route. The prefixes /openai, /anthropic,
// /bedrock, /gemini are stripped. A last segment {…+} takes the rest of the path, slashes included,
// where nothing else fits: model ids hold slashes, and Gemini's clients do not escape them.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "dialect/error_table.h"
#include "net/http.h"
#include "net/server.h"
#include "store/keys.h"

namespace strata::server {

// One request at its handler: authenticated, with the context that its trace hangs on.
struct Exchange {
  net::HttpRequest& http;
  net::ResponseWriter& writer;
  RequestContext& ctx;
  std::vector<std::string> params;           // decoded values of {…} segments, in order
  std::shared_ptr<const store::ApiKey> key;  // null on public routes
};

// An error is written by the dispatcher in the route's dialect, unless the answer has started.
using RouteHandler = std::function<Task<Result<>>(Exchange& exchange)>;

enum class Face : std::uint8_t {
  kOpenAi,
  kAnthropic,
  kBedrockRuntime,
  kBedrockControl,
  kBedrockAgent,
  kBedrockAgentRuntime,
  kGemini,
  kStrata
};

std::string_view FaceName(Face face);  // "openai", "anthropic", "bedrock", "gemini", "strata"

inline constexpr std::string_view kAnyRole = "*";

struct Route {
  std::string method;
  std::string pattern;  // "/model/{modelId}/converse"
  Face face = Face::kOpenAi;
  std::string operation;  // "Converse": span field and, for Bedrock, the name in errors
  std::string role;       // "" = public, kAnyRole = any valid key
  RouteHandler handler;
  // Dialects have the path in common (/v1/models): FaceOf tells whose it is.
  bool shared = false;
  // Body member that holds the idempotency token, "" for none; see idempotency.h.
  std::string token_member = {};
  bool refused = false;    // known by name and not served here
  bool probe = false;      // asked by machines every few seconds: logged at debug
  std::size_t number = 0;  // from 1 in the order of Add; set by the router
};

// HTTP form of `error` in the face's dialect. kStrata answers {"error": {"code", "message",
// "field"}}.
dialect::HttpError EncodeFaceError(Face face, const Error& error, std::string_view request_id);

// What a connection answers by itself (a limit, broken HTTP), with no trace behind it.
net::FailureAnswer EncodeFailure(Face face, int status, std::string_view message);

// Immutable after the last Add; Find is then thread-safe.
class Router {
 public:
  Router();
  ~Router();

  // A pattern that is taken is a bug and aborts.
  void Add(Route route);

  // The route of that pattern, whatever its parameters are called; null when there is none. Before
  // the last Add.
  Route* At(std::string_view method, std::string_view pattern);

  struct Match {
    const Route* route = nullptr;  // null: nothing fits
    std::vector<std::string> params;
    const Route* other = nullptr;  // without a route: one of the same path, with another method
    std::string allow;             // the methods that the path of `other` takes: "DELETE, GET"
  };
  // `raw_path` as sent, without the query. Error: kInvalidArgument: a broken escape, no UTF-8.
  Result<Match> Find(std::string_view method, std::string_view raw_path) const;

  std::size_t size() const { return size_; }
  std::vector<const Route*> All() const;  // in the order of Add

 private:
  struct Node;
  std::unique_ptr<Node> root_;
  std::size_t size_ = 0;
};

// The face whose errors an unknown path gets: by prefix, else by the headers anthropic-version and
// x-goog-api-key, else by what the path looks like.
Face FaceOfPath(std::string_view raw_path, const net::Headers& headers);

// The face that a matched request is answered in.
Face FaceOf(const Route& route, const net::HttpRequest& request);

}  // namespace strata::server
