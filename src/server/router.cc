#include "server/router.h"

#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <unordered_map>

#include "base/check.h"
#include "base/encoding.h"
#include "base/hops.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "server/azure_paths.h"

namespace strata::server {
namespace {

// Walks over "/a/b/" as "a", "b": empty segments inside stay, one trailing slash does not count.
class Segments {
 public:
  explicit Segments(std::string_view path) : rest_(path) {
    if (rest_.starts_with('/')) rest_.remove_prefix(1);
  }

  class Iterator {
   public:
    explicit Iterator(Segments* of) : of_(of) {}
    std::string_view operator*() const { return of_->segment_; }
    Iterator& operator++() {
      of_->Advance();
      return *this;
    }
    bool operator!=(std::default_sentinel_t) const { return !of_->done_; }

   private:
    Segments* of_;
  };
  Iterator begin() {
    Advance();
    return Iterator(this);
  }
  static std::default_sentinel_t end() { return {}; }

 private:
  void Advance() {
    done_ = last_ || (count_ > 0 && rest_.empty());
    if (done_) return;
    const auto at = rest_.find('/');
    segment_ = rest_.substr(0, at);
    last_ = at == rest_.npos;
    rest_ = last_ ? std::string_view() : rest_.substr(at + 1);
    ++count_;
  }

  std::string_view rest_;
  std::string_view segment_;
  std::size_t count_ = 0;
  bool last_ = false;  // nothing stands behind `segment_`, not even a slash
  bool done_ = false;
};

constexpr std::string_view kPrefixes[] = {
    "/openai",        "/anthropic", "/bedrock-runtime", "/bedrock-agent-runtime",
    "/bedrock-agent", "/bedrock",   "/gemini"};

// Without a dialect's prefix; "/openai" alone stays.
std::string_view StripPrefix(std::string_view path) {
  for (auto prefix : kPrefixes) {
    if (path.size() > prefix.size() && path.starts_with(prefix) && path[prefix.size()] == '/') {
      return path.substr(prefix.size());
    }
  }
  return path;
}

int StatusOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return 400;
    case Code::kUnauthenticated:
      return 401;
    case Code::kPermissionDenied:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kConflict:
      return 409;
    case Code::kTooLarge:
      return 413;
    case Code::kUnsupported:
      return 400;
    case Code::kBlocked:
      return 422;
    case Code::kRateLimited:
      return 429;
    case Code::kDeadlineExceeded:
      return 504;
    case Code::kCancelled:
      return 499;
    case Code::kUnavailable:
      return 503;
    case Code::kCorruption:
    case Code::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace

struct Router::Node {
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view path) const {
      return std::hash<std::string_view>()(path);
    }
  };
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::unique_ptr<Node> rest;  // {…+}
  std::map<std::string, Route, std::less<>> by_method;
  // Of the root: patterns without parameters, which win over all others, as they are written.
  std::unordered_map<std::string, const Node*, Hash, std::equal_to<>> whole;

