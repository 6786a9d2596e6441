#include "net/client.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <mutex>
#include <stdexcept>
#include <unordered_map>

#include "base/check.h"
#include "base/text_writer.h"
#include "base/unanswered.h"
#include "net/changes.h"
#include "net/client/connection.h"
#include "net/client/pool.h"
#include "net/client/response.h"
#include "net/http1/head_writer.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;

// Times that a call may be begun again because its server has not seen it.
constexpr int kAttemptsMax = 3;

constexpr Option kClientOptions[] = {
    {"net.client.connect_timeout_ms", OptionKind::kInteger, "ms", "10000", "10..600000",
     "Time to connect (name look-up not counted), and again for the TLS handshake."},
    {"net.client.idle_timeout_ms", OptionKind::kInteger, "ms", "60000", "0..3600000",
     "A kept-alive connection that nobody used for this time is closed."},
    {"net.client.idle_connections_max", OptionKind::kInteger, "connections", "64", "0..10000",
     "Kept-alive connections a host and io thread; further ones are closed after use."},
    {"net.client.header_bytes_max", OptionKind::kInteger, "bytes", "65536", "1024..1048576",
     "Largest head of an answer; more ends the call as unavailable."},
    {"net.client.http2", OptionKind::kText, "", "auto", "auto|off",
     "HTTP/2 to https servers that choose it, many calls over one connection an io thread; off: "
     "HTTP/1.1 always."},
    {"net.client.http2_window_bytes", OptionKind::kInteger, "bytes", "262144", "65535..16777216",
     "How much of an HTTP/2 answer is held for a reader that does not take it; then the server "
     "must wait."},
    {"net.client.http2_ping_ms", OptionKind::kInteger, "ms", "20000", "0..3600000",
     "With calls open and nothing heard for this time an HTTP/2 server is pinged; after as much "
     "again without an answer its connection is given up. 0: never."},
    {"net.client.http2_control_frames_max", OptionKind::kInteger, "frames", "2000", "10..1000000",
     "SETTINGS, PING, PRIORITY and empty frames that a server may send within 10 s; more ends "
     "the connection."},
    {"net.client.ca_file", OptionKind::kText, "", "", "",
     "PEM file of authorities to trust beside the system's."},
};

bool HasBody(const ClientRequest& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" ||
         request.method == "PATCH";
}

// Fields that the client writes itself, or that describe a connection.
bool IsOwnField(std::string_view name) {
  return SameHeader(name, "host") || SameHeader(name, "content-length") ||
         http1::IsConnectionField(name);
}

Result<> CheckMessage(const ClientRequest& request) {
  if (!http1::IsToken(request.method)) {
    return Fail(InvalidArgument("method", "is not an HTTP method"));
  }
  for (const auto& [name, value] : request.headers.fields()) {
    if (!IsOwnField(name) && (!http1::IsToken(name) || !http1::IsFieldValue(value))) {
      return Fail(InvalidArgument("headers", "hold a name or value that cannot be sent"));
    }
  }
  return {};
}

