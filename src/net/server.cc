#include "net/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <set>

#include "base/caught.h"
#include "base/check.h"
#include "base/log.h"
#include "net/admission.h"
#include "net/changes.h"
#include "net/internal/tls_context.h"
#include "net/server/listener.h"
#include "net/server/worker.h"

namespace strata::net {
namespace {

namespace asio = boost::asio;

// After the grace, handlers that were told that their client is gone may still unwind this long.
constexpr std::chrono::milliseconds kUnwindTime{5'000};

using ReusePort = Listener::ReusePort;
ReusePort ReusePortOf(const ServerSettings& settings) {
  return settings.reuse_port ? ReusePort::kYes : ReusePort::kNo;
}

// What Prepare has found out and opened.
struct Change {
  struct Slot {
    Listener* kept = nullptr;
    std::unique_ptr<Listener> fresh;  // instead of `kept`
    TlsContext tls;                   // of `kept`
  };
  ServerSettings settings;
  std::vector<ListenSpec> specs;
  std::vector<Slot> slots;  // in the order of `specs`
};

// Whether the listener may go on for `spec`: TLS and its files can change where a socket is.
bool Serves(const Listener& listener, const ListenSpec& spec) {
  const auto& now = listener.spec();
  const bool port = spec.port == now.port || spec.port == listener.port();
  return now.address == spec.address && port;
}

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
      STRATA_TRY(auto listener, Listener::Open(spec, ReusePortOf(settings_), workers_, peers_));
      listeners_.push_back(std::move(listener));
    }
    return {};
  }

  std::vector<std::string> addresses() const override {
    std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const auto& listener : listeners_) out.push_back(listener->address());
    return out;
  }

  void Start() override {
    running_ = true;
    for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->Start(i);
    for (auto& listener : listeners_) listener->Start();
  }

  void StopAccepting() override {
    std::vector<Listener*> open;
    {
      std::lock_guard lock(mutex_);
      if (!running_ || std::exchange(refusing_, true)) return;
      for (const auto& listener : listeners_) open.push_back(listener.get());
    }
    std::latch closed(static_cast<std::ptrdiff_t>(open.size()));
    for (auto* listener : open) listener->Stop([&closed] { closed.count_down(); });
    closed.wait();
    for (auto& worker : workers_) worker->Drain(IdleConnections::kKeep);
  }

  // See changes.h.
  Result<Commit> Prepare(const Options& options, std::vector<ListenSpec> specs) {
    auto change = std::make_shared<Change>();
    change->settings = ServerSettings::From(options);
    change->specs = std::move(specs);
    change->slots.resize(change->specs.size());
    std::lock_guard lock(mutex_);
    if (!running_ || refusing_) return strata::Fail(Code::kUnavailable, "the server is stopping");
    FindKept(*change);
    for (std::size_t i = 0; i < change->slots.size(); ++i) {
      auto& slot = change->slots[i];
      if (slot.kept != nullptr) {
        STRATA_TRY(slot.tls, Listener::LoadCertificate(change->specs[i]));
      } else {
        STRATA_TRY(slot.fresh, OpenBeside(change->specs[i]));
      }
    }
    return [this, change] { Apply(*change); };
  }

  ServerStats Stats() const override {
    ServerStats sum;
    {
      std::lock_guard lock(mutex_);
      for (const auto* list : {&listeners_, &retired_}) {
        for (const auto& listener : *list) sum.connections_refused += listener->refused();
      }
    }
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
    {
      std::lock_guard lock(mutex_);
      if (!running_) return;
    }
    StopAccepting();
    {
      std::lock_guard lock(mutex_);
      running_ = false;
    }
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
    asio::co_spawn(worker.context(), std::move(task), LogThrown{"net.background_task"});
  }

 private:
  // With the lock. A listener goes on for the spec that is most like its own.
  void FindKept(Change& change) {
    std::set<const Listener*> taken;
    for (const bool same_protocol : {true, false}) {
      for (std::size_t i = 0; i < change.slots.size(); ++i) {
        const auto& spec = change.specs[i];
        for (const auto& listener : listeners_) {
          if (change.slots[i].kept != nullptr) break;
          if (!Serves(*listener, spec) || taken.contains(listener.get())) continue;
          // Any free port is as good as another, but a client knows which it spoke TLS with.
          if (listener->spec().tls != spec.tls && (same_protocol || spec.port == 0)) continue;
          change.slots[i].kept = listener.get();
          taken.insert(listener.get());
        }
      }
    }
  }

  // With the lock. An address that lies within one that is listened on (all addresses of a port,
  // one of them) is opened beside it.
  Result<std::unique_ptr<Listener>> OpenBeside(const ListenSpec& spec) {
    std::vector<Listener*> in_the_way;
    for (const auto& listener : listeners_) {
      if (spec.port != 0 && listener->port() == spec.port) in_the_way.push_back(listener.get());
    }
    const auto own = ReusePortOf(settings_);
    for (auto* listener : in_the_way) listener->Allow(ReusePort::kYes);
    auto opened =
        Listener::Open(spec, in_the_way.empty() ? own : ReusePort::kYes, workers_, peers_);
    for (auto* listener : in_the_way) listener->Allow(own);
    return opened;
  }

  void Apply(Change& change) {
    std::lock_guard lock(mutex_);
    if (refusing_) return;
    settings_ = change.settings;
    for (auto& worker : workers_) worker->UseSettings(settings_);
    std::vector<std::unique_ptr<Listener>> next;
    for (std::size_t i = 0; i < change.slots.size(); ++i) {
      auto& slot = change.slots[i];
      if (slot.fresh) {
        slot.fresh->Start();
        next.push_back(std::move(slot.fresh));
      } else {
        slot.kept->Use(change.specs[i], std::move(slot.tls));
        auto at =
            std::ranges::find(listeners_, slot.kept, [](const auto& each) { return each.get(); });
        next.push_back(std::move(*at));
      }
    }
    for (auto& listener : listeners_) {
      if (!listener) continue;
      listener->Retire();
      retired_.push_back(std::move(listener));
    }
    listeners_ = std::move(next);
    for (auto& listener : listeners_) listener->Allow(ReusePortOf(settings_));
  }

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

  ServerSettings settings_;  // as io threads have their own copies
  const ServerHooks hooks_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::shared_ptr<PeerCounts> peers_ = std::make_shared<PeerCounts>();
  mutable std::mutex mutex_;  // of the members below but `next_`
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Listener>>
      retired_;  // closed, or soon; their last handlers may still run
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

Result<Commit> PrepareChange(Server& server, const Options& options,
                             std::vector<ListenSpec> listeners) {
  auto* changing = dynamic_cast<HttpServer*>(&server);
  STRATA_CHECK(changing != nullptr, "only servers of Server::Create take other options");
  return changing->Prepare(options, std::move(listeners));
}

Result<std::unique_ptr<Server>> CreateServer(const Options& options,
                                             std::vector<ListenSpec> listeners, ServerHooks hooks) {
  auto server = std::make_unique<HttpServer>(options, std::move(hooks));
  STRATA_CHECK_OK(server->Listen(listeners));
  return server;
}

}  // namespace strata::net
