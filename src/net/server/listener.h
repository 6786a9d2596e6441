#pragma once
// One listening socket. Accepts on the first io thread and hands connections to the threads in
// turn. Only for .cc files: it needs Asio.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/internal/tls_context.h"
#include "net/server/peer_counts.h"
#include "net/server/worker.h"

namespace strata::net {

class Listener {
 public:
  // `workers` outlive the listener. Errors: see Server::Create.
  static Result<std::unique_ptr<Listener>> Open(const ListenSpec& spec,
                                                const ServerSettings& settings,
                                                const std::vector<std::unique_ptr<Worker>>& workers,
                                                std::shared_ptr<PeerCounts> peers);

  const std::string& address() const { return address_; }
  void Start();
  // The files as they are now; nullptr when the listener is plain. Any thread.
  Result<TlsContext> LoadCertificate() const;
  // For connections accepted from now on. Any thread.
  void UseCertificate(TlsContext tls);
  // Any thread. Accepts what the kernel holds for this listener, closes it, then calls `stopped` on
  // the first io thread.
  void Stop(std::function<void()> stopped);
  std::uint64_t refused() const { return refused_.value(); }

 private:
  Listener(const ServerSettings& settings, const std::vector<std::unique_ptr<Worker>>& workers,
           std::shared_ptr<PeerCounts> peers);
  void AcceptNext();
  void Close();
  Worker& NextWorker();
  void Accepted(Worker& worker, Tcp::socket socket);
  bool TooMany() const;

  const ServerSettings& settings_;
  const std::vector<std::unique_ptr<Worker>>& workers_;
  const std::shared_ptr<PeerCounts> peers_;
  ListenSpec spec_;
  Tcp::acceptor acceptor_;
  boost::asio::steady_timer timer_;
  TlsContext tls_;
  std::string address_;
  std::size_t next_ = 0;
  Counter refused_;
  bool stopping_ = false;
};

}  // namespace strata::net
