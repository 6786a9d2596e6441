#pragma once
// Giving up a call, and giving back its connection.

#include <memory>
#include <stop_token>

#include "base/task.h"
#include "net/client.h"

namespace strata::provider::remote {

// Cancels the call when either the client goes away or the stream is dropped. Stays alive while the
// connection is drained.
struct Cancel {
  explicit Cancel(const std::stop_token& client) : on_client(client, Stop{&source}) {}
  struct Stop {
    std::stop_source* source;
    void operator()() const { source->request_stop(); }
  };
  std::stop_source source;
  std::stop_callback<Stop> on_client;
};

// Reads the rest of an answer whose content is known to be over, behind the caller's back, so that
// its connection can be used again; gives up (and so closes it) when the peer does not end it soon.
Task<void> LetGo(std::unique_ptr<net::ClientResponse> response, std::shared_ptr<Cancel> cancel);

}  // namespace strata::provider::remote
