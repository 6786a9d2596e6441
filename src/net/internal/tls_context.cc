#include "net/internal/tls_context.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

namespace strata::net {
namespace {

namespace ssl = boost::asio::ssl;

// In our order of preference; the wire form of ALPN.
constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1";

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

TlsContext NewContext(ssl::context::method method) {
  auto context = std::make_shared<ssl::context>(method);
  auto* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Idle connections give their 2 × 17 KiB record buffers back.
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  return context;
}

}  // namespace

Result<TlsContext> MakeServerTlsContext(const std::string& certificate_file,
                                        const std::string& private_key_file) {
  auto context = NewContext(ssl::context::tls_server);
  boost::system::error_code error;
  context->use_certificate_chain_file(certificate_file, error);
  if (error) {
    return Fail(Code::kInvalidArgument,
                fmt::format("certificate {}: {}", certificate_file, error.message()));
  }
  context->use_private_key_file(private_key_file, ssl::context::pem, error);
  if (error) {
    return Fail(Code::kInvalidArgument,
                fmt::format("private key {}: {}", private_key_file, error.message()));
  }
  SSL_CTX_set_alpn_select_cb(context->native_handle(), &ChooseProtocol, nullptr);
  return context;
}

Result<TlsContext> MakeClientTlsContext(const std::string& ca_file) {
  auto context = NewContext(ssl::context::tls_client);
  boost::system::error_code error;
  context->set_default_verify_paths(error);
  if (!ca_file.empty()) {
    context->load_verify_file(ca_file, error);
    if (error) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("net.client.ca_file {}: {}", ca_file, error.message()));
    }
  }
  context->set_verify_mode(ssl::verify_peer);
  constexpr unsigned char kHttp11[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context->native_handle(), kHttp11, sizeof kHttp11 - 1);
  return context;
}

}  // namespace strata::net
