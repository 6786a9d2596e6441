#include "bench/gateway/upstream.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <charconv>

namespace strata::bench {
namespace {

constexpr int kContentEvents = 64;

std::string Chunk(std::string_view data) {
  std::array<char, 16> size{};
  auto end = std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr;
  return std::string(size.data(), end).append("\r\n").append(data).append("\r\n");
}

std::string Whole(std::string_view body) {
  return "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: "
         "bench\r\ncontent-length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

// What one dialect's answers are: `events` has one write each.
struct Canned {
  std::string whole;
  std::vector<std::string> events;
};

std::string Text(std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "word ";
  return text;
}

// 67 events, as OpenAI sends them: role, 64 pieces, finish reason with usage, [DONE].
Canned OpenAi() {
  Canned out;
  out.whole = Whole(
      R"({"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"fake-model",)"
      R"("choices":[{"index":0,"message":{"role":"assistant","content":")" +
      Text(600) +
      R"("},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":80,)"
      R"("completion_tokens":120,"total_tokens":200},"system_fingerprint":"fp_bench"})");
  auto chunk = [&](std::string_view delta, std::string_view rest) {
    std::string data =
        R"(data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,)"
        R"("model":"fake-model","system_fingerprint":"fp_bench","choices":[{"index":0,"delta":)";
    data.append(delta).append(R"(,"logprobs":null,"finish_reason":)").append(rest).append("}\n\n");
    out.events.push_back(Chunk(data));
  };
  chunk(R"({"role":"assistant","content":""})", R"(null}],"usage":null)");
  for (int i = 0; i < kContentEvents; ++i) {
    chunk(R"({"content":" word)" + std::to_string(i) + "\"}", R"(null}],"usage":null)");
  }
  chunk("{}", R"("stop"}],"usage":{"prompt_tokens":80,"completion_tokens":64,"total_tokens":144})");
  out.events.push_back(Chunk("data: [DONE]\n\n") + "0\r\n\r\n");
  return out;
}

Canned Anthropic() {
  Canned out;
  out.whole = Whole(
      R"({"id":"msg_bench","type":"message","role":"assistant","model":"fake-model","content":[)"
      R"({"type":"text","text":")" +
      Text(600) +
      R"("}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":80,)"
      R"("output_tokens":120}})");
  auto event = [&](std::string_view name, std::string_view rest) {
    std::string data =
        "event: " + std::string(name) + "\ndata: {\"type\":\"" + std::string(name) + "\"";
    data.append(rest).append("}\n\n");
    out.events.push_back(Chunk(data));
  };
  event(
      "message_start",
      R"(,"message":{"id":"msg_bench","type":"message","role":"assistant","model":"fake-model","content":[],)"
      R"("stop_reason":null,"usage":{"input_tokens":80,"output_tokens":1}})");
  event("content_block_start", R"(,"index":0,"content_block":{"type":"text","text":""})");
  for (int i = 0; i < kContentEvents - 2; ++i) {
    event("content_block_delta",
          R"(,"index":0,"delta":{"type":"text_delta","text":" word)" + std::to_string(i) + "\"}");
  }
  event("content_block_stop", R"(,"index":0)");
  event("message_delta", R"(,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":64})");
  event("message_stop", "");
  out.events.back() += "0\r\n\r\n";
  return out;
}

const Canned kOpenAi = OpenAi();
const Canned kAnthropic = Anthropic();

// Value of a header, "" when absent; names are compared as written in lower case.
std::string_view Header(std::string_view head, std::string_view name) {
  for (std::size_t at = 0; (at = head.find('\n', at)) != head.npos;) {
    ++at;
    auto line = head.substr(at, head.find('\r', at) - at);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    bool same = true;
    for (std::size_t i = 0; i < name.size(); ++i) same = same && (line[i] | 0x20) == name[i];
    if (!same) continue;
    auto value = line.substr(name.size() + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
  }
  return {};
}

}  // namespace

struct Upstream::Connection {
  Fd fd;
  std::string input;
  bool held = false;
};

Upstream::Upstream()
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  auto address = Loopback(0);
  socklen_t size = sizeof(address);
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) Die("bind");
  if (::listen(listener_.get(), 4096) != 0) Die("listen");
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  for (int fd : {listener_.get(), stop_.get()}) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }
  thread_ = std::thread([this] { Loop(); });
}

Upstream::~Upstream() {
  std::uint64_t one = 1;
  if (::write(stop_.get(), &one, sizeof(one)) != sizeof(one)) Die("eventfd");
  thread_.join();
}

void Upstream::Loop() {
  std::array<epoll_event, 256> events{};
  while (true) {
    int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == stop_.get()) return;
      if (fd == listener_.get()) {
        Accept();
      } else {
        OnReadable(*connections_[static_cast<std::size_t>(fd)]);
      }
    }
  }
}

void Upstream::Accept() {
  while (true) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.get() < 0) return;
    NoDelay(fd.get());
    auto at = static_cast<std::size_t>(fd.get());
    if (connections_.size() <= at) connections_.resize(at + 1);
    epoll_event event{.events = EPOLLIN | EPOLLRDHUP, .data = {.fd = fd.get()}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event);
    connections_[at] = std::make_unique<Connection>(Connection{.fd = std::move(fd), .input = {}});
  }
}

void Upstream::OnReadable(Connection& connection) {
  std::array<char, 65536> buffer;
  auto got = ::recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return Drop(connection);
  connection.input.append(buffer.data(), static_cast<std::size_t>(got));
  while (true) {
    std::string_view input = connection.input;
    auto end = input.find("\r\n\r\n");
    if (end == input.npos) return;
    auto head = input.substr(0, end + 2);
    std::size_t length = 0;
    auto text = Header(head, "content-length");
    std::from_chars(text.data(), text.data() + text.size(), length);
    if (input.size() < end + 4 + length) return;
    Answer(connection, head, input.substr(end + 4, length));
    connection.input.erase(0, end + 4 + length);
  }
}

void Upstream::Answer(Connection& connection, std::string_view head, std::string_view body) {
  const auto& canned = head.find("/messages") < head.find("\r\n") ? kAnthropic : kOpenAi;
  const bool stream =
      body.find("\"stream\":true") != body.npos || body.find("\"stream\": true") != body.npos;
  const bool hold = !Header(head, "x-bench-hold").empty();
  const int fd = connection.fd.get();
  if (stream) {
    bool there = SendAll(fd, kStreamHead);
    for (const auto& event : canned.events) {
      there = there && SendAll(fd, event);
      if (hold || !there) break;
    }
  } else if (!hold) {
    SendAll(fd, canned.whole);
  }
  if (hold) {
    connection.held = true;
    ++held_;
  }
}

void Upstream::Drop(Connection& connection) {
  if (connection.held) {
    closed_at_ = Clock::now().time_since_epoch().count();
    --held_;
    ++closed_;
  }
  connections_[static_cast<std::size_t>(connection.fd.get())].reset();
}

bool Upstream::AwaitGone(int closed_before, std::chrono::milliseconds limit,
                         Clock::time_point& when) const {
  auto until = Clock::now() + limit;
  while (closed_.load() <= closed_before) {
    if (Clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  when = Clock::time_point(Clock::duration(closed_at_.load()));
  return true;
}

}  // namespace strata::bench
