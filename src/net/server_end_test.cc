// The end of a server's life: who is still served, who goes to a successor, and what the counters
// say meanwhile.

#include <atomic>
#include <future>

#include "net/test_support.h"

namespace strata::net {
namespace {

using testing::Eventually;
using testing::RawSocket;
using testing::StartServer;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kLastGet = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

Handler Says(std::string text) {
  return [text](HttpRequest&, ResponseWriter& writer, std::stop_token) -> Task<void> {
    auto body = text;
    (void)co_await writer.Send(200, {}, std::move(body));
  };
}

std::string BodyOf(const std::string& response) {
  auto at = response.find("\r\n\r\n");
  return at == response.npos ? "" : response.substr(at + 4);
}

TEST(ServerEnd, ConnectionsInTheQueueAreServedAfterAcceptingHasStopped) {
  std::promise<void> entered;
  std::promise<void> go_on;
  auto server = StartServer(
      [&](HttpRequest& request, ResponseWriter& writer, std::stop_token) -> Task<void> {
        if (request.target == "/block") {
          entered.set_value();
          go_on.get_future().wait();  // the one io thread accepts nothing meanwhile
        }
        (void)co_await writer.Send(200, {}, "served");
      },
      {{"net.threads", "1"}});
  RawSocket blocker(server->addresses()[0]);
  blocker.Send("GET /block HTTP/1.1\r\nHost: h\r\n\r\n");
  entered.get_future().wait();
  std::vector<std::unique_ptr<RawSocket>> queued;
  for (int i = 0; i < 20; ++i) {
    queued.push_back(std::make_unique<RawSocket>(server->addresses()[0]));
    queued.back()->Send(kGet);
  }
  std::thread stopper([&] { server->Stop(std::chrono::seconds(20)); });
  go_on.set_value();
  for (auto& socket : queued) EXPECT_EQ(BodyOf(socket->ReadToEnd()), "served");
  queued.clear();
  blocker.Close();
  stopper.join();
}

TEST(ServerEnd, AfterStopAcceptingAKeptConnectionGetsOneMoreAnswerThatEndsIt) {
  auto server = StartServer(Says("a"));
  RawSocket kept(server->addresses()[0]);
  kept.Send(kGet);
  EXPECT_EQ(kept.ReadUntil("\r\n\r\na").find("connection: close"), std::string::npos);
  server->StopAccepting();
  kept.Send(kGet);
  auto last = kept.ReadToEnd();
  EXPECT_NE(last.find("connection: close\r\n"), last.npos);
  EXPECT_EQ(BodyOf(last), "a");
}

TEST(ServerEnd, SuccessorOnTheSameAddressTakesOverWithoutALostConnection) {
  auto first = StartServer(Says("old"), {{"net.reuse_port", "true"}});
  ListenSpec same;
  same.port = testing::PortOf(first->addresses()[0]);
  std::atomic<bool> done = false;
  std::atomic<int> lost = 0;
  std::atomic<int> answers = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!done) {
        RawSocket socket(first->addresses()[0]);
        socket.Send(kLastGet);
        auto body = BodyOf(socket.ReadToEnd());
        if (body != "old" && body != "new") ++lost;
        ++answers;
      }
    });
  }
  EXPECT_TRUE(Eventually([&] { return answers > 100; }));
  auto second = StartServer(Says("new"), {{"net.reuse_port", "true"}}, {same});
  first->StopAccepting();
  first->Stop(std::chrono::seconds(20));
  int before = answers;
  EXPECT_TRUE(Eventually([&] { return answers > before + 100; }));
  done = true;
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(lost, 0);
  // What the first one asked of the kernel is gone with it: a third gets its share at once.
  auto third = StartServer(Says("third"), {{"net.reuse_port", "true"}}, {same});
  bool seen_new = false;
  bool seen_third = false;
  for (int i = 0; i < 1000 && !(seen_new && seen_third); ++i) {
    RawSocket socket(second->addresses()[0]);
    socket.Send(kLastGet);
    auto body = BodyOf(socket.ReadToEnd());
    seen_new |= body == "new";
    seen_third |= body == "third";
  }
  EXPECT_TRUE(seen_new && seen_third);
}

TEST(ServerEnd, CountersSayWhatIsOpenAndWhatWentThrough) {
  std::stop_source release;
  auto server = StartServer(
      [&](HttpRequest& request, ResponseWriter& writer, std::stop_token) -> Task<void> {
        if (request.target == "/wait") {
          (void)co_await Sleep(std::chrono::minutes(5), release.get_token());
        }
        (void)co_await writer.Send(200, {}, std::string(1000, 'x'));
      },
      {{"net.connections_max", "2"}});
  RawSocket busy(server->addresses()[0]);
  busy.Send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  RawSocket idle(server->addresses()[0]);
  idle.Send(kGet);
  idle.ReadUntil("xxxx");
  EXPECT_TRUE(Eventually([&] { return server->Stats().requests_in_flight == 1; }));
  RawSocket refused(server->addresses()[0]);
  refused.ReadToEnd();
  auto stats = server->Stats();
  EXPECT_EQ(stats.connections_open, 2u);
  EXPECT_EQ(stats.connections_accepted, 2u);
  EXPECT_EQ(stats.connections_refused, 1u);
  EXPECT_EQ(stats.requests, 2u);
  EXPECT_EQ(stats.bytes_in, kGet.size() + std::string_view("/wait").size() + kGet.size() - 1);
  EXPECT_GT(stats.bytes_out, 1000u);
  release.request_stop();
  EXPECT_TRUE(Eventually([&] { return server->Stats().requests_in_flight == 0; }));
  idle.Close();
  EXPECT_TRUE(Eventually([&] { return server->Stats().connections_open == 1; }));
}

}  // namespace
}  // namespace strata::net