void AppendNumber(std::string& out, std::uint64_t value) {
  char digits[24];
  const auto* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

// An address in its parts.
struct Address {
  Url url;
  std::string authority;
};

// Few addresses take nearly all calls: each thread keeps those that it has taken apart.
Result<std::shared_ptr<const Address>> AddressOf(const std::string& text) {
  constexpr std::size_t kKeptMax = 256;
  thread_local std::unordered_map<std::string, std::shared_ptr<const Address>> kept;
  if (auto at = kept.find(text); at != kept.end()) return at->second;
  auto address = std::make_shared<Address>();
  STRATA_TRY(address->url, ParseUrl(text));
  address->authority = address->url.Authority();
  if (kept.size() >= kKeptMax) kept.clear();
  return kept.emplace(text, std::move(address)).first->second;
}

// One call of Send, whatever connections it will try.
struct Call {
  explicit Call(ClientRequest& given) : request(given) {}

  ClientRequest& request;  // its body moves to `message`
  std::shared_ptr<const Address> address;
  std::shared_ptr<OutMessage> message = std::make_shared<OutMessage>();
  bool has_body = false;

  const Url& url() const { return address->url; }
  bool prior_knowledge() const { return request.http2 == Http2Knowledge::kPrior && !url().tls; }
};

// The head for HTTP/1.1.
void WriteHead(Call& call) {
  auto& head = call.message->head;
  if (!head.empty()) return;
  constexpr std::size_t kUsualBytes = 768;
  TextWriter writer(head, kUsualBytes);
  writer.Raw(call.request.method).Raw(' ').Raw(call.url().target);
  writer.Raw(" HTTP/1.1\r\nhost: ").Raw(call.address->authority).Raw("\r\n");
  bool names_client = false;
  for (const auto& [name, value] : call.request.headers.fields()) {
    if (IsOwnField(name)) continue;
    names_client = names_client || SameHeader(name, "user-agent");
    writer.Raw(name).Raw(": ").Raw(value).Raw("\r\n");
  }
  if (!names_client) writer.Raw("user-agent: strata\r\n");
  if (call.has_body) {
    writer.Raw("content-length: ");
    writer.Integer(static_cast<std::int64_t>(call.message->body.size())).Raw("\r\n");
  }
  writer.Raw("\r\n");
}

// The same for HTTP/2.
http2::ClientSession::Fields MakeFields(const Call& call) {
  http2::ClientSession::Fields fields = {{":method", call.request.method},
                                         {":scheme", call.url().tls ? "https" : "http"},
                                         {":authority", call.address->authority},
                                         {":path", call.url().target}};
  for (const auto& [name, value] : call.request.headers.fields()) {
    if (IsOwnField(name) || SameHeader(name, "te")) continue;
    std::string lower(name);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    fields.emplace_back(std::move(lower), value);
  }
  if (!call.request.headers.Has("user-agent")) fields.emplace_back("user-agent", "strata");
  if (call.has_body) {
    fields.emplace_back("content-length", std::to_string(call.message->body.size()));
  }
  return fields;
}

class HttpClient final : public Client {
 public:
  HttpClient(const Options& options, TlsContext tls)
      : tls_(std::move(tls)),
        id_(next_id_.fetch_add(1)),
        connect_timeout_(options.Integer("net.client.connect_timeout_ms")),
        header_bytes_max_(static_cast<std::size_t>(options.Integer("net.client.header_bytes_max"))),
        limits_{static_cast<std::size_t>(options.Integer("net.client.idle_connections_max")),
                std::chrono::milliseconds(options.Integer("net.client.idle_timeout_ms"))},
        http2_on_(options.Text("net.client.http2") == "auto") {
    auto count = [&](std::string_view name) {
      return static_cast<std::uint32_t>(options.Integer(name));
    };
    http2_.limits = {.window_bytes = count("net.client.http2_window_bytes"),
                     .header_bytes_max = header_bytes_max_,
                     .control_frames_max = count("net.client.http2_control_frames_max")};
    http2_.ping_after = std::chrono::milliseconds(options.Integer("net.client.http2_ping_ms"));
    http2_.idle_timeout = limits_.idle_timeout;
  }

  Task<Result<std::unique_ptr<ClientResponse>>> Send(ClientRequest&& request) override;

  ClientStats Stats() const override {
    return {.connections = connections_,
            .http2_connections = http2_connections_,
            .tls_handshakes = tls_handshakes_,
            .tls_sessions_reused = tls_sessions_reused_};
  }

 private:
  using Answer = Result<std::unique_ptr<ClientResponse>>;

  std::shared_ptr<Origin> OriginOf(const Call& call, ClientPools& pools,
                                   const asio::any_io_executor& executor) const;
  bool MayShare(const Call& call, const Origin& origin) const;
  static std::unique_ptr<StreamedResponse> Begin(Call& call, ClientPools& pools,
                                                 const std::shared_ptr<Origin>& origin,
                                                 std::shared_ptr<ClientConnection> connection);
  Task<Answer> ExchangeHttp2(const Call& call, std::shared_ptr<Http2Upstream> upstream,
                             bool& may_be_sent_again);
  Task<Result<>> AwaitDial(const Call& call, ClientPools& pools, std::shared_ptr<Dial> dial);
  Task<Result<std::shared_ptr<ClientConnection>>> DialServer(const Call& call, ClientPools& pools,
                                                             Origin& origin);
  Task<Result<>> Connect(const Call& call, ClientConnection& fresh);
  void Connected(const Call& call, ClientPools& pools, Origin& origin,
                 std::shared_ptr<ClientConnection>& fresh);

  TlsContext tls_;
  static inline std::atomic<std::uint64_t> next_id_ = 1;
  const std::uint64_t id_;  // connections are not shared between clients: their trust may differ
  const std::chrono::milliseconds connect_timeout_;
  const std::size_t header_bytes_max_;
  const PoolLimits limits_;
  const bool http2_on_;
  Http2Settings http2_;
  std::atomic<std::uint64_t> connections_ = 0;
  std::atomic<std::uint64_t> http2_connections_ = 0;
  std::atomic<std::uint64_t> tls_handshakes_ = 0;
  std::atomic<std::uint64_t> tls_sessions_reused_ = 0;
};

std::shared_ptr<Origin> HttpClient::OriginOf(const Call& call, ClientPools& pools,
                                             const asio::any_io_executor& executor) const {
  thread_local std::string key;
  key.clear();
  AppendNumber(key, id_);
  key.push_back(call.url().tls ? 's' : '-');
  key.push_back(call.request.allow_private_addresses ? 'p' : '-');
  key.push_back(call.prior_knowledge() ? '2' : '-');
  key.append(call.url().host).push_back(':');
  AppendNumber(key, call.url().port);
  return pools.Find(key, limits_, executor);
}

// The server speaks HTTP/2, or may do so for all we know.
bool HttpClient::MayShare(const Call& call, const Origin& origin) const {
  bool possible = call.url().tls ? http2_on_ : call.prior_knowledge();
  return possible && origin.speaks != Origin::Speaks::kHttp11;
}

// Sends over `connection`, which stands and is in a call; the answer's head is to be read.
std::unique_ptr<StreamedResponse> HttpClient::Begin(Call& call, ClientPools& pools,
                                                    const std::shared_ptr<Origin>& origin,
                                                    std::shared_ptr<ClientConnection> connection) {
  WriteHead(call);
  auto response =
      std::make_unique<StreamedResponse>(connection, StreamedResponse::Home{&pools, origin});
  connection->StartWrite(call.message);
  return response;
}

Task<HttpClient::Answer> HttpClient::ExchangeHttp2(const Call& call,
                                                   std::shared_ptr<Http2Upstream> upstream,
                                                   bool& may_be_sent_again) {
  auto fields = MakeFields(call);
  auto exchange = upstream->Start(fields, call.message, call.request.deadline, call.request.cancel);
  auto response = std::make_unique<Http2Response>(exchange);
  auto head = co_await exchange->AwaitHead();
  may_be_sent_again = exchange->may_be_sent_again();
  if (head.has_value()) co_return response;
  if (may_be_sent_again) co_return std::unexpected(std::move(head.error()));
  co_return Fail(SentUnanswered(std::move(head.error())));
}

// Until somebody else's connection to the server stands, or this call's time is up.
Task<Result<>> HttpClient::AwaitDial(const Call& call, ClientPools& pools,
                                     std::shared_ptr<Dial> dial) {
  auto executor = co_await asio::this_coro::executor;
  auto guard = std::make_shared<CallGuard>(executor);
  pools.Track(guard);
  dial->waiting.push_back(guard);
  guard->BeginCall(call.request.deadline, call.request.cancel);
  while (!dial->done && !guard->interrupted()) co_await guard->event().Wait();
  guard->EndCall();
  if (guard->interrupted()) co_return std::unexpected(*guard->interrupted());
  if (dial->error) co_return std::unexpected(*dial->error);
  co_return Result<>{};
}

// Ends a Dial however the coroutine that dials ends.
class Dialling {
 public:
  // nullptr: nobody could share what is dialled.
  explicit Dialling(Origin* origin) : origin_(origin) {
    if (origin_ != nullptr) origin_->dial = dial_;
  }
  ~Dialling() { End(std::nullopt); }
  Dialling(const Dialling&) = delete;
  Dialling& operator=(const Dialling&) = delete;

  void End(std::optional<Error> error) {
    if (std::exchange(dial_->done, true)) return;
    dial_->error = std::move(error);
    if (origin_ != nullptr && origin_->dial == dial_) origin_->dial = nullptr;
    for (const auto& weak : dial_->waiting) {
      if (auto guard = weak.lock()) guard->event().Notify();
    }
  }

 private:
  Origin* origin_;
  std::shared_ptr<Dial> dial_ = std::make_shared<Dial>();
};

Task<Result<>> HttpClient::Connect(const Call& call, ClientConnection& fresh) {
  ConnectSpec spec{.url = call.url(),
                   .allow_private = call.request.allow_private_addresses,
                   .timeout = connect_timeout_,
                   .tls = tls_};
  co_return co_await fresh.Connect(std::move(spec));
}

void HttpClient::Connected(const Call& call, ClientPools& pools, Origin& origin,
                           std::shared_ptr<ClientConnection>& fresh) {
  ++connections_;
  if (call.url().tls) {
    ++tls_handshakes_;
    if (fresh->transport().session_reused()) ++tls_sessions_reused_;
  }
  bool http2 = call.prior_knowledge() || fresh->transport().protocol() == "h2";
  origin.speaks = http2 ? Origin::Speaks::kHttp2 : Origin::Speaks::kHttp11;
  if (!http2) return;
  ++http2_connections_;
  fresh->EndCall();
  auto settings = http2_;
  settings.limits.streams_at_first = std::max<std::size_t>(1, origin.streams_max);
  auto upstream = std::make_shared<Http2Upstream>(std::move(fresh), settings);
  fresh = nullptr;
  upstream->Begin();
  pools.AddHttp2(origin, std::move(upstream));
}

// A new connection: over HTTP/1.1 it is returned, in a call; over HTTP/2 it joins its origin, and
// nullptr is returned.
Task<Result<std::shared_ptr<ClientConnection>>> HttpClient::DialServer(const Call& call,
                                                                       ClientPools& pools,
                                                                       Origin& origin) {
  auto executor = co_await asio::this_coro::executor;
  Dialling dialling(MayShare(call, origin) ? &origin : nullptr);
  auto fresh = std::make_shared<ClientConnection>(executor);
  pools.Track(fresh);
  fresh->BeginCall(call.request.deadline, call.request.cancel);
  auto connected = co_await Connect(call, *fresh);
  if (connected.has_value()) {
    Connected(call, pools, origin, fresh);
    co_return fresh;
  }
  if (!fresh->interrupted()) dialling.End(connected.error());
  fresh->EndCall();
  fresh->Close();
  co_return std::unexpected(std::move(connected.error()));
}

Result<> Prepare(Call& call) {
  auto& request = call.request;
  STRATA_TRY(call.address, AddressOf(request.url));
  STRATA_CHECK_OK(CheckMessage(request));
  if (request.cancel.stop_requested()) return Fail(Code::kCancelled, "cancelled before the call");
  call.has_body = HasBody(request);
  call.message->body = std::move(request.body);
  return {};
}

Task<HttpClient::Answer> HttpClient::Send(ClientRequest&& request) {
  Call call(request);
  STRATA_CO_CHECK_OK(Prepare(call));
  auto executor = co_await asio::this_coro::executor;
  auto& pools = asio::use_service<ClientPools>(asio::query(executor, asio::execution::context));
  auto origin = OriginOf(call, pools, executor);
  const bool head_request = call.request.method == "HEAD";
  for (int attempt = 1;;) {
    if (auto upstream = ClientPools::WithRoom(*origin)) {
      bool again = false;
      auto answer = co_await ExchangeHttp2(call, std::move(upstream), again);
      if (answer.has_value() || !again || ++attempt > kAttemptsMax) co_return answer;
      continue;
    }
    if (origin->dial && MayShare(call, *origin)) {
      STRATA_CO_CHECK_OK(co_await AwaitDial(call, pools, origin->dial));
      continue;
    }
    if (auto kept = attempt == 1 ? pools.Take(*origin) : nullptr) {
      kept->BeginCall(call.request.deadline, call.request.cancel);
      auto response = Begin(call, pools, origin, kept);
      auto head = co_await response->ReadHead(header_bytes_max_, head_request);
      if (head.has_value()) co_return response;
      response.reset();
      // Closed by the server while it was idle: nobody has seen the request.
      if (!kept->went_stale() || kept->interrupted()) {
        co_return Fail(SentUnanswered(std::move(head.error())));
      }
      ++attempt;
    }
    STRATA_CO_TRY(auto fresh, co_await DialServer(call, pools, *origin));
    if (!fresh) continue;
    auto response = Begin(call, pools, origin, std::move(fresh));
    auto head = co_await response->ReadHead(header_bytes_max_, head_request);
    if (!head.has_value()) co_return Fail(SentUnanswered(std::move(head.error())));
    co_return response;
  }
}

}  // namespace

