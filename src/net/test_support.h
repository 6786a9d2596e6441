#pragma once
// Helpers of this module's tests: a server on a free loopback port, and a plain blocking socket
// that sends exactly the bytes it is told to.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/rng.h"
#include "net/admission.h"
#include "net/client.h"
#include "net/runtime.h"
#include "net/server.h"

namespace strata::net::testing {

using Overrides = std::map<std::string, std::string>;

inline Options MakeOptions(const Overrides& overrides = {}) {
  std::map<std::string, Options::Given> given;
  for (const auto& [name, value] : overrides) given[name] = {value, "test"};
  std::array tables{ServerOptions(), Client::ClientOptions()};
  auto options = Options::Build(tables, given);
  EXPECT_TRUE(options.has_value()) << options.error().message();
  return std::move(*options);
}

// Two io threads, one plain listener unless told otherwise.
inline std::unique_ptr<Server> StartServer(Handler handler, Overrides overrides = {},
                                           std::vector<ListenSpec> listeners = {ListenSpec{}}) {
  overrides.emplace("net.threads", "2");
  auto server = Server::Create(MakeOptions(overrides), std::move(listeners), std::move(handler));
  EXPECT_TRUE(server.has_value()) << server.error().message();
  (*server)->Start();
  return std::move(*server);
}

// The same with a question about long bodies (net/admission.h).
inline std::unique_ptr<Server> StartAskingServer(Handler handler, Admission admission) {
  ServerHooks hooks{
      .handler = std::move(handler), .failures = {}, .admission = std::move(admission)};
  auto server = CreateServer(MakeOptions({{"net.threads", "2"}}), {ListenSpec{}}, std::move(hooks));
  EXPECT_TRUE(server.has_value()) << server.error().message();
  (*server)->Start();
  return std::move(*server);
}

inline std::uint16_t PortOf(const std::string& address) {
  return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

// Gives up after 20 s, so that a broken promise fails instead of hanging.
class RawSocket {
 public:
  explicit RawSocket(const std::string& address) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(PortOf(address));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  virtual ~RawSocket() { Close(); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // False when the peer has closed.
  virtual bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Some bytes; "" when the peer closed or nothing came in time.
  virtual std::string ReadSome() {
    std::string bytes(64 * 1024, '\0');
    auto got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }
  std::string ReadUntil(std::string_view text) {
    std::string all;
    while (all.find(text) == all.npos) {
      auto bytes = ReadSome();
      if (bytes.empty()) break;
      all += bytes;
    }
    return all;
  }
  std::string ReadToEnd() {
    std::string all;
    for (auto bytes = ReadSome(); !bytes.empty(); bytes = ReadSome()) all += bytes;
    return all;
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() / ("strata-tls-" + SecureRandomHex(8))) {}
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// Waits for a condition that another thread brings about; false after 20 s.
template <class F>
bool Eventually(F condition) {
  for (int i = 0; i < 4000; ++i) {
    if (condition()) return true;
    ::usleep(5000);
  }
  return condition();
}

}  // namespace strata::net::testing
