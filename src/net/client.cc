#include "net/client.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/this_coro.hpp>
#include <stdexcept>

#include "net/client/connection.h"
#include "net/client/pool.h"
#include "net/client/response.h"
#include "net/http1/head_writer.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;

constexpr Option kClientOptions[] = {
    {"net.client.connect_timeout_ms", OptionKind::kInteger, "ms", "10000", "10..600000",
     "Time to connect (name look-up not counted), and again for the TLS handshake."},
    {"net.client.idle_timeout_ms", OptionKind::kInteger, "ms", "60000", "0..3600000",
     "A kept-alive connection that nobody used for this time is closed."},
    {"net.client.idle_connections_max", OptionKind::kInteger, "connections", "64", "0..10000",
     "Kept-alive connections a host and io thread; further ones are closed after use."},
    {"net.client.header_bytes_max", OptionKind::kInteger, "bytes", "65536", "1024..1048576",
     "Largest head of an answer; more ends the call as unavailable."},
    {"net.client.ca_file", OptionKind::kText, "", "", "",
     "PEM file of authorities to trust beside the system's."},
};

bool HasBody(const ClientRequest& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" ||
         request.method == "PATCH";
}

Result<std::shared_ptr<const OutMessage>> MakeMessage(ClientRequest& request, const Url& url) {
  if (!http1::IsToken(request.method)) {
    return Fail(InvalidArgument("method", "is not an HTTP method"));
  }
  auto message = std::make_shared<OutMessage>();
  auto& head = message->head;
  head = fmt::format("{} {} HTTP/1.1\r\nhost: {}\r\n", request.method, url.target, url.Authority());
  for (const auto& [name, value] : request.headers.fields()) {
    if (SameHeader(name, "host") || SameHeader(name, "content-length") ||
        http1::IsConnectionField(name)) {
      continue;
    }
    if (!http1::IsToken(name) || !http1::IsFieldValue(value)) {
      return Fail(InvalidArgument("headers", "hold a name or value that cannot be sent"));
    }
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (!request.headers.Has("user-agent")) head.append("user-agent: strata\r\n");
  if (HasBody(request)) head += fmt::format("content-length: {}\r\n", request.body.size());
  head.append("\r\n");
  message->body = std::move(request.body);
  return std::shared_ptr<const OutMessage>(std::move(message));
}

class HttpClient final : public Client {
 public:
  HttpClient(const Options& options, TlsContext tls)
      : tls_(std::move(tls)),
        id_(next_id_.fetch_add(1)),
        connect_timeout_(options.Integer("net.client.connect_timeout_ms")),
        header_bytes_max_(static_cast<std::size_t>(options.Integer("net.client.header_bytes_max"))),
        limits_{static_cast<std::size_t>(options.Integer("net.client.idle_connections_max")),
                std::chrono::milliseconds(options.Integer("net.client.idle_timeout_ms"))} {}

  Task<Result<std::unique_ptr<ClientResponse>>> Send(ClientRequest request) override;

 private:
  struct Call {
    Url url;
    std::shared_ptr<const OutMessage> message;
    SteadyTime deadline;
    std::stop_token cancel;
    bool allow_private;
    bool head_request;
  };
  using Answer = Result<std::unique_ptr<ClientResponse>>;

  std::string PoolKey(const Call& call) const {
    return fmt::format("{}|{}|{}|{}", id_, call.url.tls, call.allow_private, call.url.Authority());
  }
  Task<Answer> Exchange(const Call& call, ClientPools& pools,
                        std::shared_ptr<ClientConnection> connection);

  TlsContext tls_;
  static inline std::atomic<std::uint64_t> next_id_ = 1;
  const std::uint64_t id_;  // connections are not shared between clients: their trust may differ
  const std::chrono::milliseconds connect_timeout_;
  const std::size_t header_bytes_max_;
  const ClientPools::Limits limits_;
};

// Sends over `connection`, which stands and is in a call, and reads the head of the answer.
Task<HttpClient::Answer> HttpClient::Exchange(const Call& call, ClientPools& pools,
                                              std::shared_ptr<ClientConnection> connection) {
  auto response = std::make_unique<StreamedResponse>(
      connection, StreamedResponse::Home{&pools, PoolKey(call), limits_});
  connection->StartWrite(call.message);
  STRATA_CO_CHECK_OK(co_await response->ReadHead(header_bytes_max_, call.head_request));
  co_return response;
}

Task<HttpClient::Answer> HttpClient::Send(ClientRequest request) {
  Call call{.url = {},
            .message = nullptr,
            .deadline = request.deadline,
            .cancel = request.cancel,
            .allow_private = request.allow_private_addresses,
            .head_request = request.method == "HEAD"};
  STRATA_CO_TRY(call.url, ParseUrl(request.url));
  STRATA_CO_TRY(call.message, MakeMessage(request, call.url));
  if (call.cancel.stop_requested()) co_return Fail(Code::kCancelled, "cancelled before the call");
  auto executor = co_await asio::this_coro::executor;
  auto& pools = asio::use_service<ClientPools>(asio::query(executor, asio::execution::context));
  if (auto kept = pools.Take(PoolKey(call), limits_)) {
    kept->BeginCall(call.deadline, call.cancel);
    auto answer = co_await Exchange(call, pools, kept);
    // Closed by the server while it was idle: nobody has seen the request.
    if (answer.has_value() || kept->answered() || kept->interrupted()) co_return answer;
  }
  auto fresh = pools.NewConnection(executor);
  fresh->BeginCall(call.deadline, call.cancel);
  ConnectSpec spec{.url = call.url,
                   .allow_private = call.allow_private,
                   .timeout = connect_timeout_,
                   .tls = tls_};
  auto connected = co_await fresh->Connect(std::move(spec));
  if (!connected.has_value()) {
    fresh->EndCall();
    fresh->Close();
    co_return std::unexpected(std::move(connected.error()));
  }
  co_return co_await Exchange(call, pools, fresh);
}

}  // namespace

OptionTable Client::ClientOptions() { return kClientOptions; }

std::shared_ptr<Client> Client::Create(const Options& options) {
  auto tls = MakeClientTlsContext(options.Text("net.client.ca_file"));
  if (!tls.has_value()) throw std::runtime_error(tls.error().message());
  return std::make_shared<HttpClient>(options, std::move(*tls));
}

}  // namespace strata::net
