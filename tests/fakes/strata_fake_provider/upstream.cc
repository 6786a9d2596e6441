#include "tests/fakes/strata_fake_provider/upstream.h"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <map>

#include "net/runtime.h"

namespace strata::fakes {
namespace {

namespace json = boost::json;

enum class Vendor { kOpenAi, kCohere, kAnthropic, kBedrock, kGemini };

std::optional<Vendor> VendorOf(const net::HttpRequest& request) {
  if (gemini::Serves(request)) return Vendor::kGemini;
  if (cohere::Serves(request.path())) return Vendor::kCohere;
  if (anthropic::Serves(request)) return Vendor::kAnthropic;
  if (bedrock::Serves(request.path())) return Vendor::kBedrock;
  if (openai::Serves(request.path())) return Vendor::kOpenAi;
  return std::nullopt;
}

Reply Refuse(Vendor vendor, const Refusal& refusal) {
  if (vendor == Vendor::kGemini) return gemini::Refuse(refusal);
  if (vendor == Vendor::kCohere) return cohere::Refuse(refusal);
  if (vendor == Vendor::kAnthropic) return anthropic::Refuse(refusal);
  if (vendor == Vendor::kBedrock) return bedrock::Refuse(refusal);
  return openai::Refuse(refusal);
}

Checked Check(Vendor vendor, const Exchange& exchange) {
  if (vendor == Vendor::kGemini) return gemini::Check(exchange);
  if (vendor == Vendor::kCohere) return cohere::Check(exchange);
  if (vendor == Vendor::kAnthropic) return anthropic::Check(exchange);
  if (vendor == Vendor::kBedrock) return bedrock::Check(exchange);
  return openai::Check(exchange);
}

Reply Answer(Vendor vendor, const Exchange& exchange, const FakeAnswer& answer) {
  if (vendor == Vendor::kGemini) return gemini::Answer(exchange, answer);
  if (vendor == Vendor::kCohere) return cohere::Answer(exchange, answer);
  if (vendor == Vendor::kAnthropic) return anthropic::Answer(exchange, answer);
  if (vendor == Vendor::kBedrock) return bedrock::Answer(exchange, answer);
  return openai::Answer(exchange, answer);
}

Reply Faulty(Vendor vendor, const FakeAnswer& answer) {
  auto reply = Refuse(vendor, {answer.status, answer.error_type, answer.error_message, "", ""});
  if (answer.retry_after_s >= 0) {
    reply.headers.Add("Retry-After", std::to_string(answer.retry_after_s));
  }
  return reply;
}

Exchange Parse(const net::HttpRequest& request, const FakeKeys& keys) {
  Exchange exchange{request, keys, {}, false};
  boost::system::error_code error;
  auto body = json::parse(request.body, error);
  if (!error && body.is_object()) {
    exchange.body = std::move(body.get_object());
    exchange.body_is_json = true;
  }
  return exchange;
}

Result<FakeKeys> ParseKeys(const json::object& object, FakeKeys keys) {
  const std::map<std::string_view, std::string*> members = {
      {"openai", &keys.openai},
      {"azure", &keys.azure},
      {"anthropic", &keys.anthropic},
      {"bedrock_bearer", &keys.bedrock_bearer},
      {"aws_access_key_id", &keys.aws_access_key_id},
      {"aws_secret_access_key", &keys.aws_secret_access_key},
      {"aws_session_token", &keys.aws_session_token},
      {"cohere", &keys.cohere},
      {"gemini", &keys.gemini},
      {"google_token", &keys.google_token},
      {"google_public_key", &keys.google_public_key}};
  for (const auto& member : object) {
    auto at = members.find(member.key());
    if (at == members.end() || !member.value().is_string()) {
      return Fail(InvalidArgument(
          "keys", fmt::format("'{}' is no key, or not a string", std::string_view(member.key()))));
    }
    *at->second = std::string(member.value().get_string());
  }
  return keys;
}

}  // namespace

Result<std::unique_ptr<FakeUpstream>> FakeUpstream::Start(Options options) {
  std::unique_ptr<FakeUpstream> upstream(new FakeUpstream(std::move(options.keys)));
  auto table = net::ServerOptions();
  STRATA_TRY(auto values, strata::Options::Build(std::span(&table, 1), {}));
  net::ListenSpec listen;
  listen.address = options.address;
  listen.port = options.port;
  auto* self = upstream.get();
  auto handler = [self](net::HttpRequest& request, net::ResponseWriter& writer,
                        std::stop_token gone) {
    return self->Handle(request, writer, std::move(gone));
  };
  STRATA_TRY(upstream->server_, net::Server::Create(values, {listen}, handler));
  upstream->server_->Start();
  return upstream;
}

FakeUpstream::~FakeUpstream() {
  if (server_ != nullptr) server_->Stop(std::chrono::milliseconds(0));
}

std::string FakeUpstream::url() const { return "http://" + server_->addresses().front(); }

FakeKeys FakeUpstream::keys() const {
  std::lock_guard lock(mutex_);
  return keys_;
}

void FakeUpstream::SetKeys(FakeKeys keys) {
  std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
}

std::vector<RecordedRequest> FakeUpstream::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

void FakeUpstream::AwaitRequests(std::size_t count) const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return requests_.size() >= count; });
}

