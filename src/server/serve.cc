#include "server/serve.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <charconv>
#include <cstdio>

#include "base/rng.h"
#include "net/tls.h"

namespace strata::server {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

// "127.0.0.1:8080" or "[::1]:8080".
Result<net::ListenSpec> ParseListen(std::string_view option, std::string_view text) {
  auto colon = text.rfind(':');
  net::ListenSpec spec;
  auto bad = [&] {
    return Fail(
        InvalidArgument(std::string(option), fmt::format("'{}' is not ADDRESS:PORT", text)));
  };
  if (colon == text.npos || colon == 0) return bad();
  auto address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  auto port = text.substr(colon + 1);
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), spec.port);
  if (error != std::errc() || end != port.data() + port.size()) return bad();
  spec.address = address;
  return spec;
}

}  // namespace

void BlockSignals() {
  auto set = StopSignals();
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void WaitForSignal() {
  auto set = StopSignals();
  int signal = 0;
  sigwait(&set, &signal);
}

Result<std::unique_ptr<RunningServer>> RunningServer::Start(Config config,
                                                            const std::string& data_folder) {
  auto running = std::unique_ptr<RunningServer>(new RunningServer());
  STRATA_TRY(running->app_, App::Open(std::move(config), data_folder));
  STRATA_CHECK_OK(running->Listen());
  return running;
}

Result<> RunningServer::Listen() {
  const auto& options = app_->config().options;
  std::vector<net::ListenSpec> listeners;
  STRATA_TRY(auto plain, ParseListen("server.listen", options.Text("server.listen")));
  listeners.push_back(plain);
  const auto& tls_listen = options.Text("server.tls_listen");
  if (!tls_listen.empty()) {
    STRATA_TRY(auto tls, ParseListen("server.tls_listen", tls_listen));
    tls.tls = true;
    tls.certificate_file = options.Text("server.tls_certificate");
    tls.private_key_file = options.Text("server.tls_private_key");
    if (tls.certificate_file.empty()) {
      STRATA_TRY(auto files, net::EnsureTlsFiles(app_->tls_folder()));
      tls.certificate_file = files.certificate_file;
      tls.private_key_file = files.private_key_file;
      authority_file_ = files.authority_file;
    }
    listeners.push_back(tls);
  }
  auto handler = [app = app_.get()](net::HttpRequest& request, net::ResponseWriter& writer,
                                    std::stop_token gone) {
    return app->Handle(request, writer, std::move(gone));
  };
  STRATA_TRY(server_, net::Server::Create(options, std::move(listeners), handler));
  auto addresses = server_->addresses();
  url_ = "http://" + addresses.at(0);
  if (addresses.size() > 1) tls_url_ = "https://" + addresses[1];
  app_->SetPublicUrl(url_);
  auto control_bearer = "control-" + SecureRandomHex(32);
  app_->SetControlBearer(control_bearer);
  STRATA_CHECK_OK(app_->StartJobs());
  server_->Start();
  return app_->PublishAddress(url_, control_bearer);
}

RunningServer::~RunningServer() {
  if (server_)
    server_->Stop(std::chrono::seconds(app_->config().options.Integer("server.drain_timeout")));
  server_.reset();
}

Result<std::string> Welcome(RunningServer& server) {
  STRATA_TRY(auto key, server.app().MakeFirstKey());
  if (key) {
    fmt::print(
        "This is the first start. Its keys are shown once; more: strata key create\n"
        "  bearer key          {}\n  access key id       {}\n  secret access key   {}\n",
        key->bearer.view(), key->key.access_key_id, key->secret.view());
  }
  if (!server.authority_file().empty()) {
    fmt::print(
        "TLS is on {} with a self-signed authority. To trust it:\n"
        "  export AWS_CA_BUNDLE={} SSL_CERT_FILE={}\n",
        server.tls_url(), server.authority_file(), server.authority_file());
  }
  fmt::print("ready {}\n", server.url());
  std::fflush(stdout);
  return key ? std::string(key->bearer.view()) : std::string();
}

}  // namespace strata::server
