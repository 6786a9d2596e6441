#pragma once
// One listening socket. Accepts on the first io thread and hands connections to the threads in
// turn. Only for .cc files: it needs Asio.

#include <cstdint>
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
  enum class ReusePort : std::uint8_t { kNo, kYes };

  // `workers` outlive the listener. Errors: see Server::Create.
  static Result<std::unique_ptr<Listener>> Open(const ListenSpec& spec, ReusePort reuse,
                                                const std::vector<std::unique_ptr<Worker>>& workers,
                                                std::shared_ptr<PeerCounts> peers);

  const std::string& address() const { return address_; }
  std::uint16_t port() const { return port_; }
  // Of the last Use, or of Open. Any one thread.
  const ListenSpec& spec() const { return spec_; }
  void Start();
  // The files of `spec` as they are now; nullptr when it is plain. Any thread.
  static Result<TlsContext> LoadCertificate(const ListenSpec& spec);
  // For connections accepted from now on: `spec` differs from that of Open in TLS and its files
  // alone. Any one thread.
  void Use(ListenSpec spec, TlsContext tls);
  // Whether another listener may open the same address. Any thread; not once Stop was called.
  void Allow(ReusePort reuse);
  // Any thread. Accepts what the kernel holds for this listener, closes it, then calls `stopped` on
  // the first io thread.
  void Stop(std::function<void()> stopped);
  // Closes it a moment later, for a server that goes on with other listeners: whoever connects
  // meanwhile is not refused but comes to the listener that takes this address over, if one does.
  // Any thread.
  void Retire();
  std::uint64_t refused() const { return refused_.value(); }

 private:
  Listener(const std::vector<std::unique_ptr<Worker>>& workers, std::shared_ptr<PeerCounts> peers);
  // Of the thread that accepts.
  const ServerSettings& settings() const { return workers_.front()->home().settings; }
  void AcceptNext();
  void Close();
  void CloseAfterHandshakes(std::function<void()> closed);
  Worker& NextWorker();
  void Accepted(Worker& worker, Tcp::socket socket);
  bool TooMany() const;

  const std::vector<std::unique_ptr<Worker>>& workers_;
  const std::shared_ptr<PeerCounts> peers_;
  ListenSpec spec_;
  Tcp::acceptor acceptor_;
  boost::asio::steady_timer timer_;
  TlsContext tls_;
  std::string address_;
  std::uint16_t port_ = 0;
  std::size_t next_ = 0;
  Counter refused_;
  bool stopping_ = false;
};

}  // namespace strata::net
