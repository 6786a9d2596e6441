// The client over HTTP/2: against the server, and against peers that send whatever a test wants.

#include <atomic>
#include <future>

#include "net/test_support.h"
#include "net/tls.h"

namespace strata::net {
namespace {

using testing::Eventually;
using testing::MakeOptions;
using testing::Overrides;
using testing::RawSocket;
using testing::StartServer;
using testing::TemporaryFolder;

struct Collected {
  int status = 0;
  std::string body;
  std::optional<Error> error;
};

Task<void> Collect(std::shared_ptr<Client> client, ClientRequest request,
                   std::shared_ptr<std::promise<Collected>> into) {
  Collected out;
  auto response = co_await client->Send(std::move(request));
  if (response.has_value()) {
    out.status = (*response)->status();
    auto body = co_await (*response)->ReadAll(100u << 20);
    if (body.has_value()) {
      out.body = std::move(*body);
    } else {
      out.error = body.error();
    }
  } else {
    out.error = response.error();
  }
  into->set_value(std::move(out));
}

ClientRequest To(const std::string& url) {
  ClientRequest request;
  request.url = url;
  request.allow_private_addresses = true;
  if (url.starts_with("http:")) request.http2 = Http2Knowledge::kPrior;
  return request;
}

class ClientHttp2Test : public ::testing::Test {
 protected:
  std::future<Collected> Begin(ClientRequest request) {
    auto promise = std::make_shared<std::promise<Collected>>();
    runtime_.Spawn(Collect(client_, std::move(request), promise));
    return promise->get_future();
  }
  Collected Call(ClientRequest request) { return Begin(std::move(request)).get(); }
  void UseOptions(const Overrides& options) { client_ = Client::Create(MakeOptions(options)); }

