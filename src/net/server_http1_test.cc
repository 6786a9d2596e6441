// The server over HTTP/1.1, byte for byte over loopback sockets.

#include <atomic>
#include <future>
#include <thread>
#include <utility>

#include "base/expect_errors.h"
#include "net/test_support.h"

namespace strata::net {
namespace {

using testing::Eventually;
using testing::RawSocket;
using testing::StartAskingServer;
using testing::StartServer;

// Answers with what arrived: "METHOD target|body".
Task<void> Echo(HttpRequest& request, ResponseWriter& writer, std::stop_token) {
  auto body = request.method + " " + request.target + "|" + request.body;
  Headers headers;
  headers.Add("content-type", "text/plain");
  (void)co_await writer.Send(200, std::move(headers), std::move(body));
}

std::string BodyOf(const std::string& response) {
  auto at = response.find("\r\n\r\n");
  return at == response.npos ? "" : response.substr(at + 4);
}

TEST(ServerHttp1, TargetReachesTheHandlerByteForByte) {
  auto server = StartServer(Echo);
  RawSocket socket(server->addresses()[0]);
  socket.Send(
      "GET /model/arn%3Aaws%3Ab%2Fx//../y/?a=%20+b HTTP/1.1\r\nHost: h\r\nConnection: "
      "close\r\n\r\n");
  auto answer = socket.ReadToEnd();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_EQ(BodyOf(answer), "GET /model/arn%3Aaws%3Ab%2Fx//../y/?a=%20+b|");
}

TEST(ServerHttp1, PipelinedRequestsAreAnsweredInOrder) {
  auto server = StartServer(Echo);
  RawSocket socket(server->addresses()[0]);
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests +=
        "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
  }
  requests += "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  socket.Send(requests);
  auto answers = socket.ReadToEnd();
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = answers.find("POST /" + std::to_string(i) + "|abc", at);
    ASSERT_NE(at, answers.npos) << i;
  }
  EXPECT_NE(answers.find("GET /last|", at), answers.npos);
}

