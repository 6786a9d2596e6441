#pragma once
// One io thread of the server: an io_context, its connections, and the sweep that enforces their
// time-outs. Only for .cc files: it needs Asio.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "net/server/connection.h"

namespace strata::net {

class Worker {
 public:
  Worker(const ServerSettings& settings, const ServerHooks& hooks);
  ~Worker();

  void Start(std::size_t number);
  // Any thread: see ServerConnection.
  void Drain(IdleConnections idle);
  void CancelAll();
  // From the next look on; connections see them with their next request.
  void UseSettings(const ServerSettings& settings);
  void StopSoon();
  void Join();
  // After Join: destroys what still waits.
  void Abandon();

  boost::asio::io_context& context() { return context_; }
  ConnectionHome& home() { return home_; }
  const ConnectionHome& home() const { return home_; }

 private:
  void Sweep();
  std::vector<std::shared_ptr<ServerConnection>> Open();

  // Outlives the context, whose end destroys connections that are registered here.
  ConnectionHome home_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer sweep_timer_;
  std::thread thread_;
};

}  // namespace strata::net
