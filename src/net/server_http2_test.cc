// The server over HTTP/2, driven by a small client of nghttp2's own over a raw loopback socket.

#include <atomic>
#include <future>

#include "base/expect_errors.h"
#include "net/test_http2_peer.h"

namespace strata::net {
namespace {

using testing::Eventually;
using testing::Http2Peer;
using testing::RawSocket;
using testing::StartAskingServer;
using testing::StartServer;

Task<void> Echo(HttpRequest& request, ResponseWriter& writer, std::stop_token) {
  auto body = request.method + " " + request.target + " " + request.authority + "|" + request.body;
  Headers headers;
  headers.Add("X-Mixed-Case", "yes");
  (void)co_await writer.Send(200, std::move(headers), std::move(body));
}

TEST(ServerHttp2, PriorKnowledgeOnThePlainListenerIsServed) {
  auto server = StartServer(Echo);
  Http2Peer peer(server->addresses()[0]);
  auto& answer = peer.Await(peer.Request("GET", "/model/arn%3Aaws%2Fx?a=%20"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "GET /model/arn%3Aaws%2Fx?a=%20 h|");
  EXPECT_EQ(answer.headers.at("x-mixed-case"), "yes");
  EXPECT_EQ(answer.headers.at("content-length"), std::to_string(answer.body.size()));
}

TEST(ServerHttp2, PrefaceArrivingByteByByteIsRecognised) {
  auto server = StartServer(Echo);
  RawSocket socket(server->addresses()[0]);
  for (char c : std::string_view("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) {
    ASSERT_TRUE(socket.Send(std::string_view(&c, 1)));
  }
  socket.Send(std::string_view("\0\0\0\4\0\0\0\0\0", 9));
  auto first = socket.ReadSome();
  ASSERT_GE(first.size(), 9u);
  EXPECT_EQ(first[3], 4);  // SETTINGS
}

TEST(ServerHttp2, ManyStreamsOnOneConnectionEachGetTheirOwnAnswer) {
  auto server = StartServer(Echo);
  Http2Peer peer(server->addresses()[0]);
  std::vector<int> ids;
  for (int i = 0; i < 300; ++i) ids.push_back(peer.Request("POST", "/" + std::to_string(i), "b"));
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(peer.Await(ids[i]).body, "POST /" + std::to_string(i) + " h|b");
  }
}

TEST(ServerHttp2, LargeBodiesGoBothWaysUnderFlowControl) {
  auto server = StartServer(Echo);
  Http2Peer peer(server->addresses()[0]);
  std::string body(3'000'000, 'x');
  for (std::size_t i = 0; i < body.size(); i += 997) body[i] = static_cast<char>('a' + i % 26);
  auto& answer = peer.Await(peer.Request("POST", "/", body));
  EXPECT_EQ(answer.body, "POST / h|" + body);
}

TEST(ServerHttp2, ExpectContinueIsAnsweredBeforeTheBody) {
  auto server = StartServer(Echo);
  Http2Peer peer(server->addresses()[0]);
  int id = peer.Request("POST", "/", std::string(200'000, 'x'), {{"expect", "100-continue"}});
  EXPECT_TRUE(peer.RunUntil([&] { return peer.answer(id).status == 100; }));
  EXPECT_EQ(peer.Await(id).status, 200);
}

TEST(ServerHttp2, ALongBodyThatIsNotAdmittedIsAnsweredUnread) {
  auto server =
      StartAskingServer(Echo, [](const HttpRequest& head) { return head.target == "/known"; });
  Http2Peer peer(server->addresses()[0]);
  const std::string body(200'000, 'x');
  EXPECT_EQ(peer.Await(peer.Request("POST", "/known", body)).body, "POST /known h|" + body);
  const std::pair<std::string, std::string> kinds[] = {
      {"content-length", "200000"}, {"expect", "100-continue"}, {"length", "unknown"}};
  for (const auto& kind : kinds) {
    auto& answer = peer.Await(peer.Request("POST", "/stranger", body, {kind}));
    EXPECT_EQ(answer.body, "POST /stranger h|") << kind.first;
    EXPECT_EQ(answer.status, 200);
  }
  EXPECT_EQ(peer.Await(peer.Request("POST", "/stranger", "short")).body, "POST /stranger h|short");
}

// Clients that take a reset for the end of all (httpx, curl 7) read no answer before it.
TEST(ServerHttp2, ABodyThatIsAnnouncedTooLongIsRefusedBeforeItComesAndMayStillBeSent) {
  auto server = StartServer(Echo, {{"net.body_bytes_max", "4096"}, {"net.body_timeout_ms", "300"}});
  Http2Peer peer(server->addresses()[0]);
  int open = peer.RequestOpen("POST", "/", "x");
  int id = peer.Request("POST", "/", std::string(100'000, 'x'), {{"content-length", "100000"}});
  auto& answer = peer.Await(id);
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.error, 0U) << "ended by both sides";
  EXPECT_TRUE(peer.RunUntil([&] { return peer.answer(open).closed; })) << "not kept for ever";
  EXPECT_EQ(peer.answer(open).status, 408);
}

TEST(ServerHttp2, HeadHasNoBody) {
  auto server = StartServer(Echo);
  Http2Peer peer(server->addresses()[0]);
  auto& answer = peer.Await(peer.Request("HEAD", "/x"));
  EXPECT_EQ(answer.headers.at("content-length"), "10");
  EXPECT_EQ(answer.body, "");
}

TEST(ServerHttp2, StreamedAnswersOfTwoStreamsArriveInterleaved) {
  std::promise<void> second_done;
  auto wait = std::make_shared<std::stop_source>();
  auto server = StartServer(
      [wait](HttpRequest& request, ResponseWriter& writer, std::stop_token) -> Task<void> {
        (void)co_await writer.Start(200, {});
        (void)co_await writer.Write("one");
        if (request.target == "/slow") {
          (void)co_await Sleep(std::chrono::minutes(5), wait->get_token());
        }
        (void)co_await writer.Write("two");
        (void)co_await writer.Finish();
      });
  Http2Peer peer(server->addresses()[0]);
  int slow = peer.Request("GET", "/slow");
  int fast = peer.Request("GET", "/fast");
  EXPECT_EQ(peer.Await(fast).body, "onetwo");
  EXPECT_TRUE(peer.RunUntil([&] { return peer.answer(slow).body == "one"; }));
  EXPECT_FALSE(peer.answer(slow).closed);
  wait->request_stop();
  EXPECT_EQ(peer.Await(slow).body, "onetwo");
}

TEST(ServerHttp2, ResetAndDisconnectStopTheHandlerThatWaits) {
  std::atomic<int> cancelled = 0;
  std::atomic<int> entered = 0;
  auto server = StartServer([&](HttpRequest&, ResponseWriter&, std::stop_token gone) -> Task<void> {
    ++entered;
    auto slept = co_await Sleep(std::chrono::minutes(5), gone);
    if (!slept.has_value()) ++cancelled;
  });
  {
    Http2Peer peer(server->addresses()[0]);
    int first = peer.Request("GET", "/1");
    peer.Request("GET", "/2");
    peer.Flush();
    EXPECT_TRUE(Eventually([&] { return entered == 2; }));
    peer.Reset(first);
    peer.Flush();
    EXPECT_TRUE(Eventually([&] { return cancelled == 1; }));
  }
  EXPECT_TRUE(Eventually([&] { return cancelled == 2; }));
}

TEST(ServerHttp2, TooLargeBodyAndHeadersAreAnsweredAndTheConnectionGoesOn) {
  auto server =
      StartServer(Echo, {{"net.body_bytes_max", "4096"}, {"net.header_bytes_max", "2048"}});
  Http2Peer peer(server->addresses()[0]);
  auto& large = peer.Await(peer.Request("POST", "/", std::string(100'000, 'x')));
  EXPECT_EQ(large.status, 413);
  EXPECT_TRUE(large.body.starts_with(R"({"type":"error","error":{"type":")")) << large.body;
  auto& wide = peer.Await(peer.Request("GET", "/", "", {{"a", std::string(3000, 'x')}}));
  EXPECT_EQ(wide.status, 431);
  EXPECT_EQ(peer.Await(peer.Request("GET", "/ok")).body, "GET /ok h|");
}

TEST(ServerHttp2, RapidResetEndsTheConnection) {
  auto server = StartServer(
      [](HttpRequest&, ResponseWriter&, std::stop_token gone) -> Task<void> {
        (void)co_await Sleep(std::chrono::minutes(5), gone);
      },
      {{"net.http2.resets_max", "20"}});
  Http2Peer peer(server->addresses()[0]);
  for (int i = 0; i < 100; ++i) {
    int id = peer.Request("GET", "/");
    peer.Flush();
    peer.Reset(id);
    peer.Flush();
  }
  while (peer.Turn()) {
  }
  EXPECT_EQ(peer.goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST(ServerHttp2, PingFloodEndsTheConnection) {
  auto server = StartServer(Echo, {{"net.http2.control_frames_max", "50"}});
  Http2Peer peer(server->addresses()[0]);
  for (int i = 0; i < 200; ++i) {
    peer.Ping();
    peer.Flush();
  }
  while (peer.Turn()) {
  }
  EXPECT_EQ(peer.goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
}

// A frame by hand.
std::string Frame(int type, int flags, int stream, const std::string& payload) {
  std::string out;
  for (int shift : {16, 8, 0}) out.push_back(static_cast<char>(payload.size() >> shift));
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  for (int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(stream >> shift));
  return out + payload;
}

TEST(ServerHttp2, FloodsOfFramesThatCostTheirSenderNothingEndTheConnection) {
  auto server = StartServer(Echo, {{"net.http2.control_frames_max", "50"}});
  // HPACK: POST, http, "/", and an authority.
  std::string head = "\x83\x86\x84\x41\x01h";
  std::string field = std::string(1, '\0') + "\x01" + "a" + "\x01" + "b";
  std::map<std::string, std::pair<std::string, std::string>> floods = {
      {"settings", {"", Frame(4, 0, 0, "")}},
      {"priority", {"", Frame(2, 0, 3, std::string("\0\0\0\0\1", 5))}},
      {"empty data", {Frame(1, 4, 1, head), Frame(0, 0, 1, "")}},
      {"continuation", {Frame(1, 0, 1, head), Frame(9, 0, 1, field)}},
      {"empty continuation", {Frame(1, 0, 1, head), Frame(9, 0, 1, "")}},
  };
  for (const auto& [name, flood] : floods) {
    RawSocket socket(server->addresses()[0]);
    std::string bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(4, 0, 0, "") + flood.first;
    for (int i = 0; i < 500; ++i) bytes += flood.second;
    socket.Send(bytes);
    auto answer = socket.ReadToEnd();  // ends: the server closes
    EXPECT_NE(answer.find(std::string("\x07\0\0\0\0\0", 6)), answer.npos) << name;  // GOAWAY
  }
}

TEST(ServerHttp2, BodiesOfManyStreamsTogetherAreBounded) {
  auto server = StartServer(Echo, {{"net.body_bytes_max", "60000"}});
  Http2Peer peer(server->addresses()[0]);
  std::vector<int> ids;
  for (int i = 0; i < 10; ++i) {
    // Announces more than it sends for now: the bodies stay incomplete, and add up.
    ids.push_back(peer.RequestOpen("POST", "/", std::string(40'000, 'x')));
  }
  EXPECT_TRUE(peer.RunUntil([&] {
    return std::any_of(ids.begin(), ids.end(),
                       [&](int id) { return peer.answer(id).status == 503; });
  }));
  EXPECT_EQ(peer.Await(peer.Request("GET", "/ok")).body, "GET /ok h|");
}

TEST(ServerHttp2, HandlersOfResetStreamsCountAgainstTheLimit) {
  std::stop_source release;
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  auto server = StartServer(
      [&](HttpRequest&, ResponseWriter&, std::stop_token) -> Task<void> {
        most = std::max(most.load(), ++running);
        (void)co_await Sleep(std::chrono::minutes(5), release.get_token());  // deaf to its client
        --running;
      },
      {{"net.http2.streams_max", "4"}});
  Http2Peer peer(server->addresses()[0]);
  peer.Turn();
  int refused = 0;
  for (int i = 0; i < 30; ++i) {
    int id = peer.Request("GET", "/");
    peer.Flush();
    peer.Reset(id);
    peer.Flush();
  }
  int last = peer.Request("GET", "/");
  refused = peer.Await(last).error == NGHTTP2_REFUSED_STREAM;
  EXPECT_TRUE(refused);
  EXPECT_LE(most, 8);
  release.request_stop();
  EXPECT_TRUE(Eventually([&] { return running == 0; }));
}

TEST(ServerHttp2, SlowRequestBodyIs408) {
  auto server = StartServer(Echo, {{"net.body_timeout_ms", "100"}});
  Http2Peer peer(server->addresses()[0]);
  // A body that is announced, and of which nothing is ever sent.
  std::vector<nghttp2_nv> none;
  int id = peer.Request("POST", "/", std::string(5'000'000, 'x'));
  // Only what fits the first window goes out; then the peer stays silent.
  peer.Flush();
  auto bytes = peer.socket().ReadUntil("did not arrive in time");
  EXPECT_NE(bytes.find("did not arrive in time"), bytes.npos);
  EXPECT_GT(id, 0);
}

TEST(ServerHttp2, GarbageAfterThePrefaceEndsTheConnectionWithGoaway) {
  auto server = StartServer(Echo);
  RawSocket socket(server->addresses()[0]);
  socket.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string(100, 'z'));
  auto bytes = socket.ReadToEnd();
  EXPECT_FALSE(bytes.empty());
}

TEST(ServerHttp2, HandlerThatThrowsIs500AndAnAbortedStreamIsReset) {
  ExpectErrors errors;
  auto server =
      StartServer([](HttpRequest& request, ResponseWriter& writer, std::stop_token) -> Task<void> {
        if (request.target == "/throw") throw std::runtime_error("boom");
        (void)co_await writer.Start(200, {});
        (void)co_await writer.Write("part");
        if (request.target == "/abort") writer.Abort();
      });
  Http2Peer peer(server->addresses()[0]);
  EXPECT_EQ(peer.Await(peer.Request("GET", "/throw")).status, 500);
  EXPECT_NE(peer.Await(peer.Request("GET", "/abort")).error, 0u);
  EXPECT_NE(peer.Await(peer.Request("GET", "/unfinished")).error, 0u);
  EXPECT_EQ(errors.errors(), 1);
}

TEST(ServerHttp2, StopSendsGoawayAndLetsTheRunningStreamFinish) {
  std::promise<void> entered;
  std::stop_source go_on;
  auto server =
      StartServer([&](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        entered.set_value();
        (void)co_await Sleep(std::chrono::minutes(5), go_on.get_token());
        (void)co_await writer.Send(200, {}, "done");
      });
  Http2Peer peer(server->addresses()[0]);
  int id = peer.Request("GET", "/");
  peer.Flush();
  entered.get_future().wait();
  std::thread stopper([&] { server->Stop(std::chrono::seconds(20)); });
  EXPECT_TRUE(peer.RunUntil([&] { return peer.goaway().has_value(); }));
  go_on.request_stop();
  EXPECT_EQ(peer.Await(id).body, "done");
  while (peer.Turn()) {
  }
  peer.socket().Close();
  stopper.join();
}

TEST(ServerHttp2, ClientThatGrantsNoWindowIsCutOff) {
  std::promise<Code> outcome;
  auto server = StartServer(
      [&](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
        auto sent = co_await writer.Send(200, {}, std::string(1'000'000, 'x'));
        outcome.set_value(sent.has_value() ? Code::kInternal : sent.error().code());
      },
      {{"net.write_timeout_ms", "150"}});
  Http2Peer peer(server->addresses()[0]);
  peer.Request("GET", "/");
  peer.Flush();  // and never reads, so never sends WINDOW_UPDATE
  EXPECT_EQ(outcome.get_future().get(), Code::kCancelled);
}

}  // namespace
}  // namespace strata::net