  std::shared_ptr<Client> client_ = Client::Create(MakeOptions());
  Runtime runtime_{1};
};

std::string VersionOf(const HttpRequest& request) {
  return request.version == HttpVersion::kHttp2 ? "h2" : "h1";
}

Task<void> Echo(HttpRequest& request, ResponseWriter& writer, std::stop_token) {
  auto body = VersionOf(request) + " " + request.method + " " + request.scheme + " " +
              request.target + " " + std::string(request.headers.Get("x-mixed-case")) + "|" +
              request.body;
  (void)co_await writer.Send(200, {}, std::move(body));
}

// Https with the certificate of a first start.
class ClientTlsTest : public ClientHttp2Test {
 protected:
  void Start(Handler handler, Overrides overrides = {}) {
    auto files = EnsureTlsFiles(folder_.path());
    EXPECT_TRUE(files.has_value());
    ListenSpec spec{.address = "127.0.0.1",
                    .port = 0,
                    .tls = true,
                    .certificate_file = files->certificate_file,
                    .private_key_file = files->private_key_file};
    server_ = StartServer(std::move(handler), std::move(overrides), {spec});
    url_ = "https://" + server_->addresses()[0];
    trust_ = {{"net.client.ca_file", files->authority_file}};
    UseOptions(trust_);
  }
  TemporaryFolder folder_;
  Overrides trust_;
  std::unique_ptr<Server> server_;
  std::string url_;
};

TEST_F(ClientTlsTest, ManyCallsAtOnceShareOneConnection) {
  Start(Echo);
  std::vector<std::future<Collected>> calls;
  for (int i = 0; i < 60; ++i) {
    auto request = To(url_ + "/a%2Fb?" + std::to_string(i));
    request.method = "POST";
    request.headers.Add("X-Mixed-Case", "yes");
    request.body = std::string(static_cast<std::size_t>(i) * 5000, 'b');
    calls.push_back(Begin(std::move(request)));
  }
  for (int i = 0; i < 60; ++i) {
    auto out = calls[i].get();
    EXPECT_EQ(out.status, 200) << (out.error ? out.error->message() : "");
    EXPECT_EQ(out.body, "h2 POST https /a%2Fb?" + std::to_string(i) + " yes|" +
                            std::string(static_cast<std::size_t>(i) * 5000, 'b'));
  }
  auto stats = client_->Stats();
  EXPECT_EQ(stats.connections, 1u);
  EXPECT_EQ(stats.http2_connections, 1u);
}

TEST_F(ClientTlsTest, Http2IsOffWhenItIsSwitchedOff) {
  Start(Echo);
  trust_["net.client.http2"] = "off";
  UseOptions(trust_);
  EXPECT_TRUE(Call(To(url_ + "/")).body.starts_with("h1 GET https"));
  EXPECT_EQ(client_->Stats().http2_connections, 0u);
}

TEST_F(ClientTlsTest, LaterConnectionsTakeUpTheSessionOfEarlierOnes) {
  Start([](HttpRequest& request, ResponseWriter& writer, std::stop_token) -> Task<void> {
    auto body = VersionOf(request);
    (void)co_await writer.Start(200, {});
    (void)co_await writer.Write(body);
    writer.Abort();  // ends the connection of HTTP/1.1
  });
  for (std::string http2 : {"off", "auto"}) {
    trust_["net.client.http2"] = http2;
    trust_["net.client.idle_timeout_ms"] = "0";
    UseOptions(trust_);
    auto connections = http2 == "off" ? 3u : 1u;
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(Call(To(url_ + "/")).error);
    }
    auto stats = client_->Stats();
    EXPECT_GE(stats.connections, connections);
    EXPECT_EQ(stats.tls_handshakes, stats.connections);
    EXPECT_EQ(stats.tls_sessions_reused, stats.connections - 1) << http2;
  }
}

// A session belongs to the name under which the server was verified.
TEST_F(ClientTlsTest, SessionIsNotTakenUpUnderAnotherName) {
  Start(Echo);
  EXPECT_EQ(Call(To(url_ + "/")).status, 200);
  auto port = url_.substr(url_.rfind(':'));
  EXPECT_EQ(Call(To("https://localhost" + port + "/")).status, 200);
  EXPECT_EQ(client_->Stats().tls_sessions_reused, 0u);
  EXPECT_TRUE(Call(To("https://127.0.0.2" + port + "/")).error);  // not in the certificate
}

TEST_F(ClientHttp2Test, PriorKnowledgeWorksOnAPlainConnection) {
  auto server = StartServer(Echo);
  auto request = To("http://" + server->addresses()[0] + "/x");
  request.method = "HEAD";
  EXPECT_EQ(Call(request).status, 200);
  request.method = "GET";
  EXPECT_EQ(Call(request).body, "h2 GET http /x |");
  EXPECT_EQ(client_->Stats().connections, 1u);
}

TEST_F(ClientHttp2Test, MoreCallsThanTheServerTakesAtOnceSpreadOverConnections) {
  std::atomic<int> running = 0;
  std::stop_source release;
  auto server = StartServer(
      [&](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        ++running;
        (void)co_await Sleep(std::chrono::minutes(5), release.get_token());
        (void)co_await writer.Send(200, {}, "ok");
      },
      {{"net.http2.streams_max", "4"}});
  std::vector<std::future<Collected>> calls;
  for (int i = 0; i < 20; ++i) calls.push_back(Begin(To("http://" + server->addresses()[0])));
  EXPECT_TRUE(Eventually([&] { return running == 20; })) << running;
  release.request_stop();
  for (auto& call : calls) EXPECT_EQ(call.get().body, "ok");
  EXPECT_EQ(client_->Stats().connections, 5u);
}

TEST_F(ClientHttp2Test, CancelAndDeadlineResetTheStreamAtOnceAndLeaveTheConnection) {
  std::promise<std::chrono::steady_clock::time_point> gone_at[2];
  std::atomic<int> calls = 0;
  auto server = StartServer(
      [&](HttpRequest& request, ResponseWriter& writer, std::stop_token gone) -> Task<void> {
        if (request.target == "/quick") {
          (void)co_await writer.Send(200, {}, "ok");
          co_return;
        }
        int call = calls++;
        (void)co_await Sleep(std::chrono::minutes(5), gone);
        gone_at[call].set_value(std::chrono::steady_clock::now());
      });
  auto url = "http://" + server->addresses()[0];
  std::stop_source stop;
  auto request = To(url);
  request.cancel = stop.get_token();
  auto cancelled = Begin(std::move(request));
  EXPECT_TRUE(Eventually([&] { return calls == 1; }));
  auto before = std::chrono::steady_clock::now();
  stop.request_stop();
  EXPECT_EQ(cancelled.get().error->code(), Code::kCancelled);
  auto first = gone_at[0].get_future();
  ASSERT_EQ(first.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_LT(first.get() - before, std::chrono::seconds(1));

  auto late = To(url);
  late.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(60);
  EXPECT_EQ(Call(std::move(late)).error->code(), Code::kDeadlineExceeded);
  EXPECT_EQ(gone_at[1].get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(Call(To(url + "/quick")).body, "ok");
  EXPECT_EQ(client_->Stats().connections, 1u);
}

TEST_F(ClientHttp2Test, ReaderThatDoesNotReadHoldsTheServerBackAndLosesNothing) {
  std::atomic<std::size_t> written = 0;
  constexpr std::size_t kTotal = 20'000'000;
  auto server =
      StartServer([&](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        (void)co_await writer.Start(200, {});
        std::string piece(100'000, 'x');
        while (written < kTotal) {
          if (!(co_await writer.Write(piece)).has_value()) co_return;
          written += piece.size();
        }
        (void)co_await writer.Finish();
      });
  std::stop_source read_on;
  std::promise<std::size_t> total;
  auto read = [&](ClientRequest request) -> Task<void> {
    auto response = co_await client_->Send(std::move(request));
    EXPECT_TRUE(response.has_value());
    (void)co_await Sleep(std::chrono::minutes(5), read_on.get_token());
    auto body = co_await (*response)->ReadAll(100u << 20);
    total.set_value(body.has_value() ? body->size() : 0);
  };
  runtime_.Spawn(read(To("http://" + server->addresses()[0])));
  std::size_t seen = 0;
  EXPECT_TRUE(Eventually([&] {  // stands still
    bool still = written > 0 && written == seen;
    seen = written;
    return still;
  }));
  EXPECT_LT(written, 1'500'000u);
  read_on.request_stop();
  EXPECT_EQ(total.get_future().get(), kTotal);
}

TEST_F(ClientHttp2Test, AnswerThatTheServerBreaksOffIsAnErrorNeverAnEnd) {
  auto server =
      StartServer([](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        (void)co_await writer.Start(200, {});
        (void)co_await writer.Write("part");
        writer.Abort();
      });
  auto out = Call(To("http://" + server->addresses()[0]));
  ASSERT_TRUE(out.error);
  EXPECT_EQ(out.error->code(), Code::kUnavailable);
}

TEST_F(ClientHttp2Test, ServerThatStopsLetsTheCallFinishAndTheNextOneGoesElsewhere) {
  std::promise<void> entered;
  std::stop_source release;
  auto server =
      StartServer([&](HttpRequest& request, ResponseWriter& writer, std::stop_token) -> Task<void> {
        if (request.target == "/slow") {
          entered.set_value();
          (void)co_await Sleep(std::chrono::minutes(5), release.get_token());
        }
        (void)co_await writer.Send(200, {}, "old");
      });
  auto url = "http://" + server->addresses()[0];
  auto slow = Begin(To(url + "/slow"));
  entered.get_future().wait();
  ListenSpec same;
  same.port = testing::PortOf(server->addresses()[0]);
  std::thread stopper([&] { server->Stop(std::chrono::seconds(20)); });
  EXPECT_TRUE(Eventually([&] { return Call(To(url + "/")).error.has_value(); }));
  release.request_stop();
  EXPECT_EQ(slow.get().body, "old");
  stopper.join();
  auto successor = StartServer(Echo, {}, {same});
  EXPECT_EQ(Call(To(url + "/")).status, 200);
}

TEST_F(ClientHttp2Test, RuntimeMayEndWhileCallsWait) {
  std::atomic<int> entered = 0;
  auto server = StartServer([&](HttpRequest&, ResponseWriter&, std::stop_token gone) -> Task<void> {
    ++entered;
    (void)co_await Sleep(std::chrono::minutes(5), gone);
  });
  Runtime runtime(1);
  for (int i = 0; i < 3; ++i) {
    auto promise = std::make_shared<std::promise<Collected>>();
    runtime.Spawn(Collect(client_, To("http://" + server->addresses()[0]), promise));
  }
  EXPECT_TRUE(Eventually([&] { return entered == 3; }));
}

TEST_F(ClientHttp2Test, CallsThatWaitForAConnectionThatFailsFailWithIt) {
  std::string address;
  {
    address = StartServer(Echo)->addresses()[0];
  }
  std::vector<std::future<Collected>> calls;
  for (int i = 0; i < 10; ++i) calls.push_back(Begin(To("http://" + address)));
  for (auto& call : calls) EXPECT_EQ(call.get().error->code(), Code::kUnavailable);
}

// Frames by hand.
std::string Frame(int type, int flags, int stream, const std::string& payload) {
  std::string out;
  for (int shift : {16, 8, 0}) out.push_back(static_cast<char>(payload.size() >> shift));
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  for (int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(stream >> shift));
  return out + payload;
}
const std::string kSettings = Frame(4, 0, 0, "");
const std::string kOk = "\x88";  // HPACK: ":status: 200"
std::string Times(int count, const std::string& frames) {
  std::string out;
  for (int i = 0; i < count; ++i) out += frames;
  return out;
}
// HPACK literal without indexing.
std::string Literal(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name +
         static_cast<char>(value.size()) + value;
}

// Accepts connections, waits for the client's first bytes, sends `bytes`, then reads to the end.
class HostilePeer {
 public:
  explicit HostilePeer(std::string bytes) : bytes_(std::move(bytes)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(fd_, 16), 0);
    socklen_t size = sizeof at;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    thread_ = std::thread([this] { Serve(); });
  }
  ~HostilePeer() {
    ::shutdown(fd_, SHUT_RDWR);
    if (int peer = peer_; peer >= 0) ::shutdown(peer, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  const std::string& address() const { return address_; }

 private:
  void Serve() {
    for (int peer = ::accept(fd_, nullptr, nullptr); peer >= 0;
         peer = ::accept(fd_, nullptr, nullptr)) {
      peer_ = peer;
      std::string got;
      char some[4096];
      // The preface, and the request's frame with it.
      while (got.size() < 80) {
        auto size = ::recv(peer, some, sizeof some, 0);
        if (size <= 0) break;
        got.append(some, static_cast<std::size_t>(size));
      }
      for (std::string_view left = bytes_; !left.empty();) {
        auto sent = ::send(peer, left.data(), left.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        left.remove_prefix(static_cast<std::size_t>(sent));
      }
      while (::recv(peer, some, sizeof some, 0) > 0) {
      }
      peer_ = -1;
      ::close(peer);
    }
  }
  std::atomic<int> peer_ = -1;  // while it is open
  std::string bytes_;
  std::string address_;
  std::thread thread_;
  int fd_ = -1;
};

TEST_F(ClientHttp2Test, HostileServersEndTheCallAsUnavailable) {
  UseOptions({{"net.client.http2_control_frames_max", "50"},
              {"net.client.header_bytes_max", "2048"},
              {"net.client.http2_ping_ms", "100"}});
  auto head = kSettings + Frame(1, 4, 1, kOk);
  std::vector<std::pair<std::string, std::string>> hostile = {
      {"not HTTP/2", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"},
      {"pings", kSettings + Times(200, Frame(6, 0, 0, "12345678"))},
      {"settings", Times(200, kSettings)},
      {"empty data", head + Times(200, Frame(0, 0, 1, ""))},
      {"header bomb", kSettings + Frame(1, 0, 1, kOk) +
                          Times(7, Frame(9, 0, 1, Times(4, Literal("a", std::string(100, 'x'))))) +
                          Frame(9, 4, 1, "")},
      {"endless header block",
       kSettings + Frame(1, 0, 1, kOk) + Times(5000, Frame(9, 0, 1, Literal("a", "b")))},
      {"interim answers", kSettings + Times(30, Frame(1, 4, 1, Literal(":status", "103")))},
      {"data before the head", kSettings + Frame(0, 1, 1, "hello")},
      {"end before the head", kSettings + Frame(3, 0, 1, std::string(4, '\0'))},
      {"reset without an error",
       head + Frame(0, 0, 1, "part") + Frame(3, 0, 1, std::string(4, '\0'))},
      {"length that is not kept",
       kSettings + Frame(1, 4, 1, kOk + Literal("content-length", "9")) + Frame(0, 1, 1, "part")},
      {"push", head + Frame(5, 4, 1, std::string("\0\0\0\2", 4) + kOk)},
      {"more than the window", head + Times(40, Frame(0, 0, 1, std::string(16384, 'x')))},
      {"goaway in the middle",
       head + Frame(0, 0, 1, "part") + Frame(7, 0, 0, std::string(8, '\0'))},
      {"silence", head},
  };
  for (const auto& [name, bytes] : hostile) {
    HostilePeer peer(bytes);
    auto request = To("http://" + peer.address());
    request.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(15);
    auto out = Call(std::move(request));
    ASSERT_TRUE(out.error) << name;
    EXPECT_EQ(out.error->code(), Code::kUnavailable) << name << ": " << out.error->message();
  }
}

TEST_F(ClientHttp2Test, ServerThatRefusesEveryStreamIsNotAskedForEver) {
  // The stream's number goes on with each attempt over the one connection: 1, 3, 5.
  HostilePeer peer(kSettings + Frame(3, 0, 1, std::string("\0\0\0\7", 4)) +
                   Frame(7, 0, 0, std::string(8, '\0')));
  auto out = Call(To("http://" + peer.address()));
  ASSERT_TRUE(out.error);
  EXPECT_EQ(out.error->code(), Code::kUnavailable);
  EXPECT_LE(client_->Stats().connections, 3u);
}

}  // namespace
}  // namespace strata::net
