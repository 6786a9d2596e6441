// The self-signed files, and both protocols over them.

#include "net/tls.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/rng.h"
#include "net/changes.h"
#include "net/test_http2_peer.h"

namespace strata::net {
namespace {

using testing::Http2Peer;
using testing::MakeOptions;
using testing::RawSocket;
using testing::StartServer;
using testing::TemporaryFolder;

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(TlsFiles, AreMadeOncePrivateAndKept) {
  TemporaryFolder folder;
  auto first = EnsureTlsFiles(folder.path() + "/tls");
  ASSERT_TRUE(first.has_value()) << first.error().message();
  EXPECT_TRUE(first->created);
  for (const auto& path :
       {first->authority_file, first->certificate_file, first->private_key_file}) {
    struct stat info{};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << path;
  }
  auto certificate = Slurp(first->certificate_file);
  auto again = EnsureTlsFiles(folder.path() + "/tls");
  ASSERT_TRUE(again.has_value());
  EXPECT_FALSE(again->created);
  EXPECT_EQ(Slurp(again->certificate_file), certificate);
}

TEST(TlsFiles, ServerCertificateNearItsEndIsRenewedUnderTheSameAuthority) {
  TemporaryFolder folder;
  ManualClock clock;
  auto first = EnsureTlsFiles(folder.path(), clock);
  ASSERT_TRUE(first.has_value());
  auto authority = Slurp(first->authority_file);
  auto certificate = Slurp(first->certificate_file);
  clock.Advance(std::chrono::hours(24 * 300));
  ASSERT_TRUE(EnsureTlsFiles(folder.path(), clock).has_value());
  EXPECT_EQ(Slurp(first->certificate_file), certificate);
  clock.Advance(std::chrono::hours(24 * 40));
  ASSERT_TRUE(EnsureTlsFiles(folder.path(), clock).has_value());
  EXPECT_NE(Slurp(first->certificate_file), certificate);
  EXPECT_EQ(Slurp(first->authority_file), authority);
}

TEST(TlsFiles, HalfReplacedServerPairIsMadeAgainAndABrokenAuthorityIsAnError) {
  TemporaryFolder folder;
  auto files = EnsureTlsFiles(folder.path());
  ASSERT_TRUE(files.has_value());
  std::ofstream(files->certificate_file, std::ios::trunc) << "cut";
  ASSERT_TRUE(EnsureTlsFiles(folder.path()).has_value());
  EXPECT_TRUE(Slurp(files->certificate_file).starts_with("-----BEGIN CERTIFICATE-----"));
  std::ofstream(files->authority_file, std::ios::trunc) << "not PEM";
  auto broken = EnsureTlsFiles(folder.path());
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code(), Code::kCorruption);
}

TEST(TlsFiles, FolderThatCannotBeMadeIsUnavailable) {
  auto result = EnsureTlsFiles("/dev/null/tls");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), Code::kUnavailable);
}

