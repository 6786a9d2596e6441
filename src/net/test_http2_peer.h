#pragma once
// A small blocking HTTP/2 client for this module's tests.

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/test_support.h"

namespace strata::net::testing {

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body;
  bool closed = false;
  std::uint32_t error = 0;
};

// Speaks prior-knowledge HTTP/2. Blocking, one thread.
class Http2Peer {
 public:
  explicit Http2Peer(const std::string& address)
      : Http2Peer(std::make_unique<RawSocket>(address)) {}
  explicit Http2Peer(std::unique_ptr<RawSocket> socket) : socket_(std::move(socket)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, OnClose);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_settings_entry window{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65535};
    nghttp2_submit_settings(session_, 0, &window, 1);
  }
  ~Http2Peer() { nghttp2_session_del(session_); }

  int Request(const std::string& method, const std::string& path, std::string body = {},
              std::vector<std::pair<std::string, std::string>> more = {}) {
    std::vector<std::pair<std::string, std::string>> fields = {
        {":method", method}, {":scheme", "http"}, {":authority", "h"}, {":path", path}};
    fields.insert(fields.end(), more.begin(), more.end());
    std::vector<nghttp2_nv> values;
    for (auto& [name, value] : fields) {
      values.push_back({reinterpret_cast<std::uint8_t*>(name.data()),
                        reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
                        NGHTTP2_NV_FLAG_NONE});
    }
    bodies_.push_back(std::make_unique<Body>(Body{std::move(body), 0, endless_}));
    nghttp2_data_provider provider{{.ptr = bodies_.back().get()}, ReadBody};
    bool empty = bodies_.back()->text.empty();
    int id = nghttp2_submit_request(session_, nullptr, values.data(), values.size(),
                                    empty ? nullptr : &provider, nullptr);
    answers_[id];
    return id;
  }
  // The body's end never comes.
  int RequestOpen(const std::string& method, const std::string& path, std::string body) {
    endless_ = true;
    int id = Request(method, path, std::move(body));
    endless_ = false;
    return id;
  }
  void Reset(int id) { nghttp2_submit_rst_stream(session_, 0, id, NGHTTP2_CANCEL); }
  void Ping() { nghttp2_submit_ping(session_, 0, nullptr); }

  void Flush() {
    const std::uint8_t* data = nullptr;
    for (auto size = nghttp2_session_mem_send(session_, &data); size > 0;
         size = nghttp2_session_mem_send(session_, &data)) {
      socket_->Send({reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)});
    }
  }
  // One turn; false when the server has closed.
  bool Turn() {
    Flush();
    auto bytes = socket_->ReadSome();
    if (bytes.empty()) return false;
    nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                             bytes.size());
    Flush();
    return true;
  }
  template <class F>
  bool RunUntil(F condition) {
    while (!condition()) {
      if (!Turn()) return condition();
    }
    return true;
  }
  const Answer& Await(int id) {
    RunUntil([&] { return answers_[id].closed; });
    return answers_[id];
  }
  Answer& answer(int id) { return answers_[id]; }
  std::optional<std::uint32_t> goaway() const { return goaway_; }
  RawSocket& socket() { return *socket_; }

 private:
  struct Body {
    std::string text;
    std::size_t at = 0;
    bool endless = false;
  };
  static Http2Peer& Of(void* user) { return *static_cast<Http2Peer*>(user); }
  static ssize_t ReadBody(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size,
                          std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& body = *static_cast<Body*>(source->ptr);
    auto count = std::min(size, body.text.size() - body.at);
    std::copy_n(body.text.data() + body.at, count, out);
    body.at += count;
    if (count == 0 && body.endless) return NGHTTP2_ERR_DEFERRED;
    if (body.at == body.text.size() && !body.endless) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }
  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t, void* user) {
    auto& answer = Of(user).answers_[frame->hd.stream_id];
    std::string key(reinterpret_cast<const char*>(name), name_size);
    answer.headers[key].assign(reinterpret_cast<const char*>(value), value_size);
    if (key == ":status") answer.status = std::stoi(answer.headers[key]);
    return 0;
  }
  static int OnData(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                    std::size_t size, void* user) {
    Of(user).answers_[id].body.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }
  static int OnClose(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    Of(user).answers_[id].closed = true;
    Of(user).answers_[id].error = error;
    return 0;
  }
  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_GOAWAY) Of(user).goaway_ = frame->goaway.error_code;
    return 0;
  }

  std::unique_ptr<RawSocket> socket_;
  nghttp2_session* session_ = nullptr;
  std::map<int, Answer> answers_;
  std::vector<std::unique_ptr<Body>> bodies_;
  std::optional<std::uint32_t> goaway_;
  bool endless_ = false;
};

}  // namespace strata::net::testing