void FakeUpstream::AwaitGone(std::size_t count) const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return gone_ >= count; });
}

std::size_t FakeUpstream::Record(const net::HttpRequest& request) {
  std::lock_guard lock(mutex_);
  requests_.push_back({request.method, request.target, request.headers, request.body, 0, false});
  changed_.notify_all();
  return requests_.size() - 1;
}

void FakeUpstream::Finish(std::size_t index, int status, bool client_gone) {
  std::lock_guard lock(mutex_);
  if (index < requests_.size()) {
    requests_[index].status = status;
    requests_[index].client_gone = client_gone;
  }
  if (client_gone) ++gone_;
  changed_.notify_all();
}

Task<void> FakeUpstream::Handle(net::HttpRequest& request, net::ResponseWriter& writer,
                                std::stop_token gone) {
  if (request.path().starts_with("/_")) {
    co_await Control(request, writer);
    co_return;
  }
  auto index = Record(request);
  auto vendor = VendorOf(request);
  Reply reply;
  FakeAnswer answer;
  if (!vendor) {
    reply.status = 404;
    reply.body = "not found\n";
  } else {
    auto keys = this->keys();
    auto exchange = Parse(request, keys);
    auto refusal = Check(*vendor, exchange);
    if (refusal) {
      reply = Refuse(*vendor, *refusal);
    } else {
      answer = script_.Take(request.path(), request.body, LastUserText(exchange.body));
      reply = answer.status == 200 ? Answer(*vendor, exchange, answer) : Faulty(*vendor, answer);
    }
  }
  int status = reply.status;
  auto sent = co_await Send(std::move(reply), std::move(answer), writer, gone);
  Finish(index, status, !sent.has_value());
}

Task<Result<>> FakeUpstream::Send(Reply reply, FakeAnswer answer, net::ResponseWriter& writer,
                                  std::stop_token gone) {
  if (answer.delay_ms > 0) {
    STRATA_CO_CHECK_OK(co_await net::Sleep(std::chrono::milliseconds(answer.delay_ms), gone));
  }
  if (!answer.garbage.empty()) {
    reply.streamed = false;
    reply.body = answer.garbage;
  }
  for (const auto& [name, value] : answer.headers) reply.headers.Add(name, value);
  if (reply.streamed) {
    co_return co_await SendFrames(std::move(reply), std::move(answer), writer, gone);
  }
  if (answer.hold_after >= 0) {
    co_return co_await net::Sleep(std::chrono::hours(1), gone);
  }
  if (answer.cut_body) {
    STRATA_CO_CHECK_OK(co_await writer.Start(reply.status, std::move(reply.headers)));
    auto half = std::string_view(reply.body).substr(0, reply.body.size() / 2);
    STRATA_CO_CHECK_OK(co_await writer.Write(half));
    writer.Abort();
    co_return Result<>();
  }
  co_return co_await writer.Send(reply.status, std::move(reply.headers), std::move(reply.body));
}

