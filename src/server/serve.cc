#include "server/serve.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <thread>

#include "base/free_memory.h"
#include "base/log.h"
#include "base/rng.h"
#include "dialect/json_value.h"
#include "net/admission.h"
#include "net/changes.h"
#include "net/client.h"
#include "net/runtime.h"
#include "net/tls.h"
#include "server/config_check.h"
#include "server/folder_lock.h"
#include "server/router.h"
#include "store/data_dir.h"

namespace strata::server {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

constexpr std::chrono::seconds kAskTimeout{10};
constexpr std::chrono::seconds kPatience{10};  // beyond the predecessor's own drain_timeout

// Has the predecessor stop; gives the time that it may take for its running requests.
Task<Result<std::chrono::seconds>> AskToHandOver(const store::ServerAddress& predecessor,
                                                 const Options& options) {
  auto client = net::Client::Create(options);
  net::ClientRequest request;
  request.method = "POST";
  request.url = predecessor.url + "/strata/v1/hand-over";
  request.headers.Set("authorization", "Bearer " + predecessor.control);
  request.allow_private_addresses = true;
  request.deadline = std::chrono::steady_clock::now() + kAskTimeout;
  STRATA_CO_TRY(auto response, co_await client->Send(std::move(request)));
  STRATA_CO_TRY(auto body, co_await response->ReadAll(64 * 1024));
  if (response->status() != 200) {
    co_return Fail(Code::kUnavailable,
                   fmt::format("the server at {} refused to hand over: {}", predecessor.url, body));
  }
  STRATA_CO_TRY(auto parsed, dialect::ParseJson(body));
  dialect::JsonField top(parsed);
  STRATA_CO_TRY(auto seconds, top.Get("drain_timeout_s").Integer(0, 86'400));
  co_return std::chrono::seconds(seconds);
}

// The data folder, as soon as the predecessor has let go of it. One that does not within its time
// is killed: its journal survives that, and the calls that it had open are charged their estimate.
Result<store::DataDir> TakeFolderFrom(const store::ServerAddress& predecessor,
                                      const std::string& path, const Options& options) {
  using std::chrono::steady_clock;
  net::Runtime runtime(1);
  auto drain = runtime.Run(AskToHandOver(predecessor, options));
  if (!drain.has_value() && drain.error().code() == Code::kDeadlineExceeded) {
    drain = std::chrono::seconds(0);  // it hangs: nothing drains there
  }
  if (!drain.has_value()) {
    // It may have died meanwhile.
    auto folder = store::DataDir::Open(path);
    if (folder.has_value()) return folder;
    return std::unexpected(std::move(drain.error()));
  }
  auto until = steady_clock::now() + *drain + kPatience;
  bool killed = false;
  while (true) {
    auto folder = store::DataDir::Open(path);
    if (folder.has_value() || folder.error().code() != Code::kConflict) return folder;
    if (steady_clock::now() > until) {
      if (killed) return folder;
      Log(Level::kWarning, "server.predecessor_killed", {{"pid", predecessor.pid}});
      ::kill(static_cast<pid_t>(predecessor.pid), SIGKILL);
      killed = true;
      until = steady_clock::now() + kPatience;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

void BlockSignals() {
  auto set = StopSignals();
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

// ---- starting

Result<std::unique_ptr<RunningServer>> RunningServer::Start(Config config,
                                                            const std::string& data_folder) {
  auto running = std::unique_ptr<RunningServer>(new RunningServer());
  auto waiting = [](const Error& error) {
    Log(Level::kInfo, "server.waits_for_folder", {{"reason", error.message()}});
  };
  STRATA_TRY(auto folder, TakeFolder(data_folder, waiting, nullptr));
  STRATA_TRY(auto app, App::Open(std::move(config), std::move(folder)));
  auto live = app->live();
  STRATA_CHECK_OK(running->Listen(live->config.options, app->tls_folder()));
  STRATA_CHECK_OK(running->Serve(std::move(app)));
  return running;
}

Result<std::unique_ptr<RunningServer>> RunningServer::TakeOver(Config config,
                                                               const std::string& data_folder) {
  STRATA_TRY(auto predecessor, store::DataDir::FindServer(data_folder));
  if (!predecessor) return Start(std::move(config), data_folder);
  auto running = std::unique_ptr<RunningServer>(new RunningServer());
  auto options = config.options;
  STRATA_TRY(auto prepared, App::Prepare(std::move(config), data_folder));
  // From here on new connections come to us, and wait.
  STRATA_CHECK_OK(running->Listen(options, data_folder + "/tls"));
  STRATA_TRY(auto folder, TakeFolderFrom(*predecessor, data_folder, options));
  STRATA_TRY(auto app, App::Open(prepared, std::move(folder)));
  STRATA_CHECK_OK(running->Serve(std::move(app)));
  return running;
}

namespace {

struct Listeners {
  std::vector<net::ListenSpec> specs;  // the plain one, TLS, the one for commands
  std::string authority_file;          // "" when a certificate was configured
};

Result<Listeners> ListenersFrom(const Options& options, const std::string& tls_folder) {
  Listeners out;
  STRATA_TRY(auto plain, ParseListen("server.listen", options.Text("server.listen")));
  out.specs.push_back(plain);
  const auto& tls_listen = options.Text("server.tls_listen");
  if (!tls_listen.empty()) {
    STRATA_TRY(auto tls, ParseListen("server.tls_listen", tls_listen));
    tls.tls = true;
    tls.certificate_file = options.Text("server.tls_certificate");
    tls.private_key_file = options.Text("server.tls_private_key");
    if (tls.certificate_file.empty()) {
      STRATA_TRY(auto files, net::EnsureTlsFiles(tls_folder));
      tls.certificate_file = files.certificate_file;
      tls.private_key_file = files.private_key_file;
      // Printed for a shell that may stand in another folder.
      out.authority_file = std::filesystem::absolute(files.authority_file).lexically_normal();
    }
    out.specs.push_back(tls);
  }
  // Two processes may share the addresses above; commands must reach the one that they mean.
  if (options.Flag("net.reuse_port")) out.specs.emplace_back();
  return out;
}

}  // namespace

Result<> RunningServer::Listen(const Options& options, const std::string& tls_folder) {
  STRATA_TRY(auto listeners, ListenersFrom(options, tls_folder));
  authority_file_ = listeners.authority_file;
  auto handler = [this](net::HttpRequest& request, net::ResponseWriter& writer,
                        std::stop_token gone) { return Answer(request, writer, std::move(gone)); };
  auto failures = [this](const net::HttpRequest& request, int status, std::string_view message) {
    auto* app = serving_.load(std::memory_order_acquire);
    auto face = app ? app->FaceFor(request) : FaceOfPath(request.path(), request.headers);
    return EncodeFailure(face, status, message);
  };
  auto admission = [this](const net::HttpRequest& head) {
    auto* app = serving_.load(std::memory_order_acquire);
    return app == nullptr || app->Admits(head);
  };
  net::ServerHooks hooks{.handler = handler, .failures = failures, .admission = admission};
  STRATA_TRY(server_, net::CreateServer(options, std::move(listeners.specs), std::move(hooks)));
  TakeAddresses(options);
  server_->Start();
  return {};
}

void RunningServer::TakeAddresses(const Options& options) {
  const auto addresses = server_->addresses();
  url_ = "http://" + addresses.at(0);
  const bool tls = !options.Text("server.tls_listen").empty();
  tls_url_ = tls ? "https://" + addresses.at(1) : "";
  control_url_ = options.Flag("net.reuse_port") ? "http://" + addresses.back() : url_;
}

void RunningServer::SetConfigReader(std::function<Result<Config>()> read) {
  // Reloads come one at a time.
  app_->SetConfigReader([this, read = std::move(read)] {
    auto config = read();
    if (config.has_value()) read_ = config->options;
    return config;
  });
}

Result<> RunningServer::ListenAnew() {
  STRATA_TRY(auto listeners, ListenersFrom(read_, app_->tls_folder()));
  STRATA_TRY(auto commit, net::PrepareChange(*server_, read_, std::move(listeners.specs)));
  commit();
  TakeAddresses(read_);
  app_->SetListenUrl(url_);
  return app_->PublishAddress(control_url_, control_bearer_);
}

Result<> RunningServer::Serve(std::unique_ptr<App> app) {
  app_ = std::move(app);
  app_->SetListenUrl(url_);
  control_bearer_ = "control-" + SecureRandomHex(32);
  app_->SetControlBearer(control_bearer_);
  app_->SetServerStats([server = server_.get()] { return server->Stats(); });
  app_->SetListeners([this] { return ListenAnew(); });
  // ServeUntilStopped takes it up, as it would a signal from outside.
  app_->SetHandOver([] { ::kill(::getpid(), SIGTERM); });
  STRATA_CHECK_OK(app_->StartJobs());
  app_->SetPhase(Phase::kServing);
  serving_.store(app_.get(), std::memory_order_release);
  STRATA_CHECK_OK(app_->PublishAddress(control_url_, control_bearer_));
  ReturnMemoryOfStart();  // this thread waits for signals from here on
  return {};
}

// ---- answering

Task<void> RunningServer::Answer(net::HttpRequest& request, net::ResponseWriter& writer,
                                 std::stop_token client_gone) {
  auto* app = serving_.load(std::memory_order_acquire);
  if (app != nullptr) return app->Handle(request, writer, std::move(client_gone));
  return AnswerLater(request, writer, std::move(client_gone));
}

// The folder is still another's: probes are answered, everything else waits until it is ours.
Task<void> RunningServer::AnswerLater(net::HttpRequest& request, net::ResponseWriter& writer,
                                      std::stop_token client_gone) {
  constexpr std::chrono::milliseconds kLook{5};
  net::Headers headers;
  headers.Set("content-type", "application/json");
  if (request.path() == "/healthz") {
    std::string body = R"({"status":"ok"})";
    [[maybe_unused]] auto sent = co_await writer.Send(200, std::move(headers), std::move(body));
    co_return;
  }
  if (request.path() == "/readyz") {
    std::string body =
        R"({"ready":false,"reasons":[{"reason":"starting","detail":"the predecessor is draining"}]})";
    [[maybe_unused]] auto sent = co_await writer.Send(503, std::move(headers), std::move(body));
    co_return;
  }
  while (true) {
    if (auto* app = serving_.load(std::memory_order_acquire)) {
      co_await app->Handle(request, writer, std::move(client_gone));
      co_return;
    }
    auto slept = co_await net::Sleep(kLook, client_gone);
    if (!slept.has_value()) co_return;
  }
}

// ---- stopping

void RunningServer::ServeUntilStopped() {
  auto set = StopSignals();
  sigaddset(&set, SIGHUP);
  while (true) {
    int signal = 0;
    sigwait(&set, &signal);
    if (signal != SIGHUP) break;
    // What was refused is logged; the old configuration goes on.
    [[maybe_unused]] auto reloaded = app_->Reload();
  }
  Drain();
}

void RunningServer::Drain() {
  using std::chrono::steady_clock;
  // Clients with open connections learn with their next answer that they should go elsewhere.
  constexpr std::chrono::milliseconds kSettle{300};
  constexpr std::chrono::milliseconds kClose{1000};
  app_->SetPhase(Phase::kDraining);
  app_->UnpublishAddress();
  auto start = steady_clock::now();
  auto until = start + app_->live()->settings.drain_timeout;
  Log(Level::kInfo, "server.draining", {{"requests", server_->Stats().requests_in_flight}});
  server_->StopAccepting();
  auto set = StopSignals();
  bool hurry = false;
  while (!hurry && steady_clock::now() < until) {
    auto stats = server_->Stats();
    if (stats.connections_open == 0) break;
    if (stats.requests_in_flight == 0 && steady_clock::now() - start > kSettle) break;
    timespec wait{.tv_sec = 0, .tv_nsec = 10'000'000};
    hurry = sigtimedwait(&set, nullptr, &wait) > 0;
  }
  auto left = server_->Stats().requests_in_flight;
  server_->Stop(left > 0 ? std::chrono::milliseconds(0) : kClose);
  Log(Level::kInfo, "server.drained", {{"cancelled", left}, {"hurried", hurry ? 1 : 0}});
}

RunningServer::~RunningServer() {
  if (server_) server_->Stop(std::chrono::milliseconds(0));
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
