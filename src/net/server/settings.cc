#include "net/server/settings.h"

#include <algorithm>
#include <thread>

#include "net/server.h"

namespace strata::net {
namespace {

constexpr Option kServerOptions[] = {
    {"net.threads", OptionKind::kInteger, "threads", "0", "0..256",
     "Io threads of the server; 0 takes one for each processor."},
    {"net.header_bytes_max", OptionKind::kInteger, "bytes", "65536", "1024..1048576",
     "Largest request head (HTTP/2: header list); more is answered 431."},
    {"net.body_bytes_max", OptionKind::kInteger, "bytes", "67108864", "1024..4294967296",
     "Largest request body; more is answered 413."},
    {"net.connections_max", OptionKind::kInteger, "connections", "8192", "1..1000000",
     "Connections open at once; further ones are answered 503 and closed."},
    {"net.connections_per_peer_max", OptionKind::kInteger, "connections", "0", "0..1000000",
     "Connections open at once from one address; further ones are answered 503 and closed. 0: no "
     "limit of its own, as behind a load balancer all come from few addresses."},
    {"net.reuse_port", OptionKind::kFlag, "", "false", "",
     "Lets a second process of the same user listen on the same addresses, so that a successor can "
     "take over without refusing a connection. A second server started by mistake is then not "
     "noticed by its address."},
    {"net.header_timeout_ms", OptionKind::kInteger, "ms", "15000", "50..600000",
     "From a request's first byte (or the TLS handshake's start) to the end of its head; then "
     "408."},
    {"net.body_timeout_ms", OptionKind::kInteger, "ms", "30000", "50..3600000",
     "Longest pause within a request body; then 408."},
    {"net.body_rate_min", OptionKind::kInteger, "bytes/s", "200", "0..1000000000",
     "A request body that has taken longer than net.body_timeout_ms and comes slower than this "
     "over all is answered 408. 0: any pace will do."},
    {"net.idle_timeout_ms", OptionKind::kInteger, "ms", "75000", "50..3600000",
     "A connection without a request is closed after this time."},
    {"net.write_timeout_ms", OptionKind::kInteger, "ms", "60000", "50..3600000",
     "A client that takes no byte of its answer for this time is cut off."},
    {"net.http2.streams_max", OptionKind::kInteger, "streams", "128", "1..10000",
     "Requests that one HTTP/2 connection may have open; twice as many handlers may run for it."},
    {"net.http2.window_bytes", OptionKind::kInteger, "bytes", "1048576", "65535..2147483647",
     "HTTP/2 receive window of a stream; a connection has four times that."},
    {"net.http2.resets_max", OptionKind::kInteger, "resets", "200", "1..1000000",
     "Streams that a client may reset within 10 s before its connection is ended (rapid reset)."},
    {"net.http2.control_frames_max", OptionKind::kInteger, "frames", "2000", "10..1000000",
     "SETTINGS, PING, PRIORITY and empty frames that a client may send within 10 s."},
};

}  // namespace

OptionTable ServerOptions() { return kServerOptions; }

ServerSettings ServerSettings::From(const Options& options) {
  auto size = [&](std::string_view name) {
    return static_cast<std::size_t>(options.Integer(name));
  };
  auto count = [&](std::string_view name) {
    return static_cast<std::uint32_t>(options.Integer(name));
  };
  auto time = [&](std::string_view name) {
    return std::chrono::milliseconds(options.Integer(name));
  };
  ServerSettings s;
  s.threads = size("net.threads");
  if (s.threads == 0) s.threads = std::max(1u, std::thread::hardware_concurrency());
  s.header_bytes_max = size("net.header_bytes_max");
  s.body_bytes_max = size("net.body_bytes_max");
  s.connections_max = size("net.connections_max");
  s.connections_per_peer_max = size("net.connections_per_peer_max");
  s.reuse_port = options.Flag("net.reuse_port");
  s.header_timeout = time("net.header_timeout_ms");
  s.body_timeout = time("net.body_timeout_ms");
  s.body_rate_min = size("net.body_rate_min");
  s.idle_timeout = time("net.idle_timeout_ms");
  s.write_timeout = time("net.write_timeout_ms");
  s.http2_streams_max = count("net.http2.streams_max");
  s.http2_window_bytes = count("net.http2.window_bytes");
  s.http2_resets_max = count("net.http2.resets_max");
  s.http2_control_frames_max = count("net.http2.control_frames_max");
  return s;
}

}  // namespace strata::net