TEST(ServerHttp1, RequestArrivingByteByByteIsServed) {
  auto server = StartServer(Echo);
  RawSocket socket(server->addresses()[0]);
  for (char c :
       std::string_view("POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                        "Connection: close\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: v\r\n\r\n")) {
    ASSERT_TRUE(socket.Send(std::string_view(&c, 1)));
  }
  EXPECT_EQ(BodyOf(socket.ReadToEnd()), "POST /p|abcde");
}

TEST(ServerHttp1, LargeBodiesGoBothWays) {
  auto server = StartServer(Echo);
  RawSocket socket(server->addresses()[0]);
  std::string body(5'000'000, 'x');
  for (std::size_t i = 0; i < body.size(); i += 997) body[i] = static_cast<char>('a' + i % 26);
  std::thread sender([&] {
    socket.Send(
        "PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5000000\r\n\r\n");
    socket.Send(body);
  });
  auto answer = socket.ReadToEnd();
  sender.join();
  EXPECT_EQ(BodyOf(answer), "PUT /|" + body);
}

TEST(ServerHttp1, ExpectContinueIsAnsweredBeforeTheBody) {
  auto server = StartServer(Echo);
  RawSocket socket(server->addresses()[0]);
  socket.Send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(socket.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.Send("hi");
  EXPECT_NE(socket.ReadUntil("POST /|hi").find("200 OK"), std::string::npos);
}

TEST(ServerHttp1, ALongBodyThatIsNotAdmittedIsAnsweredUnread) {
  std::atomic<int> asked = 0;
  auto server = StartAskingServer(Echo, [&](const HttpRequest& head) {
    ++asked;
    return head.target == "/known";
  });
  auto first_line = [&](const std::string& sent) {
    RawSocket socket(server->addresses()[0]);
    socket.Send(sent);
    auto answer = socket.ReadToEnd();
    EXPECT_NE(answer.find("connection: close\r\n"), answer.npos) << answer;
    EXPECT_EQ(answer.find("xx"), answer.npos) << "the handler got a body";
    return answer.substr(0, answer.find("\r\n"));
  };
  const std::string head = "POST /stranger HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(first_line(head + "Content-Length: 9000000\r\n\r\nxx"), "HTTP/1.1 200 OK");
  EXPECT_EQ(first_line(head + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
            "HTTP/1.1 200 OK");
  EXPECT_EQ(
      first_line(head + "Transfer-Encoding: chunked\r\n\r\n20000\r\n" + std::string(0x20000, 'x')),
      "HTTP/1.1 200 OK");
  EXPECT_EQ(asked, 3);
  RawSocket socket(server->addresses()[0]);
  socket.Send(head + "Content-Length: 2\r\n\r\nhi");
  EXPECT_TRUE(socket.ReadUntil("|hi").ends_with("|hi")) << "short ones are not asked about";
  EXPECT_EQ(asked, 3);
  socket.Send("POST /known HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" +
              std::string(99'999, 'x') + "!");
  EXPECT_TRUE(socket.ReadUntil("x!").ends_with("x!"));
  EXPECT_EQ(asked, 4);
}

TEST(ServerHttp1, HeadGetsTheLengthAndNoBody) {
  auto server = StartServer(Echo);
  RawSocket socket(server->addresses()[0]);
  socket.Send("HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  auto answer = socket.ReadToEnd();
  EXPECT_NE(answer.find("content-length: 8\r\n"), answer.npos) << answer;
  EXPECT_EQ(BodyOf(answer), "");
}

struct BadInput {
  const char* name;
  std::string bytes;
  int status;
};

std::vector<BadInput> BadInputs() {
  std::string host = "Host: h\r\n";
  return {
      {"TLS hello on the plain port", std::string("\x16\x03\x01\x02\x00\x01\x00", 7), 400},
      {"no version", "GET /\r\n\r\n", 400},
      {"HTTP/3.0", "GET / HTTP/3.0\r\n" + host + "\r\n", 505},
      {"bare LF", "GET / HTTP/1.1\n" + host + "\n\r\n\r\n", 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
      {"control character in a value", "GET / HTTP/1.1\r\n" + host + "A: \x01\r\n\r\n", 400},
      {"space before colon", "GET / HTTP/1.1\r\n" + host + "A : b\r\n\r\n", 400},
      {"folded line", "GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n", 400},
      {"raw space in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", 400},
      {"relative target", "GET a HTTP/1.1\r\n" + host + "\r\n", 400},
      {"length and chunked",
       "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"two lengths",
       "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
      {"negative length", "POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
      {"length overflow",
       "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n", 400},
      {"gzip coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {"bad chunk size", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
       400},
      {"chunk size overflow",
       "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
       400},
      {"chunk without end",
       "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400},
      {"body too long by length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 5000\r\n\r\n",
       413},
      {"body too long in chunks",
       "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1000\r\n" +
           std::string(4096, 'x') + "\r\n1\r\ny\r\n",
       413},
      {"head too long", "GET / HTTP/1.1\r\n" + host + "A: " + std::string(3000, 'x'), 431},
      {"unknown expectation", "POST / HTTP/1.1\r\n" + host + "Expect: tea\r\n\r\n", 417},
  };
}

TEST(ServerHttp1, MalformedInputIsNamedInSmallJsonAndTheConnectionCloses) {
  auto server =
      StartServer(Echo, {{"net.body_bytes_max", "4096"}, {"net.header_bytes_max", "2048"}});
  for (const auto& bad : BadInputs()) {
    RawSocket socket(server->addresses()[0]);
    socket.Send(bad.bytes);
    auto answer = socket.ReadToEnd();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(bad.status) + " "))
        << bad.name << ": " << answer;
    EXPECT_NE(answer.find("connection: close\r\n"), answer.npos) << bad.name;
    EXPECT_TRUE(BodyOf(answer).starts_with(R"({"type":"error","error":{"type":")"))
        << bad.name << ": " << answer;
  }
}

TEST(ServerHttp1, SlowHeadAndSlowBodyAre408) {
  auto server =
      StartServer(Echo, {{"net.header_timeout_ms", "100"}, {"net.body_timeout_ms", "100"}});
  for (std::string_view part : {"GET / HTTP/1.1\r\nHo",
                                "POST / HTTP/1.1\r\nHost: h\r\n"
                                "Content-Length: 10\r\n\r\nabc"}) {
    RawSocket socket(server->addresses()[0]);
    socket.Send(part);
    auto answer = socket.ReadToEnd();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  }
}

TEST(ServerHttp1, IdleConnectionIsClosedWithoutAWord) {
  auto server =
      StartServer(Echo, {{"net.idle_timeout_ms", "100"}, {"net.header_timeout_ms", "100"}});
  RawSocket fresh(server->addresses()[0]);
  EXPECT_EQ(fresh.ReadToEnd(), "");
  RawSocket used(server->addresses()[0]);
  used.Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  auto answer = used.ReadToEnd();
  EXPECT_EQ(BodyOf(answer), "GET /a|");
}

TEST(ServerHttp1, ClientThatLeavesStopsTheHandlerThatWaits) {
  std::promise<Code> ended;
  auto server = StartServer([&](HttpRequest&, ResponseWriter&, std::stop_token gone) -> Task<void> {
    auto slept = co_await Sleep(std::chrono::minutes(5), gone);
    ended.set_value(slept.has_value() ? Code::kInternal : slept.error().code());
  });
  {
    RawSocket socket(server->addresses()[0]);
    socket.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(socket.Send(""));
  }
  auto outcome = ended.get_future();
  ASSERT_EQ(outcome.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(outcome.get(), Code::kCancelled);
}

TEST(ServerHttp1, StreamedAnswerArrivesPieceByPiece) {
  std::stop_source first_seen;
  auto server =
      StartServer([&](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        Headers headers;
        headers.Add("content-type", "text/event-stream");
        (void)co_await writer.Start(200, std::move(headers));
        (void)co_await writer.Write("one");
        (void)co_await Sleep(std::chrono::minutes(5), first_seen.get_token());
        (void)co_await writer.Write("two");
        (void)co_await writer.Finish();
      });
  RawSocket socket(server->addresses()[0]);
  socket.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  auto first = socket.ReadUntil("3\r\none\r\n");
  EXPECT_NE(first.find("transfer-encoding: chunked"), first.npos);
  EXPECT_EQ(first.find("two"), first.npos);
  first_seen.request_stop();
  EXPECT_EQ(socket.ReadToEnd(), "3\r\ntwo\r\n0\r\n\r\n");
}

TEST(ServerHttp1, HeadersOfAStreamLeaveBeforeTheFirstWrite) {
  std::stop_source go_on;
  auto server =
      StartServer([&](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        (void)co_await writer.Start(200, {});
        (void)co_await Sleep(std::chrono::minutes(5), go_on.get_token());
        (void)co_await writer.Finish();
      });
  RawSocket socket(server->addresses()[0]);
  socket.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(socket.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
  go_on.request_stop();
  EXPECT_EQ(socket.ReadToEnd(), "0\r\n\r\n");
}

TEST(ServerHttp1, HandlerThatThrowsOrForgetsIs500) {
  ExpectErrors errors;
  auto server =
      StartServer([](HttpRequest& request, ResponseWriter&, std::stop_token) -> Task<void> {
        if (request.target == "/throw") throw std::runtime_error("boom");
        co_return;
      });
  for (std::string target : {"/throw", "/forget"}) {
    RawSocket socket(server->addresses()[0]);
    socket.Send("GET " + target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    auto answer = socket.ReadToEnd();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
    EXPECT_EQ(answer.find("boom"), answer.npos);
  }
  EXPECT_EQ(errors.errors(), 2);
}

TEST(ServerHttp1, AbortedOrUnfinishedStreamDoesNotLookWhole) {
  auto server =
      StartServer([](HttpRequest& request, ResponseWriter& writer, std::stop_token) -> Task<void> {
        (void)co_await writer.Start(200, {});
        (void)co_await writer.Write("part");
        if (request.target == "/abort") writer.Abort();
      });
  for (std::string target : {"/abort", "/unfinished"}) {
    RawSocket socket(server->addresses()[0]);
    socket.Send("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
    auto answer = socket.ReadToEnd();
    EXPECT_NE(answer.find("4\r\npart\r\n"), answer.npos);
    EXPECT_EQ(answer.find("\r\n0\r\n"), answer.npos);
  }
}

TEST(ServerHttp1, HeaderValuesCannotSmuggleFields) {
  auto server =
      StartServer([](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        Headers headers;
        headers.Add("x-note", "a\r\nset-cookie: evil=1");
        (void)co_await writer.Send(200, std::move(headers), "ok");
      });
  RawSocket socket(server->addresses()[0]);
  socket.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(socket.ReadToEnd().find("evil"), std::string::npos);
}

TEST(ServerHttp1, StopLetsARunningRequestFinishAndRefusesNewOnes) {
  std::promise<void> entered;
  std::stop_source go_on;
  auto server =
      StartServer([&](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        entered.set_value();
        (void)co_await Sleep(std::chrono::minutes(5), go_on.get_token());
        (void)co_await writer.Send(200, {}, "done");
      });
  RawSocket idle(server->addresses()[0]);
  RawSocket busy(server->addresses()[0]);
  busy.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  entered.get_future().wait();
  std::thread stopper([&] { server->Stop(std::chrono::seconds(20)); });
  EXPECT_EQ(idle.ReadToEnd(), "");
  go_on.request_stop();
  auto answer = busy.ReadToEnd();
  EXPECT_NE(answer.find("connection: close\r\n"), answer.npos) << answer;
  EXPECT_EQ(BodyOf(answer), "done");
  busy.Close();
  stopper.join();
}

TEST(ServerHttp1, StopCancelsWhatOutlivesTheGrace) {
  std::promise<void> entered;
  std::atomic<bool> cancelled = false;
  auto server = StartServer([&](HttpRequest&, ResponseWriter&, std::stop_token gone) -> Task<void> {
    entered.set_value();
    auto slept = co_await Sleep(std::chrono::minutes(5), gone);
    cancelled = !slept.has_value();
  });
  RawSocket socket(server->addresses()[0]);
  socket.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  entered.get_future().wait();
  server->Stop(std::chrono::milliseconds(1));
  EXPECT_TRUE(cancelled);
}

TEST(ServerHttp1, ConnectionsBeyondTheLimitAreRefusedAtOnce) {
  auto server = StartServer(Echo, {{"net.connections_max", "2"}});
  RawSocket first(server->addresses()[0]);
  RawSocket second(server->addresses()[0]);
  for (auto* socket : {&first, &second}) {
    socket->Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_NE(socket->ReadUntil("GET /a|").find("200"), std::string::npos);
  }
  RawSocket third(server->addresses()[0]);
  EXPECT_TRUE(third.ReadToEnd().starts_with("HTTP/1.1 503 "));
}

TEST(ServerHttp1, ConnectionsOfOnePeerBeyondItsLimitAreRefusedUntilOneEnds) {
  auto server = StartServer(Echo, {{"net.connections_per_peer_max", "2"}});
  auto first = std::make_unique<RawSocket>(server->addresses()[0]);
  RawSocket second(server->addresses()[0]);
  for (auto* socket : {first.get(), &second}) {
    socket->Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_NE(socket->ReadUntil("GET /a|").find("200"), std::string::npos);
  }
  RawSocket third(server->addresses()[0]);
  auto refusal = third.ReadToEnd();
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 503 "));
  EXPECT_NE(refusal.find("net.connections_per_peer_max"), refusal.npos);
  first.reset();
  EXPECT_TRUE(Eventually([&] { return server->Stats().connections_open == 1; }));
  RawSocket fourth(server->addresses()[0]);
  fourth.Send("GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(BodyOf(fourth.ReadToEnd()), "GET /b|");
}

// Never a long pause, and still too slow.
TEST(ServerHttp1, BodyThatDripsIs408) {
  auto server =
      StartServer(Echo, {{"net.body_timeout_ms", "300"}, {"net.body_rate_min", "1000000"}});
  RawSocket socket(server->addresses()[0]);
  socket.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  std::thread drip([&] {
    for (int i = 0; i < 200 && socket.Send("x"); ++i) ::usleep(20'000);
  });
  auto answer = socket.ReadToEnd();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  drip.join();
}

TEST(ServerHttp1, LastBytesAndTheEndOfAStreamArriveTogether) {
  auto server =
      StartServer([](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        (void)co_await writer.Start(200, {});
        (void)co_await writer.Write("one");
        (void)co_await writer.FinishWith("two");
      });
  RawSocket socket(server->addresses()[0]);
  socket.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(BodyOf(socket.ReadToEnd()), "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
}

// One byte of a large answer at a time: what the server holds is what the handler gave it.
TEST(ServerHttp1, ReaderThatTakesNothingHoldsTheHandlerBack) {
  std::atomic<std::size_t> written = 0;
  std::promise<Code> ended;
  auto server = StartServer(
      [&](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        (void)co_await writer.Start(200, {});
        std::string piece(64 * 1024, 'x');
        Result<> sent;
        while (sent.has_value()) {
          sent = co_await writer.Write(piece);
          written += piece.size();
        }
        ended.set_value(sent.error().code());
      },
      {{"net.write_timeout_ms", "300"}});
  RawSocket socket(server->addresses()[0]);
  socket.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(ended.get_future().get(), Code::kCancelled);
  EXPECT_LT(written, 16u << 20);  // the kernel's buffers
}

// Small pieces are done before the socket has them: what it does not take must still come whole, in
// order, and hold the handler back.
TEST(ServerHttp1, SmallPiecesForASlowReaderStayWholeAndInOrder) {
  std::atomic<std::size_t> written = 0;
  constexpr std::size_t kPieces = 4096, kPieceBytes = 4096;
  auto server =
      StartServer([&](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        (void)co_await writer.Start(200, {});
        for (std::size_t i = 0; i < kPieces; ++i) {
          std::string piece(kPieceBytes, static_cast<char>('a' + i % 26));
          auto sent = co_await writer.Write(piece);
          if (!sent.has_value()) co_return;
          written += piece.size();
        }
        (void)co_await writer.Finish();
      });
  RawSocket socket(server->addresses()[0]);
  socket.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  auto before = written.load() + 1;
  while (std::exchange(before, written.load()) != written.load()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_LT(written, kPieces * kPieceBytes);
  auto answer = socket.ReadToEnd();
  std::string expected;
  for (std::size_t i = 0; i < kPieces; ++i) {
    expected += "1000\r\n" + std::string(kPieceBytes, static_cast<char>('a' + i % 26)) + "\r\n";
  }
  EXPECT_TRUE(BodyOf(answer) == expected + "0\r\n\r\n");
}

TEST(ServerHttp1, AddressInUseAndBadAddressAreErrors) {
  auto server = StartServer(Echo);
  ListenSpec taken;
  taken.port = testing::PortOf(server->addresses()[0]);
  auto second = Server::Create(testing::MakeOptions(), {taken}, Echo);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Code::kUnavailable);
  ListenSpec nonsense;
  nonsense.address = "not-an-address";
  auto third = Server::Create(testing::MakeOptions(), {nonsense}, Echo);
  ASSERT_FALSE(third.has_value());
  EXPECT_EQ(third.error().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace strata::net