Task<Result<>> FakeUpstream::SendFrames(Reply reply, FakeAnswer answer, net::ResponseWriter& writer,
                                        std::stop_token gone) {
  STRATA_CO_CHECK_OK(co_await writer.Start(reply.status, std::move(reply.headers)));
  int sent = 0;
  for (const auto& frame : reply.frames) {
    if (sent == answer.cut_after) {
      writer.Abort();
      co_return Result<>();
    }
    if (sent == answer.hold_after) {
      co_return co_await net::Sleep(std::chrono::hours(1), gone);
    }
    if (sent > 0 && answer.chunk_delay_ms > 0) {
      STRATA_CO_CHECK_OK(
          co_await net::Sleep(std::chrono::milliseconds(answer.chunk_delay_ms), gone));
    }
    STRATA_CO_CHECK_OK(co_await writer.Write(frame));
    ++sent;
  }
  co_return co_await writer.Finish();
}

Task<void> FakeUpstream::Control(net::HttpRequest& request, net::ResponseWriter& writer) {
  net::Headers headers;
  headers.Add("Content-Type", "application/json");
  int status = 200;
  std::string body = "{}";
  if (request.method == "POST" && request.path() == "/_script") {
    auto loaded = LoadScript(request.body);
    if (!loaded.has_value()) {
      status = 400;
      json::object error;
      error["error"] = loaded.error().field() + ": " + loaded.error().message();
      body = json::serialize(error);
    }
  } else if (request.method == "GET" && request.path() == "/_requests") {
    body = RecordedJson();
  } else {
    status = 404;
  }
  auto sent = co_await writer.Send(status, std::move(headers), std::move(body));
  (void)sent;  // whoever scripts the fake and goes away needs no answer
}

Result<> FakeUpstream::LoadScript(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error || !value.is_object()) return Fail(InvalidArgument("script", "is no JSON object"));
  std::vector<FakeAnswer> answers;
  FakeKeys keys = this->keys();
  bool reset = false;
  for (const auto& member : value.get_object()) {
    if (member.key() == "reset" && member.value().is_bool()) {
      reset = member.value().get_bool();
    } else if (member.key() == "keys" && member.value().is_object()) {
      STRATA_TRY(keys, ParseKeys(member.value().get_object(), std::move(keys)));
    } else if (member.key() == "answers" && member.value().is_array()) {
      for (const auto& item : member.value().get_array()) {
        if (!item.is_object()) return Fail(InvalidArgument("answers", "expected objects"));
        STRATA_TRY(answers.emplace_back(), ParseAnswer(item.get_object()));
      }
    } else {
      return Fail(InvalidArgument(std::string(member.key()),
                                  "expected reset (bool), keys (object) or answers (array)"));
    }
  }
  SetKeys(std::move(keys));
  if (reset) {
    script_.Clear();
    std::lock_guard lock(mutex_);
    requests_.clear();
    gone_ = 0;
  }
  for (auto& answer : answers) script_.Push(std::move(answer));
  return {};
}

std::string FakeUpstream::RecordedJson() const {
  json::array out;
  for (const auto& request : requests()) {
    json::object headers;
    for (const auto& [name, value] : request.headers.fields()) {
      std::string lower = name;
      for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      }
      headers[lower] = value;
    }
    json::object entry;
    entry["method"] = request.method;
    entry["target"] = request.target;
    entry["headers"] = std::move(headers);
    entry["body"] = request.body;
    entry["status"] = request.status;
    entry["client_gone"] = request.client_gone;
    out.push_back(std::move(entry));
  }
  json::object body;
  body["requests"] = std::move(out);
  return json::serialize(body);
}

}  // namespace strata::fakes
