#pragma once
// One listening socket. Accepts on the first io thread and hands connections to the threads in
// turn. Only for .cc files: it needs Asio.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/internal/tls_context.h"
#include "net/server/worker.h"

namespace strata::net {

class Listener {
 public:
  // `workers` outlive the listener. Errors: see Server::Create.
  static Result<std::unique_ptr<Listener>> Open(
      const ListenSpec& spec, const ServerSettings& settings,
      const std::vector<std::unique_ptr<Worker>>& workers);

  const std::string& address() const { return address_; }
  void Start();
  // Any thread; no connection is accepted after the first io thread has seen it.
  void Stop();

 private:
  Listener(const ServerSettings& settings, const std::vector<std::unique_ptr<Worker>>& workers);
  void AcceptNext();
  void Accepted(Worker& worker, Tcp::socket socket);
  bool TooMany() const;

  const ServerSettings& settings_;
  const std::vector<std::unique_ptr<Worker>>& workers_;
  Tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  TlsContext tls_;
  std::string address_;
  std::size_t next_ = 0;
};

}  // namespace strata::net
