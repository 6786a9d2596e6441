#include "provider/remote/let_go.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/caught.h"

namespace strata::provider::remote {
namespace {

namespace asio = boost::asio;

// What may still come behind the last event: a terminating chunk, or "[DONE]".
constexpr std::size_t kTailBytesMax = 64u << 10;
constexpr std::chrono::milliseconds kTailWait{500};

// Reads the rest of an answer whose content is known to be over, so that its connection can be used
// again; gives up (and so closes it) when the peer does not end it soon.
Task<void> Drain(std::unique_ptr<net::ClientResponse> response, std::shared_ptr<Cancel> cancel) {
  auto executor = co_await asio::this_coro::executor;
  auto timer = std::make_shared<asio::steady_timer>(executor, kTailWait);
  timer->async_wait([timer, cancel](const boost::system::error_code& error) {
    if (!error) cancel->source.request_stop();
  });
  std::size_t bytes = 0;
  while (bytes <= kTailBytesMax) {
    auto read = co_await response->Read();
    if (!read.has_value() || read->empty()) break;
    bytes += read->size();
  }
  timer->cancel();
}

}  // namespace

Task<void> LetGo(std::unique_ptr<net::ClientResponse> response, std::shared_ptr<Cancel> cancel) {
  if (response->TryFinish()) co_return;  // the usual case: its end came with the last event
  auto executor = co_await asio::this_coro::executor;
  asio::co_spawn(executor, Drain(std::move(response), std::move(cancel)),
                 LogThrown{"provider.drain"});
}

}  // namespace strata::provider::remote
