// Options and listeners that change while a server runs.

#include <arpa/inet.h>

#include <atomic>
#include <thread>

#include "net/changes.h"
#include "net/test_support.h"

namespace strata::net {
namespace {

using testing::Eventually;
using testing::MakeOptions;
using testing::Overrides;
using testing::PortOf;
using testing::RawSocket;
using testing::StartServer;

constexpr std::string_view kLastGet = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

Task<void> SaysSize(HttpRequest& request, ResponseWriter& writer, std::stop_token) {
  (void)co_await writer.Send(200, {}, "got " + std::to_string(request.body.size()) + ";");
}

bool Refuses(const std::string& address) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(PortOf(address));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const bool connected = ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  ::close(fd);
  return !connected;
}

std::string Ask(const std::string& address) {
  RawSocket socket(address);
  socket.Send(kLastGet);
  return socket.ReadToEnd();
}

std::string Post(RawSocket& socket, std::size_t bytes) {
  socket.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(bytes) +
              "\r\n\r\n" + std::string(bytes, 'x'));
  return socket.ReadUntil(";");
}

void Change(Server& server, const Overrides& overrides, std::vector<ListenSpec> listeners) {
  auto commit = PrepareChange(server, MakeOptions(overrides), std::move(listeners));
  ASSERT_TRUE(commit.has_value()) << commit.error().message();
  (*commit)();
}

TEST(ServerChange, ListenersComeAndGoAndConnectionsStay) {
  auto server = StartServer(SaysSize);
  const auto first = server->addresses().at(0);
  RawSocket kept(first);
  EXPECT_NE(Post(kept, 3).find("got 3"), std::string::npos);
  ListenSpec more;
  Change(*server, {}, {ListenSpec{}, more});
  ASSERT_EQ(server->addresses().size(), 2U);
  EXPECT_EQ(server->addresses().at(0), first);
  const auto second = server->addresses().at(1);
  EXPECT_NE(Ask(second).find("got 0"), std::string::npos);
  EXPECT_NE(Ask(first).find("got 0"), std::string::npos);
  more.port = PortOf(second);
  Change(*server, {}, {more});
  EXPECT_EQ(server->addresses(), std::vector{second});
  EXPECT_TRUE(Eventually([&] { return Refuses(first); }));
  EXPECT_NE(Ask(second).find("got 0"), std::string::npos);
  EXPECT_NE(Post(kept, 4).find("got 4"), std::string::npos);
}

TEST(ServerChange, NoRequestIsLostWhileOtherListenersComeAndGo) {
  auto server = StartServer(SaysSize);
  const auto address = server->addresses().at(0);
  std::atomic<bool> done = false;
  std::atomic<int> lost = 0;
  std::atomic<int> answers = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      while (!done) {
        if (Ask(address).find("got 0") == std::string::npos) ++lost;
        ++answers;
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    const int before = answers;
    std::vector<ListenSpec> listeners(i % 2 == 0 ? 3 : 1);
    Change(*server, {{"net.reuse_port", i % 4 < 2 ? "true" : "false"}}, std::move(listeners));
    EXPECT_TRUE(Eventually([&] { return answers > before + 5; }));
  }
  done = true;
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(server->addresses().at(0), address);
}

TEST(ServerChange, WhatIsPreparedAndDroppedChangesNothing) {
  auto server = StartServer(SaysSize);
  const auto address = server->addresses().at(0);
  {
    auto dropped = PrepareChange(*server, MakeOptions({{"net.body_bytes_max", "1024"}}), {});
  }
  RawSocket socket(address);
  EXPECT_NE(Post(socket, 2000).find("got 2000"), std::string::npos);
  ListenSpec broken;
  broken.tls = true;
  broken.certificate_file = "/nowhere.pem";
  auto refused = PrepareChange(*server, MakeOptions(), {ListenSpec{}, broken});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
  auto other = StartServer(SaysSize);
  ListenSpec taken;
  taken.port = PortOf(other->addresses().at(0));
  refused = PrepareChange(*server, MakeOptions(), {ListenSpec{}, taken});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kUnavailable);
  EXPECT_EQ(server->addresses(), std::vector{address});
}

TEST(ServerChange, LimitsHoldForTheNextRequestOfAConnection) {
  auto server = StartServer(SaysSize, {{"net.idle_timeout_ms", "60000"}});
  RawSocket socket(server->addresses().at(0));
  EXPECT_NE(Post(socket, 2000).find("got 2000"), std::string::npos);
  Change(*server, {{"net.body_bytes_max", "1024"}}, {ListenSpec{}});
  RawSocket fresh(server->addresses().at(0));
  EXPECT_NE(Post(fresh, 1000).find("got 1000"), std::string::npos);
  socket.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n");
  EXPECT_NE(socket.ReadToEnd().find(" 413 "), std::string::npos);
  // An idle connection goes by the time that holds now.
  Change(*server, {{"net.idle_timeout_ms", "50"}}, {ListenSpec{}});
  EXPECT_EQ(fresh.ReadToEnd(), "");
}

TEST(ServerChange, AnAddressGivesWayToAllAddressesOfItsPort) {
  auto server = StartServer(SaysSize);
  ListenSpec all;
  all.address = "0.0.0.0";
  all.port = PortOf(server->addresses().at(0));
  Change(*server, {}, {all});
  EXPECT_EQ(server->addresses().at(0), "0.0.0.0:" + std::to_string(all.port));
  // Whoever comes while the old socket is on its way out is not reset.
  for (int i = 0; i < 300; ++i) {
    ASSERT_NE(Ask(server->addresses().at(0)).find("got 0"), std::string::npos) << i;
  }
  // Nobody else may have it by mistake.
  EXPECT_FALSE(Server::Create(MakeOptions(), {all}, SaysSize).has_value());
}

TEST(ServerChange, ASuccessorMayListenOnceThePortIsShared) {
  auto server = StartServer(SaysSize);
  ListenSpec same;
  same.port = PortOf(server->addresses().at(0));
  const Overrides shared = {{"net.reuse_port", "true"}};
  EXPECT_FALSE(Server::Create(MakeOptions(shared), {same}, SaysSize).has_value());
  Change(*server, shared, {ListenSpec{}});
  auto successor = StartServer(SaysSize, shared, {same});
  server->StopAccepting();
  server->Stop(std::chrono::seconds(20));
  for (int i = 0; i < 50; ++i) {
    EXPECT_NE(Ask(successor->addresses().at(0)).find("got 0"), std::string::npos);
  }
}

TEST(ServerChange, NothingIsPreparedForAServerThatStops) {
  auto server = StartServer(SaysSize);
  auto commit = PrepareChange(*server, MakeOptions(), {ListenSpec{}, ListenSpec{}});
  ASSERT_TRUE(commit.has_value());
  server->StopAccepting();
  (*commit)();
  EXPECT_EQ(server->addresses().size(), 1U);
  EXPECT_FALSE(PrepareChange(*server, MakeOptions(), {ListenSpec{}}).has_value());
}

}  // namespace
}  // namespace strata::net
