#pragma once
// An App behind its listeners: `strata serve` and `strata demo`.
//
// A successor (`strata serve --takeover`) opens its listeners beside the server that runs
// (net.reuse_port), has it drain, and takes the data folder's lock when that is free. Requests that
// reach the successor meanwhile wait. docs/operations.md has the steps and what happens when one
// fails.

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "net/server.h"
#include "server/app.h"

namespace strata::server {

// Blocks SIGINT, SIGTERM, SIGHUP and SIGPIPE in this thread and all that it starts later. Call
// before anything makes threads.
void BlockSignals();

// A server that answers. Destroyed: drains, closes, joins.
class RunningServer {
 public:
  // Opens the folder and the listeners of the configuration and serves. Errors as App::Open, and
  // kUnavailable (address in use), kInvalidArgument (bad address or certificate).
  static Result<std::unique_ptr<RunningServer>> Start(Config config,
                                                      const std::string& data_folder);
  // The same as the successor of the server that holds the folder; without one, as Start. Blocks
  // until that server has drained. Errors also: what that server answered.
  static Result<std::unique_ptr<RunningServer>> TakeOver(Config config,
                                                         const std::string& data_folder);
  ~RunningServer();

  // Where a reload reads the configuration from.
  void SetConfigReader(std::function<Result<Config>()> read);

  // Serves until SIGINT, SIGTERM or a hand-over; SIGHUP reloads the configuration. Then drains: not
  // ready, no new connections, running requests finish for up to server.drain_timeout and are then
  // cancelled. A second SIGINT or SIGTERM cancels them at once.
  void ServeUntilStopped();

  const std::string& url() const { return url_; }          // "http://127.0.0.1:8080"
  const std::string& tls_url() const { return tls_url_; }  // "" without a TLS listener
  // The self-signed authority that clients must trust; "" when a certificate was configured.
  const std::string& authority_file() const { return authority_file_; }
  App& app() { return *app_; }

 private:
  RunningServer() = default;
  Result<> Listen(const Options& options, const std::string& tls_folder);
  // Puts listeners and options of the configuration that was read last in force.
  Result<> ListenAnew();
  void TakeAddresses(const Options& options);
  Result<> Serve(std::unique_ptr<App> app);
  Task<void> Answer(net::HttpRequest& request, net::ResponseWriter& writer,
                    std::stop_token client_gone);
  Task<void> AnswerLater(net::HttpRequest& request, net::ResponseWriter& writer,
                         std::stop_token client_gone);
  void Drain();

  std::unique_ptr<App> app_;
  std::atomic<App*> serving_ = nullptr;  // null while the folder is still another's
  std::unique_ptr<net::Server> server_;
  std::string url_;
  std::string tls_url_;
  std::string control_url_;  // reaches this process and no other
  std::string authority_file_;
  std::string control_bearer_;
  Options read_;  // of the last configuration that was read again
};

// What a new user needs to know, on stdout: the first key (made here), the line that trusts our
// authority, and at last `ready http://…`. Gives the bearer of a key that was made, "" otherwise.
Result<std::string> Welcome(RunningServer& server);

}  // namespace strata::server
