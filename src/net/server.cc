#include "net/server.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <latch>
#include <mutex>

#include "base/log.h"
#include "net/admission.h"
#include "net/internal/tls_context.h"
#include "net/server/listener.h"
#include "net/server/worker.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;

// After the grace, handlers that were told that their client is gone may still unwind this long.
constexpr std::chrono::milliseconds kUnwindTime{5'000};

class HttpServer final : public Server {
 public:
  HttpServer(const Options& options, ServerHooks hooks)
      : settings_(ServerSettings::From(options)), hooks_(std::move(hooks)) {
    for (std::size_t i = 0; i < settings_.threads; ++i) {
      workers_.push_back(std::make_unique<Worker>(settings_, hooks_));
    }
  }
  ~HttpServer() override {
    Stop(std::chrono::milliseconds(0));
    for (auto& worker : workers_) worker->Abandon();
  }

  Result<> Listen(const std::vector<ListenSpec>& specs) {
    for (const auto& spec : specs) {
      STRATA_TRY(auto listener, Listener::Open(spec, settings_, workers_, peers_));
      addresses_.push_back(listener->address());
      listeners_.push_back(std::move(listener));
    }
    return {};
  }

  std::vector<std::string> addresses() const override { return addresses_; }

  void Start() override {
    running_ = true;
    for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->Start(i);
    for (auto& listener : listeners_) listener->Start();
  }

  void StopAccepting() override {
    if (!running_ || std::exchange(refusing_, true)) return;
    std::latch closed(static_cast<std::ptrdiff_t>(listeners_.size()));
    for (auto& listener : listeners_) listener->Stop([&closed] { closed.count_down(); });
    closed.wait();
    for (auto& worker : workers_) worker->Drain(IdleConnections::kKeep);
  }

  Result<> ReloadCertificates() override {
    std::vector<TlsContext> loaded;
    for (const auto& listener : listeners_) {
      STRATA_TRY(loaded.emplace_back(), listener->LoadCertificate());
    }
    for (std::size_t i = 0; i < loaded.size(); ++i) {
      listeners_[i]->UseCertificate(std::move(loaded[i]));
    }
    return {};
  }

  ServerStats Stats() const override {
    ServerStats sum;
    for (const auto& listener : listeners_) sum.connections_refused += listener->refused();
    for (const auto& worker : workers_) {
      const auto& home = worker->home();
      sum.connections_open += home.count.value();
      sum.connections_accepted += home.accepted.value();
      sum.requests_in_flight += home.in_flight.value();
      sum.requests += home.requests.value();
      sum.bytes_in += home.traffic.in.value();
      sum.bytes_out += home.traffic.out.value();
    }
    return sum;
  }

  void Stop(std::chrono::milliseconds grace) override {
    if (!running_) return;
    StopAccepting();
    running_ = false;
    for (auto& worker : workers_) worker->Drain(IdleConnections::kClose);
    if (!AwaitQuiet(grace)) {
      for (auto& worker : workers_) worker->CancelAll();
      if (!AwaitQuiet(kUnwindTime)) Log(Level::kWarning, "net.stop_left_requests");
    }
    for (auto& worker : workers_) worker->StopSoon();
    for (auto& worker : workers_) worker->Join();
  }

  void Spawn(Task<void> task) override {
    auto& worker = *workers_[next_.fetch_add(1, std::memory_order_relaxed) % workers_.size()];
    asio::co_spawn(worker.context(), std::move(task), [](std::exception_ptr thrown) {
      if (thrown) Log(Level::kError, "net.background_task_failed");
    });
  }

 private:
  // Waits until no connection is open. Each look is a round trip to every io thread.
  bool AwaitQuiet(std::chrono::milliseconds limit) {
    auto until = std::chrono::steady_clock::now() + limit;
    while (true) {
      if (CountOpen() == 0) return true;
      if (std::chrono::steady_clock::now() >= until) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  std::size_t CountOpen() {
    std::mutex mutex;
    std::condition_variable done;
    std::size_t open = 0;
    std::size_t answered = 0;
    for (auto& worker : workers_) {
      asio::post(worker->context(), [&, w = worker.get()] {
        std::lock_guard lock(mutex);
        open += w->home().open.size();
        ++answered;
        done.notify_one();
      });
    }
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return answered == workers_.size(); });
    return open;
  }

  const ServerSettings settings_;
  const ServerHooks hooks_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::shared_ptr<PeerCounts> peers_ = std::make_shared<PeerCounts>();
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::string> addresses_;
  std::atomic<std::size_t> next_ = 0;
  bool running_ = false;
  bool refusing_ = false;
};

}  // namespace

Task<Result<>> ResponseWriter::FinishWith(std::string_view last) {
  STRATA_CO_CHECK_OK(co_await Write(last));
  co_return co_await Finish();
}

Result<std::unique_ptr<Server>> Server::Create(const Options& options,
                                               std::vector<ListenSpec> listeners, Handler handler,
                                               FailureEncoder failures) {
  ServerHooks hooks{
      .handler = std::move(handler), .failures = std::move(failures), .admission = {}};
  return CreateServer(options, std::move(listeners), std::move(hooks));
}

Result<std::unique_ptr<Server>> CreateServer(const Options& options,
                                             std::vector<ListenSpec> listeners, ServerHooks hooks) {
  auto server = std::make_unique<HttpServer>(options, std::move(hooks));
  STRATA_CHECK_OK(server->Listen(listeners));
  return server;
}

}  // namespace strata::net