  // The route of `method`, or what the path takes instead.
  void Choose(std::string_view method, Match& match) const {
    if (auto it = by_method.find(method); it != by_method.end()) {
      match.route = &it->second;
      return;
    }
    for (const auto& [name, route] : by_method) {
      match.other = &route;
      match.allow += (match.allow.empty() ? "" : ", ") + name;
      if (name == "GET") match.allow += ", HEAD";
    }
  }
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;

void Router::Add(Route route) {
  Node* node = root_.get();
  for (auto segment : Segments(route.pattern)) {
    bool parameter = segment.starts_with('{');
    bool rest = parameter && segment.ends_with("+}");
    auto& next = rest        ? node->rest
                 : parameter ? node->parameter
                             : node->literals[std::string(segment)];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  const bool plain = route.pattern.find('{') == route.pattern.npos;
  if (plain && StripPrefix(route.pattern) == route.pattern) root_->whole[route.pattern] = node;
  auto what = fmt::format("{} {} has two handlers", route.method, route.pattern);
  auto method = route.method;
  route.number = ++size_;
  bool fresh = node->by_method.emplace(std::move(method), std::move(route)).second;
  STRATA_FATAL(fresh, what);
}

Route* Router::At(std::string_view method, std::string_view pattern) {
  Node* node = root_.get();
  for (auto segment : Segments(pattern)) {
    if (segment.starts_with('{')) {
      node = node->parameter.get();
    } else {
      auto at = node->literals.find(segment);
      node = at == node->literals.end() ? nullptr : at->second.get();
    }
    if (node == nullptr) return nullptr;
  }
  auto at = node->by_method.find(method);
  return at == node->by_method.end() ? nullptr : &at->second;
}

std::vector<const Route*> Router::All() const {
  std::vector<const Route*> routes(size_);
  std::vector<const Node*> open = {root_.get()};
  while (!open.empty()) {
    const auto* node = open.back();
    open.pop_back();
    for (const auto& [method, route] : node->by_method) routes[route.number - 1] = &route;
    for (const auto& [segment, next] : node->literals) open.push_back(next.get());
    if (node->parameter) open.push_back(node->parameter.get());
    if (node->rest) open.push_back(node->rest.get());
  }
  return routes;
}

namespace {

// A parameter as text: names end up in logs, traces and answers, which are UTF-8.
Result<std::string> DecodeParameter(std::string_view raw) {
  auto value = PercentDecode(raw);
  if (!value) return Fail(Code::kInvalidArgument, "the path holds a broken percent escape");
  if (!IsValidUtf8(*value)) return Fail(Code::kInvalidArgument, "the path is not UTF-8 text");
  return std::move(*value);
}

}  // namespace

Result<Router::Match> Router::Find(std::string_view method, std::string_view raw_path) const {
  if (method == "HEAD") method = "GET";  // the connection leaves the body out
  Match match;
  if (auto whole = root_->whole.find(raw_path); whole != root_->whole.end()) {
    const auto& routes = whole->second->by_method;
    if (auto at = routes.find(method); at != routes.end()) {
      match.route = &at->second;
      return match;
    }
  }
  Match rest;  // of the innermost {…+} on the way
  const Node* node = root_.get();
  auto path = StripPrefix(raw_path);
  if (const auto azure = AzurePathOf(raw_path)) {
    const auto v1 = root_->literals.find("v1");
    const auto first = azure->rest.substr(1, azure->rest.find('/', 1) - 1);
    if (v1 != root_->literals.end() && v1->second->literals.contains(first)) {
      path = azure->rest;
      node = v1->second.get();
    }
  }
  for (auto segment : Segments(path)) {
    if (node->rest) {
      rest = {};
      node->rest->Choose(method, rest);
      const auto from = static_cast<std::size_t>(segment.data() - raw_path.data());
      STRATA_TRY(auto value, DecodeParameter(raw_path.substr(from)));
      rest.params = match.params;
      rest.params.push_back(std::move(value));
    }
    // Literals win over parameters: /flows/validate-definition before /flows/{id}.
    if (auto it = node->literals.find(segment); it != node->literals.end()) {
      node = it->second.get();
    } else if (node->parameter) {
      STRATA_TRY(auto value, DecodeParameter(segment));
      match.params.push_back(std::move(value));
      node = node->parameter.get();
    } else {
      return rest;
    }
  }
  node->Choose(method, match);
  if (match.route != nullptr) return match;
  if (rest.route != nullptr || match.other == nullptr) return rest;
  return match;
}

std::string_view FaceName(Face face) {
  switch (face) {
    case Face::kOpenAi:
      return "openai";
    case Face::kAnthropic:
      return "anthropic";
    case Face::kBedrockRuntime:
    case Face::kBedrockControl:
    case Face::kBedrockAgent:
    case Face::kBedrockAgentRuntime:
      return "bedrock";
    case Face::kGemini:
      return "gemini";
    case Face::kStrata:
      return "strata";
  }
  return "strata";
}

Face FaceOfPath(std::string_view raw_path, const net::Headers& headers) {
  if (raw_path.starts_with("/openai/")) return Face::kOpenAi;
  if (raw_path.starts_with("/anthropic/") || headers.Has("anthropic-version"))
    return Face::kAnthropic;
  if (raw_path.starts_with("/gemini/") || raw_path.starts_with("/v1beta/") ||
      headers.Has("x-goog-api-key"))
    return Face::kGemini;
  if (raw_path.starts_with("/strata/") || raw_path.starts_with("/console")) return Face::kStrata;
  if (raw_path.starts_with("/v1/")) return Face::kOpenAi;
  if (raw_path.starts_with("/knowledgebases")) return Face::kBedrockAgent;
  return Face::kBedrockControl;
}

Face FaceOf(const Route& route, const net::HttpRequest& request) {
  if (!route.shared) return route.face;
  const auto face = FaceOfPath(request.path(), request.headers);
  return face == Face::kAnthropic || face == Face::kGemini ? face : route.face;
}

net::FailureAnswer EncodeFailure(Face face, int status, std::string_view message) {
  Code code = status >= 500 ? Code::kInternal : Code::kInvalidArgument;
  // A version or coding of HTTP that is not served: the status says it, and it is no fault in here.
  if (status == 501 || status == 505) code = Code::kInvalidArgument;
  if (status == 413) code = Code::kTooLarge;
  if (status == 408) code = Code::kDeadlineExceeded;
  if (status == 503) code = Code::kUnavailable;
  auto error = EncodeFaceError(face, Error(code, std::string(message)), "");
  net::FailureAnswer answer;
  for (auto& [name, value] : error.headers) answer.headers.Add(std::move(name), std::move(value));
  answer.body = std::move(error.body);
  return answer;
}

dialect::HttpError EncodeFaceError(Face face, const Error& error, std::string_view request_id) {
  switch (face) {
    case Face::kOpenAi:
      return dialect::EncodeOpenAiError(error, request_id);
    case Face::kAnthropic:
      return dialect::EncodeAnthropicError(error, request_id);
    case Face::kBedrockRuntime:
      return dialect::EncodeBedrockError(error, request_id, dialect::BedrockService::kRuntime);
    case Face::kBedrockControl:
      return dialect::EncodeBedrockError(error, request_id, dialect::BedrockService::kControl);
    case Face::kBedrockAgent:
      return dialect::EncodeBedrockError(error, request_id, dialect::BedrockService::kAgent);
    case Face::kBedrockAgentRuntime:
      return dialect::EncodeBedrockError(error, request_id, dialect::BedrockService::kAgentRuntime);
    case Face::kGemini:
      return dialect::EncodeGeminiError(error, request_id);
    case Face::kStrata:
      break;
  }
  dialect::HttpError out;
  out.status = IsCalledInCircle(error) ? kLoopStatus : StatusOf(error.code());
  out.headers = {{"content-type", "application/json"}};
  if (!request_id.empty()) out.headers.emplace_back("x-strata-trace-id", request_id);
  out.body = fmt::format(R"({{"error":{{"code":{},"message":{},"field":{}}}}})",
                         JsonString(CodeName(error.code())),
                         JsonString(dialect::PublicMessage(error)), JsonString(error.field()));
  return out;
}

}  // namespace strata::server
