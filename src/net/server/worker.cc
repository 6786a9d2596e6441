#include "net/server/worker.h"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <string>

#include "base/log.h"

namespace strata::net {
namespace {

constexpr std::chrono::milliseconds kSweepEvery{100};

}  // namespace

Worker::Worker(const ServerSettings& settings, const ServerHooks& hooks)
    : home_{.executor = {},
            .settings = settings,
            .handler = hooks.handler,
            .failures = hooks.failures,
            .admission = hooks.admission},
      work_(context_.get_executor()),
      sweep_timer_(context_) {
  home_.executor = context_.get_executor();
}

Worker::~Worker() { Join(); }

void Worker::Start(std::size_t number) {
  Sweep();
  thread_ = std::thread([this] { context_.run(); });
  pthread_setname_np(thread_.native_handle(), ("net-io-" + std::to_string(number)).c_str());
}

std::vector<std::shared_ptr<ServerConnection>> Worker::Open() {
  std::vector<std::shared_ptr<ServerConnection>> open;
  open.reserve(home_.open.size());
  for (auto* connection : home_.open) {
    // One that is being destroyed right now has no owner left.
    if (auto shared = connection->weak_from_this().lock()) open.push_back(std::move(shared));
  }
  return open;
}

void Worker::Sweep() {
  auto now = std::chrono::steady_clock::now();
  for (const auto& connection : Open()) connection->OnSweep(now);
  sweep_timer_.expires_after(kSweepEvery);
  sweep_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) Sweep();
  });
}

void Worker::Drain(IdleConnections idle) {
  boost::asio::post(context_, [this, idle] {
    home_.draining = true;
    home_.closing_idle |= idle == IdleConnections::kClose;
    for (const auto& connection : Open()) connection->Drain(idle);
  });
}

void Worker::CancelAll() {
  boost::asio::post(context_, [this] {
    for (const auto& connection : Open()) connection->Cancel();
  });
}

void Worker::UseSettings(const ServerSettings& settings) {
  boost::asio::post(context_, [this, settings] { home_.settings = settings; });
}

void Worker::StopSoon() { context_.stop(); }

void Worker::Join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::Abandon() {
  for (const auto& connection : Open()) connection->Abandon();
}

}  // namespace strata::net
