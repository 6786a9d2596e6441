#include "net/server/connection.h"

namespace strata::net {

// HTTP/1.1's side answers the preface of HTTP/2 with 505.
std::shared_ptr<ServerConnection> MakeHttp2Connection(ConnectionHome& home,
                                                      std::unique_ptr<Transport> transport) {
  return MakeHttp1Connection(home, std::move(transport));
}

}  // namespace strata::net