namespace {

Result<std::unique_ptr<HttpClient>> MakeClient(const Options& options) {
  auto offer = options.Text("net.client.http2") == "auto" ? OfferHttp2::kYes : OfferHttp2::kNo;
  STRATA_TRY(auto tls, MakeClientTlsContext(options.Text("net.client.ca_file"), offer));
  return std::make_unique<HttpClient>(options, std::move(tls));
}

// Gives each call to the client of the options in force. Those before it stay, as calls may run on
// them: one for each time that somebody changed an option.
class ChangingClient final : public Client {
 public:
  explicit ChangingClient(std::unique_ptr<HttpClient> first) { Use(std::move(first)); }

  Task<Result<std::unique_ptr<ClientResponse>>> Send(ClientRequest&& request) override {
    return now_.load(std::memory_order_acquire)->Send(std::move(request));
  }

  ClientStats Stats() const override {
    ClientStats sum;
    std::lock_guard lock(mutex_);
    for (const auto& client : all_) {
      const auto one = client->Stats();
      sum.connections += one.connections;
      sum.http2_connections += one.http2_connections;
      sum.tls_handshakes += one.tls_handshakes;
      sum.tls_sessions_reused += one.tls_sessions_reused;
    }
    return sum;
  }

  Result<Commit> Prepare(const Options& options) {
    STRATA_TRY(auto made, MakeClient(options));
    auto next = std::make_shared<std::unique_ptr<HttpClient>>(std::move(made));
    return [this, next] { Use(std::move(*next)); };
  }

 private:
  void Use(std::unique_ptr<HttpClient> client) {
    std::lock_guard lock(mutex_);
    now_.store(client.get(), std::memory_order_release);
    all_.push_back(std::move(client));
  }

  std::atomic<HttpClient*> now_ = nullptr;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<HttpClient>> all_;
};

}  // namespace

OptionTable Client::ClientOptions() { return kClientOptions; }

std::shared_ptr<Client> Client::Create(const Options& options) {
  auto client = MakeClient(options);
  if (!client.has_value()) throw std::runtime_error(client.error().message());
  return std::make_shared<ChangingClient>(std::move(*client));
}

Result<Commit> PrepareChange(Client& client, const Options& options) {
  auto* changing = dynamic_cast<ChangingClient*>(&client);
  STRATA_CHECK(changing != nullptr, "only clients of Client::Create take other options");
  return changing->Prepare(options);
}

}  // namespace strata::net
