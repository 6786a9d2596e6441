#pragma once
// The server's options as values, read once.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/options.h"

namespace strata::net {

struct ServerSettings {
  std::size_t threads = 1;
  std::size_t header_bytes_max = 64 * 1024;
  std::size_t body_bytes_max = 64u << 20;
  std::size_t connections_max = 8192;
  std::size_t connections_per_peer_max = 0;  // 0: no limit
  bool reuse_port = false;
  std::chrono::milliseconds header_timeout{15'000};
  std::chrono::milliseconds body_timeout{30'000};
  std::size_t body_rate_min = 200;  // bytes a second
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds write_timeout{60'000};
  std::uint32_t http2_streams_max = 128;
  std::uint32_t http2_window_bytes = 1u << 20;
  std::uint32_t http2_resets_max = 200;
  std::uint32_t http2_control_frames_max = 2000;

  static ServerSettings From(const Options& options);
};

}  // namespace strata::net
