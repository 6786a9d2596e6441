#pragma once
// TLS settings of listeners and of the client. Only for .cc files: it needs Asio.

#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/result.h"

namespace strata::net {

// The latest session of each server, so that the next connection to it shakes hands in one round
// trip and without the certificate. A server may be taken up again only under the name for which it
// was verified. Thread-safe.
class TlsSessions {
 public:
  // Kept by the connection; lives as long as its SSL.
  struct Key {
    std::shared_ptr<TlsSessions> sessions;
    std::string server;  // "host:port"
  };

  // Offers the session of key.server, and keeps the ones that the server will hand out.
  void Attach(SSL* ssl, Key& key);
  // Makes `context` report new sessions to the Key of their connection.
  static void Install(SSL_CTX* context);

 private:
  static constexpr std::size_t kServersMax = 1024;
  struct Free {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  using Session = std::unique_ptr<SSL_SESSION, Free>;
  void Keep(const std::string& server, Session session);
  static int OnNewSession(SSL* ssl, SSL_SESSION* session);

  std::mutex mutex_;
  std::unordered_map<std::string, Session> latest_;
};

struct TlsSettings {
  boost::asio::ssl::context context;
  std::shared_ptr<TlsSessions> sessions = nullptr;  // clients
};
using TlsContext = std::shared_ptr<TlsSettings>;

// TLS 1.2 and later, ALPN h2 and http/1.1. kInvalidArgument when a file cannot be used.
Result<TlsContext> MakeServerTlsContext(const std::string& certificate_file,
                                        const std::string& private_key_file);

enum class OfferHttp2 : std::uint8_t { kNo, kYes };
// Verifies servers against the system's authorities and those of `ca_file` ("": none).
Result<TlsContext> MakeClientTlsContext(const std::string& ca_file, OfferHttp2 http2);

}  // namespace strata::net
