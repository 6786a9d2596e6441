#include "net/internal/tls_context.h"

#include <fmt/format.h>

namespace strata::net {
namespace {

namespace ssl = boost::asio::ssl;

// In our order of preference; the wire form of ALPN.
constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1";
constexpr std::size_t kHttp2Name = 3;  // bytes of the first of them

int ChooseProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kProtocols, sizeof kProtocols - 1, offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int KeySlot() {
  static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

TlsContext NewContext(ssl::context::method method) {
  auto made = std::make_shared<TlsSettings>(ssl::context(method));
  auto* native = made->context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Idle connections give their record buffers back. Reading ahead takes several records, head and
  // body, with one system call.
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(native, 1);
  return made;
}

}  // namespace

void TlsSessions::Install(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, OnNewSession);
}

void TlsSessions::Attach(SSL* ssl, Key& key) {
  SSL_set_ex_data(ssl, KeySlot(), &key);
  std::lock_guard lock(mutex_);
  auto at = latest_.find(key.server);
  if (at == latest_.end()) return;
  if (SSL_SESSION_is_resumable(at->second.get()) == 1) {
    SSL_set_session(ssl, at->second.get());
  } else {
    latest_.erase(at);
  }
}

void TlsSessions::Keep(const std::string& server, Session session) {
  std::lock_guard lock(mutex_);
  if (latest_.size() >= kServersMax && !latest_.contains(server)) latest_.erase(latest_.begin());
  latest_[server] = std::move(session);
}

int TlsSessions::OnNewSession(SSL* ssl, SSL_SESSION* session) {
  auto* key = static_cast<Key*>(SSL_get_ex_data(ssl, KeySlot()));
  if (key == nullptr || !key->sessions) return 0;
  try {
    key->sessions->Keep(key->server, Session(session));
  } catch (...) {  // out of memory; it must not pass through C code, and the session is freed
  }
  return 1;
}

Result<TlsContext> MakeServerTlsContext(const std::string& certificate_file,
                                        const std::string& private_key_file) {
  auto made = NewContext(ssl::context::tls_server);
  boost::system::error_code error;
  made->context.use_certificate_chain_file(certificate_file, error);
  if (error) {
    return Fail(Code::kInvalidArgument,
                fmt::format("certificate {}: {}", certificate_file, error.message()));
  }
  made->context.use_private_key_file(private_key_file, ssl::context::pem, error);
  if (error) {
    return Fail(Code::kInvalidArgument,
                fmt::format("private key {}: {}", private_key_file, error.message()));
  }
  SSL_CTX_set_alpn_select_cb(made->context.native_handle(), &ChooseProtocol, nullptr);
  return made;
}

Result<TlsContext> MakeClientTlsContext(const std::string& ca_file, OfferHttp2 http2) {
  auto made = NewContext(ssl::context::tls_client);
  boost::system::error_code error;
  made->context.set_default_verify_paths(error);
  if (!ca_file.empty()) {
    made->context.load_verify_file(ca_file, error);
    if (error) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("net.client.ca_file {}: {}", ca_file, error.message()));
    }
  }
  made->context.set_verify_mode(ssl::verify_peer);
  auto* native = made->context.native_handle();
  auto skipped = http2 == OfferHttp2::kYes ? 0 : kHttp2Name;
  SSL_CTX_set_alpn_protos(native, kProtocols + skipped,
                          static_cast<unsigned>(sizeof kProtocols - 1 - skipped));
  TlsSessions::Install(native);
  made->sessions = std::make_shared<TlsSessions>();
  return made;
}

}  // namespace strata::net
