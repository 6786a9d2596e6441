#pragma once
// An App behind its listeners: `strata serve` and `strata demo`.

#include <memory>
#include <string>

#include "net/server.h"
#include "server/app.h"

namespace strata::server {

// Blocks SIGINT, SIGTERM and SIGPIPE in this thread and all that it starts later. Call before
// anything makes threads.
void BlockSignals();
// Waits for SIGINT or SIGTERM.
void WaitForSignal();

// A server that answers. Destroyed: drains, closes, joins.
class RunningServer {
 public:
  // Opens the folder and the listeners of the configuration and serves. Errors as App::Open, and
  // kUnavailable (address in use), kInvalidArgument (bad address or certificate).
  static Result<std::unique_ptr<RunningServer>> Start(Config config,
                                                      const std::string& data_folder);
  ~RunningServer();

  const std::string& url() const { return url_; }          // "http://127.0.0.1:8080"
  const std::string& tls_url() const { return tls_url_; }  // "" without a TLS listener
  // The self-signed authority that clients must trust; "" when a certificate was configured.
  const std::string& authority_file() const { return authority_file_; }
  App& app() { return *app_; }

 private:
  RunningServer() = default;
  Result<> Listen();

  std::unique_ptr<App> app_;
  std::unique_ptr<net::Server> server_;
  std::string url_;
  std::string tls_url_;
  std::string authority_file_;
};

// What a new user needs to know, on stdout: the first key (made here), the line that trusts our
// authority, and at last `ready http://…`. Gives the bearer of a key that was made, "" otherwise.
Result<std::string> Welcome(RunningServer& server);

}  // namespace strata::server
