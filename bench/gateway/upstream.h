#pragma once
// The provider of the gateway benchmark: one thread, canned answers of the OpenAI and Anthropic
// form, streams of one write an event. It sees when a gateway closes a connection whose answer is
// under way.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "bench/gateway/socket.h"

namespace strata::bench {

// A request's header `x-bench-hold: 1` makes the answer stop before its end: a stream after its
// first event, a whole answer before its head.
class Upstream {
 public:
  Upstream();
  ~Upstream();

  std::uint16_t port() const { return port_; }
  // Requests under way that wait for ever.
  int held() const { return held_.load(); }
  // When the latest held connection was closed by its peer; waits up to `limit`.
  bool AwaitGone(int closed_before, std::chrono::milliseconds limit, Clock::time_point& when) const;
  int closed() const { return closed_.load(); }

 private:
  struct Connection;
  void Loop();
  void Accept();
  void OnReadable(Connection& connection);
  void Answer(Connection& connection, std::string_view head, std::string_view body);
  void Drop(Connection& connection);

  Fd listener_;
  Fd epoll_;
  Fd stop_;
  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
  std::atomic<int> held_{0};
  std::atomic<int> closed_{0};
  std::atomic<Clock::rep> closed_at_{0};
  std::thread thread_;
};

}  // namespace strata::bench