// A blocking TLS client that offers one protocol.
class TlsSocket final : public RawSocket {
 public:
  TlsSocket(const std::string& address, const std::string& protocol) : RawSocket(address) {
    context_ = SSL_CTX_new(TLS_client_method());
    ssl_ = SSL_new(context_);
    std::string wire = static_cast<char>(protocol.size()) + protocol;
    SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned>(wire.size()));
    SSL_set_fd(ssl_, fd());
    connected_ = SSL_connect(ssl_) == 1;
  }
  ~TlsSocket() override {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  bool connected() const { return connected_; }
  bool Send(std::string_view bytes) override {
    return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  std::string ReadSome() override {
    std::string bytes(64 * 1024, '\0');
    auto got = SSL_read(ssl_, bytes.data(), static_cast<int>(bytes.size()));
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
  bool connected_;
};

Task<void> Echo(HttpRequest& request, ResponseWriter& writer, std::stop_token) {
  auto body = request.scheme + " " + request.target + "|" + request.body;
  (void)co_await writer.Start(200, {});
  (void)co_await writer.Write(body);
  (void)co_await writer.Finish();
}

struct Fetched {
  std::string body;
  std::optional<Error> error;
};

Task<Fetched> Fetch(std::shared_ptr<Client> client, ClientRequest request) {
  Fetched out;
  auto response = co_await client->Send(std::move(request));
  if (response.has_value()) {
    auto body = co_await (*response)->ReadAll(100u << 20);
    if (body.has_value()) {
      out.body = std::move(*body);
    } else {
      out.error = body.error();
    }
  } else {
    out.error = response.error();
  }
  co_return out;
}

class TlsServerTest : public ::testing::Test {
 protected:
  TlsServerTest() {
    auto files = EnsureTlsFiles(folder_.path());
    EXPECT_TRUE(files.has_value());
    authority_ = files->authority_file;
    spec_.tls = true;
    spec_.certificate_file = files->certificate_file;
    spec_.private_key_file = files->private_key_file;
    server_ = StartServer(Echo, {{"net.header_timeout_ms", "500"}}, {spec_});
    address_ = server_->addresses()[0];
  }
  Fetched Get(const std::string& host, const std::string& authority, std::string body = {}) {
    auto client = Client::Create(
        MakeOptions(authority.empty() ? testing::Overrides{}
                                      : testing::Overrides{{"net.client.ca_file", authority}}));
    ClientRequest request;
    request.method = "POST";
    request.url = "https://" + host + address_.substr(address_.rfind(':')) + "/x";
    request.allow_private_addresses = true;
    request.body = std::move(body);
    return runtime_.Run(Fetch(client, std::move(request)));
  }

  Result<> Change(ListenSpec spec) {
    STRATA_TRY(auto commit, PrepareChange(*server_, MakeOptions(), {std::move(spec)}));
    commit();
    return {};
  }

  TemporaryFolder folder_;
  std::string authority_;
  ListenSpec spec_;
  std::unique_ptr<Server> server_;
  std::string address_;
  Runtime runtime_;
};

TEST_F(TlsServerTest, ClientThatTrustsTheAuthorityIsServedByNameAndAddress) {
  for (std::string host : {"localhost", "127.0.0.1"}) {
    auto out = Get(host, authority_, std::string(200'000, 'z'));
    EXPECT_EQ(out.body, "https /x|" + std::string(200'000, 'z'))
        << (out.error ? out.error->message() : "");
  }
}

TEST_F(TlsServerTest, UnknownAuthorityAndWrongNameAreRefused) {
  auto untrusted = Get("localhost", "");
  ASSERT_TRUE(untrusted.error);
  EXPECT_EQ(untrusted.error->code(), Code::kUnavailable);
  auto misnamed = Get("127.0.0.2", authority_);
  ASSERT_TRUE(misnamed.error);
  EXPECT_EQ(misnamed.error->code(), Code::kUnavailable);
}

TEST_F(TlsServerTest, AlpnChoosesHttp2) {
  auto socket = std::make_unique<TlsSocket>(address_, "h2");
  ASSERT_TRUE(socket->connected());
  Http2Peer peer(std::move(socket));
  auto& answer = peer.Await(peer.Request("POST", "/y", std::string(300'000, 'q')));
  EXPECT_EQ(answer.body, "https /y|" + std::string(300'000, 'q'));
}

TEST_F(TlsServerTest, AlpnChoosesHttp11AndAnUnknownProtocolIsRefused) {
  TlsSocket socket(address_, "http/1.1");
  ASSERT_TRUE(socket.connected());
  socket.Send("GET /z HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_NE(socket.ReadToEnd().find("https /z|"), std::string::npos);
  TlsSocket odd(address_, "spdy/9");
  EXPECT_FALSE(odd.connected());
}

TEST_F(TlsServerTest, SilentAndNonsenseHandshakesAreClosed) {
  RawSocket silent(address_);
  EXPECT_EQ(silent.ReadToEnd(), "");
  RawSocket nonsense(address_);
  nonsense.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(nonsense.ReadToEnd().find("200 OK"), std::string::npos);
}

TEST_F(TlsServerTest, CertificatesAreReloadedForNewConnectionsAndBadOnesChangeNothing) {
  TemporaryFolder other;
  auto files = EnsureTlsFiles(other.path());
  ASSERT_TRUE(files.has_value());
  EXPECT_TRUE(Get("localhost", files->authority_file).error);
  auto use = [&](const std::string& name) {
    std::filesystem::copy_file(other.path() + name, folder_.path() + name,
                               std::filesystem::copy_options::overwrite_existing);
  };
  use("/server-key.pem");
  auto mixed = Change(spec_);
  ASSERT_FALSE(mixed.has_value());  // the key does not belong to the certificate
  EXPECT_EQ(mixed.error().code(), Code::kInvalidArgument);
  EXPECT_FALSE(Get("localhost", authority_).error);
  use("/server.pem");
  ASSERT_TRUE(Change(spec_).has_value());
  EXPECT_FALSE(Get("localhost", files->authority_file).error);
  // Where the files are may change too, and whether there is TLS, on an address that stays.
  spec_.certificate_file = other.path() + "/server.pem";
  spec_.private_key_file = other.path() + "/server-key.pem";
  ASSERT_TRUE(Change(spec_).has_value());
  EXPECT_FALSE(Get("localhost", files->authority_file).error);
  ListenSpec plain;
  plain.port = testing::PortOf(address_);
  ASSERT_TRUE(Change(plain).has_value());
  EXPECT_EQ(server_->addresses()[0], address_);
  RawSocket socket(address_);
  socket.Send("GET /z HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_NE(socket.ReadToEnd().find("200 OK"), std::string::npos);
}

TEST_F(TlsServerTest, BadCertificateFileIsInvalid) {
  ListenSpec spec;
  spec.tls = true;
  spec.certificate_file = "/nowhere.pem";
  auto server = Server::Create(MakeOptions(), {spec}, Echo);
  ASSERT_FALSE(server.has_value());
  EXPECT_EQ(server.error().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace strata::net
