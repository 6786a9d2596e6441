// Two servers for run.py, on one io thread each: an upstream that answers whole (600 bytes) or as a
// stream of 67 events, and a proxy of the simplest kind: what net alone costs a request.
//
//   bench_net upstream [CERTIFICATE KEY]       serves plain, and TLS when given a certificate
//   bench_net proxy URL [NAME=VALUE…]          forwards to URL; options of net and net.client

#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <map>
#include <string>

#include "net/client.h"
#include "net/runtime.h"
#include "net/server.h"

namespace strata::net {
namespace {

constexpr int kEvents = 67;

Task<void> Upstream(HttpRequest& request, ResponseWriter& writer, std::stop_token) {
  Headers headers;
  if (request.target != "/stream") {
    headers.Add("content-type", "application/json");
    (void)co_await writer.Send(200, std::move(headers), std::string(600, 'x'));
    co_return;
  }
  headers.Add("content-type", "text/event-stream");
  (void)co_await writer.Start(200, std::move(headers));
  auto event = "data: " + std::string(180, 'x') + "\n\n";
  for (int i = 0; i < kEvents; ++i) {
    if (!(co_await writer.Write(event)).has_value()) co_return;
    (void)co_await Sleep(std::chrono::milliseconds(0));  // an event is a packet
  }
  (void)co_await writer.Finish();
}

class Proxy {
 public:
  Proxy(std::shared_ptr<Client> client, std::string upstream)
      : client_(std::move(client)), upstream_(std::move(upstream)) {}

  Task<void> operator()(HttpRequest& request, ResponseWriter& writer, std::stop_token gone) {
    ClientRequest call;
    call.method = std::move(request.method);
    call.url = upstream_ + request.target;
    for (const auto& [name, value] : request.headers.fields()) {
      if (SameHeader(name, "content-type") || SameHeader(name, "authorization")) {
        call.headers.Add(name, value);
      }
    }
    call.body = std::move(request.body);
    call.cancel = std::move(gone);
    call.deadline = std::chrono::steady_clock::now() + std::chrono::minutes(5);
    call.allow_private_addresses = true;
    auto answer = co_await client_->Send(std::move(call));
    if (!answer.has_value()) {
      (void)co_await writer.Send(502, {}, answer.error().message());
      co_return;
    }
    auto& response = **answer;
    Headers headers;
    headers.Add("content-type", std::string(response.headers().Get("content-type")));
    if (request.target != "/stream") {
      auto body = co_await response.ReadAll(1u << 20);
      if (!body.has_value()) co_return;
      (void)co_await writer.Send(response.status(), std::move(headers), std::move(*body));
      co_return;
    }
    co_await Stream(response, writer, std::move(headers));
  }

 private:
  static Task<void> Stream(ClientResponse& response, ResponseWriter& writer, Headers headers) {
    (void)co_await writer.Start(response.status(), std::move(headers));
    while (true) {
      auto piece = co_await response.Read();
      if (!piece.has_value()) co_return writer.Abort();
      if (piece->empty()) break;
      if (!(co_await writer.Write(*piece)).has_value()) co_return;
    }
    (void)co_await writer.Finish();
  }

  std::shared_ptr<Client> client_;
  std::string upstream_;
};

int Serve(const Options& options, std::vector<ListenSpec> listeners, Handler handler) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  auto server = Server::Create(options, std::move(listeners), std::move(handler));
  if (!server.has_value()) {
    std::fprintf(stderr, "%s\n", server.error().message().c_str());
    return 1;
  }
  (*server)->Start();
  std::printf("ready");
  for (const auto& address : (*server)->addresses()) std::printf(" %s", address.c_str());
  std::printf("\n");
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  (*server)->Stop(std::chrono::milliseconds(0));
  return 0;
}

int Main(int argc, char** argv) {
  std::string mode = argc > 1 ? argv[1] : "";
  std::map<std::string, Options::Given> given;
  given["net.threads"] = {"1", "bench_net"};
  for (int i = 3; mode == "proxy" && i < argc; ++i) {
    std::string pair = argv[i];
    given[pair.substr(0, pair.find('='))] = {pair.substr(pair.find('=') + 1), "command line"};
  }
  std::array tables{ServerOptions(), Client::ClientOptions()};
  auto options = Options::Build(tables, given);
  if (!options.has_value()) {
    std::fprintf(stderr, "%s\n", options.error().message().c_str());
    return 1;
  }
  std::vector<ListenSpec> listeners(1);
  if (mode == "proxy" && argc > 2) {
    auto proxy = std::make_shared<Proxy>(Client::Create(*options), argv[2]);
    return Serve(*options, listeners,
                 [proxy](HttpRequest& request, ResponseWriter& writer, std::stop_token gone) {
                   return (*proxy)(request, writer, std::move(gone));
                 });
  }
  if (mode != "upstream") {
    std::fprintf(stderr,
                 "usage: bench_net upstream [CERTIFICATE KEY] | proxy URL [NAME=VALUE...]\n");
    return 2;
  }
  if (argc > 3) {
    listeners.push_back({.address = "127.0.0.1",
                         .port = 0,
                         .tls = true,
                         .certificate_file = argv[2],
                         .private_key_file = argv[3]});
  }
  return Serve(*options, listeners, Upstream);
}

}  // namespace
}  // namespace strata::net

int main(int argc, char** argv) { return strata::net::Main(argc, argv); }
