// bench_gateway: the provider and the probes of bench/gateway/run.py, which starts it and reads its
// answers. Both ends are in one process, so that times between them are of one clock.
//
// Prints `ready PORT`, then takes commands from standard input, one a line, and answers each with
// one line of JSON. GATEWAY is the port of what is asked: nginx, strata, or the provider itself.
//   first GATEWAY MODEL KEY RATE COUNT  time to the first byte of streams, one after the other
//   gone GATEWAY MODEL KEY stream|whole COUNT  from the client's close to the provider's connection
//   closed hold GATEWAY MODEL KEY COUNT        opens that many streams and keeps them open release
//   closes them

#include <algorithm>
#include <array>
#include <iostream>
#include <sstream>

#include "bench/gateway/upstream.h"

namespace strata::bench {
namespace {

enum class Form : std::uint8_t { kWhole, kStream };
enum class Hold : std::uint8_t { kNo, kYes };

struct Target {
  std::uint16_t port = 0;
  std::string model;
  std::string key;
};

std::string Request(const Target& target, Form form, Hold hold) {
  std::string prompt;
  for (int i = 0; i < 80; ++i) prompt += "word ";
  std::string body = R"({"model":")" + target.model +
                     R"(","messages":[{"role":"user","content":")" + prompt + "\"}]";
  if (form == Form::kStream) body += R"(,"stream":true)";
  body += '}';
  std::string out =
      "POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n";
  if (hold == Hold::kYes) out += "x-bench-hold: 1\r\n";
  out += "authorization: Bearer " + target.key +
         "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n";
  return out + body;
}

// Reads on until `seen` contains `mark`; false when the peer closes first.
bool ReadUntil(int fd, std::string_view mark, std::string& seen) {
  std::array<char, 65536> buffer;
  while (seen.find(mark) == seen.npos) {
    auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    seen.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return true;
}

std::string Percentiles(std::vector<double> values, int failed) {
  std::ranges::sort(values);
  auto at = [&](double p) {
    return values.empty()
               ? 0.0
               : values[std::min(values.size() - 1,
                                 static_cast<std::size_t>(p * static_cast<double>(values.size())))];
  };
  std::ostringstream out;
  out << "{\"ms_p50\": " << at(0.5) << ", \"ms_p99\": " << at(0.99)
      << ", \"count\": " << values.size() << ", \"failed\": " << failed << "}";
  return out.str();
}

double Milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

std::string First(const Target& target, double rate, int count) {
  auto connection = Connect(target.port);
  auto request = Request(target, Form::kStream, Hold::kNo);
  std::vector<double> times;
  int failed = 0;
  auto next = Clock::now();
  for (int i = 0; i < count; ++i) {
    std::this_thread::sleep_until(next);
    next += std::chrono::microseconds(static_cast<std::int64_t>(1e6 / rate));
    auto start = Clock::now();
    SendAll(connection.get(), request);
    std::string seen;
    if (!ReadUntil(connection.get(), "data: ", seen)) {
      ++failed;
      connection = Connect(target.port);
      continue;
    }
    times.push_back(Milliseconds(Clock::now() - start));
    // The rest of this answer must not be taken for the next one's first byte.
    if (!ReadUntil(connection.get(), "\r\n0\r\n\r\n", seen)) connection = Connect(target.port);
  }
  return Percentiles(std::move(times), failed);
}

std::string Gone(Upstream& upstream, const Target& target, Form form, int count) {
  std::vector<double> times;
  int failed = 0;
  for (int i = 0; i < count; ++i) {
    auto connection = Connect(target.port);
    SendAll(connection.get(), Request(target, form, Hold::kYes));
    auto until = Clock::now() + std::chrono::seconds(5);
    while (upstream.held() == 0 && Clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    std::string seen;
    if (form == Form::kStream && !ReadUntil(connection.get(), "data: ", seen)) ++failed;
    auto before = upstream.closed();
    auto start = Clock::now();
    connection.Close();
    Clock::time_point when;
    if (upstream.AwaitGone(before, std::chrono::seconds(5), when)) {
      times.push_back(Milliseconds(when - start));
    } else {
      ++failed;
    }
  }
  return Percentiles(std::move(times), failed);
}

std::vector<Fd> OpenHeld(Upstream& upstream, const Target& target, int count) {
  std::vector<Fd> held;
  auto request = Request(target, Form::kStream, Hold::kYes);
  for (int i = 0; i < count; ++i) {
    held.push_back(Connect(target.port));
    SendAll(held.back().get(), request);
  }
  auto until = Clock::now() + std::chrono::seconds(30);
  while (upstream.held() < count && Clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return held;
}

class Commands {
 public:
  std::string Run(const std::string& line) {
    std::istringstream in(line);
    std::string name;
    in >> name;
    if (name == "release") {
      held_.clear();
      return "{}";
    }
    Target target;
    in >> target.port >> target.model >> target.key;
    if (name == "first") {
      double rate = 20;
      int count = 0;
      in >> rate >> count;
      return First(target, rate, count);
    }
    if (name == "gone") {
      std::string form;
      int count = 0;
      in >> form >> count;
      return Gone(upstream_, target, form == "stream" ? Form::kStream : Form::kWhole, count);
    }
    if (name == "hold") {
      int count = 0;
      in >> count;
      held_ = OpenHeld(upstream_, target, count);
      return "{\"held\": " + std::to_string(upstream_.held()) + "}";
    }
    return "{\"error\": \"no such command\"}";
  }
  std::uint16_t port() const { return upstream_.port(); }

 private:
  Upstream upstream_;
  std::vector<Fd> held_;
};

}  // namespace
}  // namespace strata::bench

int main() {
  strata::bench::Commands commands;
  std::cout << "ready " << commands.port() << std::endl;
  for (std::string line; std::getline(std::cin, line);)
    std::cout << commands.Run(line) << std::endl;
  return 0;
}
