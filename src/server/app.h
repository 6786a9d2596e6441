#pragma once
// One opened data folder with everything that works on it: databases, models, knowledge bases,
// routes. `strata serve` puts listeners in front of it; other commands open it themselves when no
// server runs.

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http.h"
#include "net/server.h"
#include "provider/spec.h"
#include "server/live_config.h"
#include "server/readiness.h"
#include "server/reload.h"
#include "store/data_dir.h"
#include "store/keys.h"

namespace strata::server {

struct Services;
enum class Face : std::uint8_t;

// Options `server.*`.
OptionTable ServerOptionTable();

class App {
 public:
  // Blocks, up to some seconds when models load. Errors: kInvalidArgument (configuration),
  // kNotFound (model files), kUnavailable (disk), kCorruption.
  static Result<std::unique_ptr<App>> Open(Config config, store::DataDir folder);

  // The same in two steps, for a successor that takes the folder over last: what needs no lock
  // (models are loaded, providers found), then the rest.
  struct Prepared;
  static Result<std::shared_ptr<Prepared>> Prepare(Config config, const std::string& data_folder);
  static Result<std::unique_ptr<App>> Open(const std::shared_ptr<Prepared>& prepared,
                                           store::DataDir folder);

  // Stops background work, drains journal and traces, closes. The server in front must have
  // stopped.
  ~App();

  // Finds the route, checks the key, runs the handler; writes errors in the route's dialect.
  // Thread-safe; the arguments outlive the task.
  Task<void> Handle(net::HttpRequest& request, net::ResponseWriter& writer,
                    std::stop_token client_gone);

  // Whose errors a request gets that is answered before it reaches Handle. Thread-safe.
  Face FaceFor(const net::HttpRequest& request) const;

  // Whether a long body may come (net/admission.h): somebody who is known, as far as the head says,
  // asks a route that they may use. Handle decides again. Thread-safe.
  bool Admits(const net::HttpRequest& head) const;

  // Begins ingestion of queued jobs.
  Result<> StartJobs();
  // The plain listener's address is known, or another: trace links name it from now on, unless
  // `server.public_url` says what they name. Any thread.
  void SetListenUrl(std::string url);
  // `bearer` opens every route for the command line.
  void SetControlBearer(std::string bearer);
  // Publishes where this server is reached, for the command line, until it begins to stop.
  Result<> PublishAddress(const std::string& url, const std::string& control_bearer);
  void UnpublishAddress();

  // On a folder without any key: makes an administrator's key, to be shown once. Blocks.
  Result<std::optional<store::NewKey>> MakeFirstKey();

  // The configuration in force.
  std::shared_ptr<const LiveState> live() const;
  // What /readyz says.
  void SetPhase(Phase phase);
  // Where Reload reads the configuration from.
  void SetConfigReader(std::function<Result<Config>()> read);
  // Reads the configuration again and swaps what can change; see reload.h. Blocks.
  Result<ReloadReport> Reload();
  // What the control route for a hand-over calls after its answer: begins the stop of this server.
  // And where connection counts come from. Both are set before requests come.
  void SetHandOver(std::function<void()> begin_stop);
  void SetServerStats(std::function<net::ServerStats()> stats);
  // What a reload calls, so that the listeners take their addresses, certificates and limits anew.
  void SetListeners(std::function<Result<>()> listen_anew);

  std::string tls_folder() const;
  std::string ConsoleUrl() const;
  Services& services();

 private:
  static Task<void> FailRequest(Face face, const Error& error, net::ResponseWriter& writer,
                                RequestContext& ctx);
  struct Parts;
  explicit App(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace strata::server
