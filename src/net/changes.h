#pragma once
// Servers and clients that run, and options that change under them. What is prepared takes effect
// when the function that is returned is called, once or never, which cannot fail.

#include <functional>
#include <vector>

#include "base/options.h"
#include "base/result.h"
#include "net/client.h"
#include "net/server.h"

namespace strata::net {

using Commit = std::function<void()>;

// Other options and listeners for a server that was started. Opens the listeners that it has not
// yet and reads the certificates of all. Then connections find the options with their next request
// (HTTP/2: new connections find other limits), listeners that are not in the list are closed when
// what waits in their queues was taken, connections stay, and Server::addresses has the list's.
// net.threads stays what it was. Errors: as of Server::Create; kUnavailable too while the server
// stops. One thread at a time, none of the server's own.
Result<Commit> PrepareChange(Server& server, const Options& options,
                             std::vector<ListenSpec> listeners);

// Other options (`net.client.*`) for calls that begin from then on; calls under way keep theirs,
// and connections that stand are left to them. `client`: of Client::Create. Errors:
// kInvalidArgument, ca_file cannot be used. Any thread.
Result<Commit> PrepareChange(Client& client, const Options& options);

}  // namespace strata::net
