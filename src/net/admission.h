#pragma once
// A server that asks, on a request's head, whether its body is worth taking in: so that who has no
// key cannot make it hold what only key holders may send.

#include <functional>
#include <memory>
#include <vector>

#include "base/options.h"
#include "base/result.h"
#include "net/server.h"

namespace strata::net {

// Bodies up to here are taken without a question: most came with their head, and reading them keeps
// the connection in use.
inline constexpr std::size_t kUnaskedBodyBytes = 64 * 1024;

// Asked once for a request whose body is longer than kUnaskedBodyBytes, or whose client waits for
// "100 Continue". `head`: the request without its body. false: the handler gets the request at once
// and without a body, to say why; its answer ends an HTTP/1.1 connection. Called on any io thread,
// must not block.
using Admission = std::function<bool(const HttpRequest& head)>;

struct ServerHooks {
  Handler handler;
  FailureEncoder failures;  // see Server::Create
  Admission admission;      // empty: every body is taken
};

Result<std::unique_ptr<Server>> CreateServer(const Options& options,
                                             std::vector<ListenSpec> listeners, ServerHooks hooks);

}  // namespace strata::net
