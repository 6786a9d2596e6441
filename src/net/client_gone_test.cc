// A client that hangs up while its request waits for an upstream: the upstream's call ends at once,
// whatever protocol either of them speaks.

#include <condition_variable>
#include <mutex>

#include "net/test_http2_peer.h"

namespace strata::net {
namespace {

using testing::Http2Peer;
using testing::RawSocket;
using testing::StartServer;
using Moment = std::chrono::steady_clock::time_point;

constexpr int kRounds = 20;

// What another thread reports, one value at a time.
class Mailbox {
 public:
  void Put(Moment moment) {
    std::lock_guard lock(mutex_);
    moments_.push_back(moment);
    came_.notify_one();
  }
  std::optional<Moment> Take() {
    std::unique_lock lock(mutex_);
    if (!came_.wait_for(lock, std::chrono::seconds(20), [&] { return !moments_.empty(); })) {
      return std::nullopt;
    }
    auto moment = moments_.back();
    moments_.pop_back();
    return moment;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Moment> moments_;
};

class ClientGone : public ::testing::TestWithParam<Http2Knowledge> {
 protected:
  ClientGone() {
    upstream_ = StartServer(
        [this](HttpRequest&, ResponseWriter& writer, std::stop_token gone) -> Task<void> {
          (void)co_await writer.Start(200, {});
          (void)co_await writer.Write("the beginning");
          entered_.Put(std::chrono::steady_clock::now());
          (void)co_await Sleep(std::chrono::minutes(5), gone);
          gone_.Put(std::chrono::steady_clock::now());
        });
    front_ = StartServer(
        [this](HttpRequest&, ResponseWriter& writer, std::stop_token gone) -> Task<void> {
          ClientRequest call;
          call.url = "http://" + upstream_->addresses()[0];
          call.allow_private_addresses = true;
          call.http2 = GetParam();
          call.cancel = gone;
          auto response = co_await client_->Send(std::move(call));
          if (!response.has_value()) co_return;
          auto body = co_await (*response)->ReadAll(1u << 20);  // not streamed: nothing is written
          if (body.has_value()) (void)co_await writer.Send(200, {}, std::move(*body));
        });
  }

  // Time from `leave` to the end of the upstream's handler; the median of some rounds.
  template <class Connect, class Leave>
  std::chrono::milliseconds Measure(Connect connect, Leave leave) {
    std::vector<std::chrono::nanoseconds> took;
    for (int i = 0; i < kRounds; ++i) {
      auto peer = connect();
      EXPECT_TRUE(entered_.Take());
      auto left = std::chrono::steady_clock::now();
      leave(*peer);
      auto seen = gone_.Take();
      EXPECT_TRUE(seen);
      if (seen) took.push_back(*seen - left);
    }
    if (took.empty()) return std::chrono::milliseconds::max();
    std::sort(took.begin(), took.end());
    return std::chrono::duration_cast<std::chrono::milliseconds>(took[took.size() / 2]);
  }

  std::shared_ptr<Client> client_ = Client::Create(testing::MakeOptions());
  Mailbox entered_;
  Mailbox gone_;
  std::unique_ptr<Server> upstream_;
  std::unique_ptr<Server> front_;
};

TEST_P(ClientGone, Http11ClientThatHangsUpEndsTheUpstreamCallAtOnce) {
  auto median = Measure(
      [&] {
        auto socket = std::make_unique<RawSocket>(front_->addresses()[0]);
        socket->Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
        return socket;
      },
      [](RawSocket& socket) { socket.Close(); });
  EXPECT_LT(median, std::chrono::milliseconds(50));
}

TEST_P(ClientGone, Http2ClientThatResetsOrHangsUpEndsTheUpstreamCallAtOnce) {
  int round = 0;
  auto median = Measure(
      [&] {
        auto peer = std::make_unique<Http2Peer>(front_->addresses()[0]);
        EXPECT_EQ(peer->Request("POST", "/", "hi"), 1);
        peer->Flush();
        return peer;
      },
      [&](Http2Peer& peer) {
        if (++round % 2 == 0) {
          peer.Reset(1);
          peer.Flush();
        } else {
          peer.socket().Close();
        }
      });
  EXPECT_LT(median, std::chrono::milliseconds(50));
}

INSTANTIATE_TEST_SUITE_P(Upstream, ClientGone,
                         ::testing::Values(Http2Knowledge::kNone, Http2Knowledge::kPrior),
                         [](const auto& info) {
                           return info.param == Http2Knowledge::kPrior ? "OverHttp2" : "OverHttp11";
                         });

}  // namespace
}  // namespace strata::net
