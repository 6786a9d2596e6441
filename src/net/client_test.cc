// The HTTP client against the server and against raw sockets that misbehave.

#include <atomic>
#include <future>

#include "net/changes.h"
#include "net/test_support.h"

namespace strata::net {
namespace {

using testing::MakeOptions;
using testing::StartServer;

// Runs one call on a runtime of its own and collects the whole answer.
struct Collected {
  int status = 0;
  std::string body;
  std::optional<Error> error;
};

Task<Collected> Collect(std::shared_ptr<Client> client, ClientRequest request) {
  Collected out;
  auto response = co_await client->Send(std::move(request));
  if (!response.has_value()) {
    out.error = response.error();
    co_return out;
  }
  out.status = (*response)->status();
  auto body = co_await (*response)->ReadAll(100u << 20);
  if (body.has_value()) {
    out.body = std::move(*body);
  } else {
    out.error = body.error();
  }
  co_return out;
}

ClientRequest Get(const std::string& address, std::string target = "/") {
  ClientRequest request;
  request.url = "http://" + address + std::move(target);
  request.allow_private_addresses = true;
  return request;
}

// Accepts one connection after the other and answers each with the given bytes, then closes.
class ScriptedPeer {
 public:
  explicit ScriptedPeer(std::vector<std::string> answers) : answers_(std::move(answers)) {
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
  ~ScriptedPeer() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  const std::string& address() const { return address_; }

 private:
  void Serve() {
    for (const auto& answer : answers_) {
      int peer = ::accept(fd_, nullptr, nullptr);
      if (peer < 0) return;
      char bytes[4096];
      (void)!::recv(peer, bytes, sizeof bytes, 0);
      (void)!::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
      ::close(peer);
    }
  }
  std::vector<std::string> answers_;
  std::string address_;
  std::thread thread_;
  int fd_ = -1;
};

class ClientTest : public ::testing::Test {
 protected:
  Collected Call(ClientRequest request) {
    return runtime_.Run(Collect(client_, std::move(request)));
  }
  std::shared_ptr<Client> client_ = Client::Create(MakeOptions());
  Runtime runtime_;
};

Task<void> EchoPeer(HttpRequest& request, ResponseWriter& writer, std::stop_token) {
  auto body = request.method + " " + request.target + " " + request.peer + "|" + request.body;
  (void)co_await writer.Send(200, {}, std::move(body));
}

TEST_F(ClientTest, BodyAndRawTargetArriveAsGiven) {
  auto server = StartServer(EchoPeer);
  auto request = Get(server->addresses()[0], "/model/arn%3Aaws%2Fx/converse?q=a%20b");
  request.method = "POST";
  request.body = std::string(3'000'000, 'y');
  auto out = Call(std::move(request));
  EXPECT_EQ(out.status, 200);
  EXPECT_TRUE(out.body.starts_with("POST /model/arn%3Aaws%2Fx/converse?q=a%20b 127.0.0.1:"));
  EXPECT_TRUE(out.body.ends_with("|" + std::string(3'000'000, 'y')));
}

TEST_F(ClientTest, ConnectionIsKeptAndUsedAgain) {
  auto server = StartServer(EchoPeer);
  auto first = Call(Get(server->addresses()[0]));
  auto second = Call(Get(server->addresses()[0]));
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, second.body);  // the body names the client's port
}

TEST_F(ClientTest, ConnectionThatWentStaleIsReplacedOnce) {
  std::string kept = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n";
  ScriptedPeer peer({kept + "a", kept + "b"});  // closes after each, though it promised to keep
  EXPECT_EQ(Call(Get(peer.address())).body, "a");
  EXPECT_EQ(Call(Get(peer.address())).body, "b");
}

// The server may have worked on the request: sending it again could bill it twice.
TEST_F(ClientTest, KeptConnectionThatEndsLateIsNotReplaced) {
  std::atomic<int> calls = 0;
  auto server =
      StartServer([&](HttpRequest&, ResponseWriter& writer, std::stop_token gone) -> Task<void> {
        if (++calls == 1) {
          (void)co_await writer.Send(200, {}, "a");
          co_return;
        }
        (void)co_await Sleep(std::chrono::milliseconds(300),
                             gone);  // on this machine a round trip is less
        (void)co_await writer.Start(200, {});
        writer.Abort();  // before the head has left
      });
  EXPECT_EQ(Call(Get(server->addresses()[0])).body, "a");
  auto out = Call(Get(server->addresses()[0]));
  ASSERT_TRUE(out.error);
  EXPECT_EQ(out.error->code(), Code::kUnavailable);
  EXPECT_EQ(calls, 2);
}

TEST_F(ClientTest, EndOfABodyThatIsThereIsTakenWithoutWaiting) {
  ScriptedPeer peer({
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
  });
  auto read = [](std::shared_ptr<Client> client, ClientRequest request) -> Task<bool> {
    auto response = co_await client->Send(std::move(request));
    if (!response.has_value()) co_return false;
    auto piece = co_await (*response)->Read();
    EXPECT_TRUE(piece.has_value() && *piece == "hello");  // both chunks as one
    co_return (*response)->TryFinish();
  };
  EXPECT_TRUE(runtime_.Run(read(client_, Get(peer.address()))));
  EXPECT_FALSE(runtime_.Run(read(client_, Get(peer.address()))));
}

// A stream that came in one burst begins for its reader before the rest of it is read; on a kept
// connection too.
TEST_F(ClientTest, AnAnswerBeginsWithASmallRead) {
  auto server =
      StartServer([](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        (void)co_await writer.Start(200, {});
        (void)co_await writer.Write(std::string(12'000, 'x'));
        (void)co_await writer.Finish();
      });
  auto read = [](std::shared_ptr<Client> client, ClientRequest request) -> Task<void> {
    auto response = co_await client->Send(std::move(request));
    if (!response.has_value()) co_return ADD_FAILURE() << response.error().message();
    co_await Sleep(std::chrono::milliseconds(50));  // the rest is there
    std::vector<std::size_t> sizes;
    for (std::size_t sum = 0; sum < 12'000; sum += sizes.back()) {
      auto piece = co_await (*response)->Read();
      if (!piece.has_value() || piece->empty()) co_return ADD_FAILURE() << "ended at " << sum;
      sizes.push_back(piece->size());
    }
    EXPECT_EQ(sizes.size(), 2U);
    EXPECT_LT(sizes.front(), 4096U);
    EXPECT_TRUE((*response)->TryFinish());
  };
  runtime_.Run(read(client_, Get(server->addresses()[0])));
  runtime_.Run(read(client_, Get(server->addresses()[0])));
}

TEST_F(ClientTest, AnswersOfEveryFramingAreRead) {
  ScriptedPeer peer({
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
      "HTTP/1.0 200 OK\r\n\r\nhello",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200\r\n\r\nhello",
      "HTTP/1.1 204 No Content\r\n\r\n",
  });
  for (int i = 0; i < 4; ++i) {
    auto out = Call(Get(peer.address()));
    EXPECT_EQ(out.body, "hello") << i << (out.error ? out.error->message() : "");
  }
  auto empty = Call(Get(peer.address()));
  EXPECT_EQ(empty.status, 204);
  EXPECT_FALSE(empty.error);
}

TEST_F(ClientTest, BrokenAnswersAreUnavailable) {
  std::vector<std::string> broken = {
      "",
      "garbage\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
      "HTTP/1.1 101 Switching\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'x'),
  };
  ScriptedPeer peer(broken);
  for (std::size_t i = 0; i < broken.size(); ++i) {
    auto out = Call(Get(peer.address()));
    ASSERT_TRUE(out.error) << i;
    EXPECT_EQ(out.error->code(), Code::kUnavailable) << i << out.error->message();
  }
}

TEST_F(ClientTest, RefusedConnectionIsUnavailable) {
  std::string address;
  {
    address = StartServer(EchoPeer)->addresses()[0];
  }
  auto out = Call(Get(address));
  ASSERT_TRUE(out.error);
  EXPECT_EQ(out.error->code(), Code::kUnavailable);
}

TEST_F(ClientTest, PrivateAddressesAreRefusedUnlessAllowed) {
  auto server = StartServer(EchoPeer);
  auto port = server->addresses()[0].substr(10);
  for (std::string host : {"127.0.0.1:" + port, "localhost:" + port, std::string("169.254.169.254"),
                           std::string("[::1]:") + port, std::string("[::ffff:127.0.0.1]"),
                           std::string("10.0.0.1"), std::string("0.0.0.0:") + port}) {
    auto request = Get(host);
    request.allow_private_addresses = false;
    auto out = Call(std::move(request));
    ASSERT_TRUE(out.error) << host;
    EXPECT_EQ(out.error->code(), Code::kPermissionDenied) << host << out.error->message();
  }
}

TEST_F(ClientTest, KeptPrivateConnectionIsNotLentToARequestThatMayNotUseIt) {
  auto server = StartServer(EchoPeer);
  EXPECT_EQ(Call(Get(server->addresses()[0])).status, 200);
  auto request = Get(server->addresses()[0]);
  request.allow_private_addresses = false;
  auto out = Call(std::move(request));
  ASSERT_TRUE(out.error);
  EXPECT_EQ(out.error->code(), Code::kPermissionDenied);
}

TEST_F(ClientTest, DeadlineAndCancelInterruptTheWaitAndHangUp) {
  std::promise<void> gone_twice[2];
  std::atomic<int> calls = 0;
  auto server = StartServer([&](HttpRequest&, ResponseWriter&, std::stop_token gone) -> Task<void> {
    int call = calls++;
    (void)co_await Sleep(std::chrono::minutes(5), gone);
    gone_twice[call].set_value();
  });
  auto late = Get(server->addresses()[0]);
  late.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  auto out = Call(std::move(late));
  ASSERT_TRUE(out.error);
  EXPECT_EQ(out.error->code(), Code::kDeadlineExceeded);

  std::stop_source stop;
  auto request = Get(server->addresses()[0]);
  request.cancel = stop.get_token();
  std::thread canceller([&] {
    EXPECT_TRUE(testing::Eventually([&] { return calls == 2; }));
    stop.request_stop();
  });
  out = Call(std::move(request));
  canceller.join();
  ASSERT_TRUE(out.error);
  EXPECT_EQ(out.error->code(), Code::kCancelled);
  for (auto& gone : gone_twice) {
    EXPECT_EQ(gone.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  }
}

TEST_F(ClientTest, AnswerLongerThanTheLimitIsTooLarge) {
  auto server = StartServer(EchoPeer);
  auto run = [](std::shared_ptr<Client> client, ClientRequest request) -> Task<Code> {
    auto response = co_await client->Send(std::move(request));
    if (!response.has_value()) co_return response.error().code();
    auto body = co_await (*response)->ReadAll(3);
    co_return body.has_value() ? Code::kInternal : body.error().code();
  };
  EXPECT_EQ(runtime_.Run(run(client_, Get(server->addresses()[0]))), Code::kTooLarge);
}

TEST_F(ClientTest, OtherOptionsHoldForCallsThatBeginAfterThem) {
  auto server =
      StartServer([](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        Headers headers;
        headers.Set("x-long", std::string(3000, 'h'));
        (void)co_await writer.Send(200, std::move(headers), "ok");
      });
  auto client = Client::Create(MakeOptions());
  Runtime runtime;
  auto ask = [&] { return runtime.Run(Collect(client, Get(server->addresses()[0]))); };
  EXPECT_EQ(ask().body, "ok");
  auto commit = PrepareChange(*client, MakeOptions({{"net.client.header_bytes_max", "1024"}}));
  ASSERT_TRUE(commit.has_value());
  EXPECT_EQ(ask().body, "ok");
  (*commit)();
  auto refused = ask();
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->code(), Code::kUnavailable);
  EXPECT_EQ(client->Stats().connections, 2U);
  auto bad = PrepareChange(*client, MakeOptions({{"net.client.ca_file", "/nowhere.pem"}}));
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().code(), Code::kInvalidArgument);
}

TEST_F(ClientTest, BadUrlAndBadHeadersAreInvalid) {
  for (std::string url :
       {"", "ftp://h/", "http://", "http://u:p@h/", "http://h:0/", "http://h/a b"}) {
    ClientRequest request;
    request.url = url;
    auto out = Call(std::move(request));
    ASSERT_TRUE(out.error) << url;
    EXPECT_EQ(out.error->code(), Code::kInvalidArgument) << url;
  }
  auto request = Get("127.0.0.1:1");
  request.headers.Add("x", "a\r\nb: c");
  auto out = Call(std::move(request));
  ASSERT_TRUE(out.error);
  EXPECT_EQ(out.error->code(), Code::kInvalidArgument);
}

// The shape of the gateway: a handler that streams an upstream's answer through.
Task<void> PassThrough(std::shared_ptr<Client> client, std::string upstream, HttpRequest& request,
                       ResponseWriter& writer, std::stop_token gone) {
  auto call = Get(upstream, request.target);
  call.method = "POST";
  call.body = std::move(request.body);
  call.cancel = gone;
  auto response = co_await client->Send(std::move(call));
  if (!response.has_value()) {
    (void)co_await writer.Send(502, {}, response.error().message());
    co_return;
  }
  (void)co_await writer.Start((*response)->status(), {});
  while (true) {
    auto piece = co_await (*response)->Read();
    if (!piece.has_value()) co_return writer.Abort();
    if (piece->empty()) break;
    if (auto sent = co_await writer.Write(*piece); !sent.has_value()) co_return;
  }
  (void)co_await writer.Finish();
}

TEST_F(ClientTest, HandlersOfAServerStreamUpstreamAnswersThroughManyAtOnce) {
  auto upstream = StartServer(EchoPeer);
  auto client = client_;
  auto address = upstream->addresses()[0];
  auto front = StartServer([client, address](HttpRequest& request, ResponseWriter& writer,
                                             std::stop_token gone) -> Task<void> {
    return PassThrough(client, address, request, writer, gone);
  });
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&, i] {
      Runtime runtime;
      for (int j = 0; j < 25; ++j) {
        auto request = Get(front->addresses()[0], "/" + std::to_string(i * 100 + j));
        request.method = "POST";
        request.body = std::string(static_cast<std::size_t>(j) * 5000, 'b');
        auto body = request.body;
        auto out = runtime.Run(Collect(client, std::move(request)));
        EXPECT_EQ(out.status, 200) << (out.error ? out.error->message() : "");
        EXPECT_TRUE(out.body.ends_with("|" + body));
      }
    });
  }
  for (auto& caller : callers) caller.join();
}

TEST_F(ClientTest, RuntimeMayEndWhileACallWaits) {
  std::promise<void> entered;
  auto server = StartServer([&](HttpRequest&, ResponseWriter&, std::stop_token gone) -> Task<void> {
    entered.set_value();
    (void)co_await Sleep(std::chrono::minutes(5), gone);
  });
  {
    Runtime runtime;
    auto call = [](std::shared_ptr<Client> client, ClientRequest request) -> Task<void> {
      (void)co_await Collect(client, std::move(request));
    };
    runtime.Spawn(call(client_, Get(server->addresses()[0])));
    entered.get_future().wait();
  }
}

}  // namespace
}  // namespace strata::net
