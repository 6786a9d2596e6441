#include "net/http2/client_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <unordered_map>

#include "base/log.h"

namespace strata::net::http2 {
namespace {

constexpr std::size_t kFieldsMax = 256;
constexpr std::size_t kFieldOverhead = 32;  // RFC 9113 §10.5.1
constexpr int kInterimMax = 16;
constexpr std::int32_t kWindowMax = 0x7fffffff;

struct Stream {
  StreamId id = 0;
  std::string_view body;  // not yet sent
  int status = 0;
  Headers headers;
  std::size_t header_bytes = 0;
  std::size_t fields = 0;
  int interim = 0;
  bool sent = false;  // its request has begun to leave
  bool head_done = false;
  std::string_view failure;  // why it is broken off
};

std::string_view View(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

nghttp2_nv Field(const std::pair<std::string, std::string>& field) {
  const auto& [name, value] = field;
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
          value.size(), NGHTTP2_NV_FLAG_NONE};
}

class Session final : public ClientSession {
 public:
  Session(const ClientLimits& limits, ClientEvents& events);
  ~Session() override { nghttp2_session_del(session_); }

  bool Feed(std::string_view bytes, SteadyTime now) override;
  void Pull(std::string& out, std::size_t bytes_max) override;
  StreamId Request(const Fields& fields, std::string_view body) override;
  void Consumed(StreamId id, std::size_t bytes) override {
    nghttp2_session_consume(session_, id, bytes);
  }
  void Cancel(StreamId id) override;
  void Ping() override { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }
  void End() override { nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR); }

  bool has_room() const override { return !closing() && streams_.size() < streams_max(); }
  bool closing() const override {
    return closing_ || nghttp2_session_check_request_allowed(session_) == 0;
  }
  std::size_t open_streams() const override { return streams_.size(); }
  bool settled() const override { return settled_; }
  std::size_t streams_max() const override;

 private:
  friend struct Callbacks;
  Stream* Find(StreamId id);
  void OnHeader(Stream& stream, std::string_view name, std::string_view value);
  void OnFrame(const nghttp2_frame& frame);
  void OnHeadEnd(Stream& stream);
  void OnAnswerEnd(Stream& stream);
  void OnStreamEnd(StreamId id, std::uint32_t error_code);
  void CountControlFrame(const nghttp2_frame& frame);
  void Break(Stream& stream, std::string_view why);
  void RefuseUnsent();

  const ClientLimits limits_;
  ClientEvents& events_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams_;
  std::string* out_ = nullptr;  // of the Pull that runs
  std::size_t out_max_ = 0;
  FloodGuard control_frames_;
  SteadyTime now_;
  bool closing_ = false;
  bool settled_ = false;  // the server's SETTINGS have come
};

// nghttp2's callbacks; `user` is the session. An exception must not pass through C code: only
// bad_alloc could be thrown, and it ends the connection.
struct Callbacks {
  static Session& Of(void* user) { return *static_cast<Session*>(user); }

  template <class F>
  static int Guard(F body) {
    try {
      body();
      return 0;
    } catch (...) {
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
  }

  static int Header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
    auto* stream = Of(user).Find(frame->hd.stream_id);
    if (stream == nullptr || frame->hd.type != NGHTTP2_HEADERS) return 0;
    return Guard(
        [&] { Of(user).OnHeader(*stream, View(name, name_size), View(value, value_size)); });
  }

  static int FrameReceived(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return Guard([&] { Of(user).OnFrame(*frame); });
  }

  static int FrameSent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto* stream = Of(user).Find(frame->hd.stream_id);
    if (stream != nullptr && frame->hd.type == NGHTTP2_HEADERS) stream->sent = true;
    return 0;
  }

  static int DataChunk(nghttp2_session* session, std::uint8_t, StreamId id,
                       const std::uint8_t* data, std::size_t size, void* user) {
    auto* stream = Of(user).Find(id);
    if (stream == nullptr || !stream->failure.empty()) {
      nghttp2_session_consume(session, id, size);
      return 0;
    }
    return Guard([&] { Of(user).events_.OnData(id, View(data, size)); });
  }

  static int StreamClosed(nghttp2_session*, StreamId id, std::uint32_t error_code, void* user) {
    return Guard([&] { Of(user).OnStreamEnd(id, error_code); });
  }

  static ssize_t Send(nghttp2_session*, const std::uint8_t* data, std::size_t size, int,
                      void* user) {
    auto& self = Of(user);
    if (self.out_->size() >= self.out_max_) return NGHTTP2_ERR_WOULDBLOCK;
    if (Guard([&] { self.out_->append(View(data, size)); }) != 0) {
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return static_cast<ssize_t>(size);
  }

  // Says how much of the body the next DATA frame takes; SendData copies it.
  static ssize_t ReadData(nghttp2_session*, StreamId id, std::uint8_t*, std::size_t size,
                          std::uint32_t* flags, nghttp2_data_source*, void* user) {
    auto* stream = Of(user).Find(id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    auto taken = std::min(size, stream->body.size());
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (taken == stream->body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(taken);
  }

  static int SendData(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head,
                      std::size_t size, nghttp2_data_source*, void* user) {
    auto& self = Of(user);
    if (self.out_->size() >= self.out_max_) return NGHTTP2_ERR_WOULDBLOCK;
    auto* stream = self.Find(frame->hd.stream_id);
    if (stream == nullptr || stream->body.size() < size || frame->data.padlen != 0) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return Guard([&] {
      self.out_->append(View(head, 9));
      self.out_->append(stream->body.substr(0, size));
      stream->body.remove_prefix(size);
    });
  }
};

nghttp2_session_callbacks* MakeCallbacks() {
  nghttp2_session_callbacks* made = nullptr;
  nghttp2_session_callbacks_new(&made);
  nghttp2_session_callbacks_set_on_header_callback(made, Callbacks::Header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, Callbacks::FrameReceived);
  nghttp2_session_callbacks_set_on_frame_send_callback(made, Callbacks::FrameSent);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, Callbacks::DataChunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, Callbacks::StreamClosed);
  nghttp2_session_callbacks_set_send_callback(made, Callbacks::Send);
  nghttp2_session_callbacks_set_send_data_callback(made, Callbacks::SendData);
  return made;
}

Session::Session(const ClientLimits& limits, ClientEvents& events)
    : limits_(limits), events_(events) {
  static nghttp2_session_callbacks* callbacks = MakeCallbacks();
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_max_outbound_ack(option, 256);
  nghttp2_option_set_max_settings(option, 32);
  nghttp2_session_client_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits_.window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits_.header_bytes_max)},
  };
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindowMax);
}

Stream* Session::Find(StreamId id) {
  auto at = streams_.find(id);
  return at == streams_.end() ? nullptr : at->second.get();
}

std::size_t Session::streams_max() const {
  if (!settled_) return limits_.streams_at_first;
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool Session::Feed(std::string_view bytes, SteadyTime now) {
  now_ = now;
  auto taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) closing_ = true;
  return taken >= 0 && nghttp2_session_want_read(session_) != 0;
}

void Session::Pull(std::string& out, std::size_t bytes_max) {
  out_ = &out;
  out_max_ = bytes_max;
  if (nghttp2_session_send(session_) != 0) closing_ = true;
  out_ = nullptr;
}

StreamId Session::Request(const Fields& fields, std::string_view body) {
  std::vector<nghttp2_nv> values;
  values.reserve(fields.size());
  for (const auto& field : fields) values.push_back(Field(field));
  nghttp2_data_provider provider{{.fd = 0}, Callbacks::ReadData};
  auto id = nghttp2_submit_request(session_, nullptr, values.data(), values.size(),
                                   body.empty() ? nullptr : &provider, nullptr);
  if (id <= 0) return 0;
  auto stream = std::make_unique<Stream>();
  stream->id = id;
  stream->body = body;
  streams_[id] = std::move(stream);
  return id;
}

void Session::Cancel(StreamId id) {
  if (streams_.erase(id) == 0) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
}

void Session::Break(Stream& stream, std::string_view why) {
  if (!stream.failure.empty()) return;
  stream.failure = why;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_ENHANCE_YOUR_CALM);
}

void Session::OnHeader(Stream& stream, std::string_view name, std::string_view value) {
  stream.header_bytes += name.size() + value.size() + kFieldOverhead;
  if (stream.header_bytes > limits_.header_bytes_max || ++stream.fields > kFieldsMax) {
    return Break(stream, "its head is larger than net.client.header_bytes_max");
  }
  if (stream.head_done) return;  // trailers carry nothing that is used here
  if (name == ":status") {
    stream.status = 0;
    for (char c : value) stream.status = stream.status * 10 + (c - '0');
  } else if (!name.starts_with(':')) {
    stream.headers.Add(std::string(name), std::string(value));
  }
}

void Session::OnHeadEnd(Stream& stream) {
  if (stream.head_done || !stream.failure.empty()) return;
  if (stream.status >= 200) {
    stream.head_done = true;
    return events_.OnHead(stream.id, stream.status, std::move(stream.headers));
  }
  stream.headers = {};
  if (++stream.interim > kInterimMax) Break(stream, "too many interim answers");
}

// Requests that were taken before the server said how many it takes would wait behind the others,
// however long these run: given back, they go over another connection.
void Session::RefuseUnsent() {
  std::vector<StreamId> unsent;
  for (const auto& [id, stream] : streams_) {
    if (!stream->sent) unsent.push_back(id);
  }
  const auto sent = streams_.size() - unsent.size();
  const auto kept = streams_max() > sent ? streams_max() - sent : 0;
  std::sort(unsent.begin(), unsent.end());  // the oldest stay
  for (auto i = std::min(kept, unsent.size()); i < unsent.size(); ++i) {
    Cancel(unsent[i]);
    events_.OnEnd(unsent[i], StreamEnd::kRefused, "the server takes no more streams at once");
  }
}

void Session::CountControlFrame(const nghttp2_frame& frame) {
  if (control_frames_.Count(now_, limits_.control_frames_max) || closing_) return;
  closing_ = true;
  Log(Level::kWarning, "net.http2_upstream_flood", {{"frame", static_cast<int>(frame.hd.type)}});
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

// The whole answer is there. A server may answer before it has read the request to its end.
void Session::OnAnswerEnd(Stream& stream) {
  if (!stream.failure.empty() || !stream.head_done) return;
  auto id = stream.id;
  bool unsent = !stream.body.empty();
  streams_.erase(id);
  if (unsent) nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
  events_.OnEnd(id, StreamEnd::kWhole, {});
}

void Session::OnFrame(const nghttp2_frame& frame) {
  bool of_answer = frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA;
  auto* stream = of_answer ? Find(frame.hd.stream_id) : nullptr;
  if (stream != nullptr && frame.hd.type == NGHTTP2_HEADERS) OnHeadEnd(*stream);
  if (stream != nullptr && (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) OnAnswerEnd(*stream);
  switch (frame.hd.type) {
    case NGHTTP2_SETTINGS:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) == 0) {
        settled_ = true;
        RefuseUnsent();
      }
      CountControlFrame(frame);
      break;
    case NGHTTP2_PING:
    case NGHTTP2_PRIORITY:
      CountControlFrame(frame);
      break;
    case NGHTTP2_DATA:
      if (frame.hd.length == 0 && (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
        CountControlFrame(frame);
      }
      break;
    case NGHTTP2_GOAWAY:
      closing_ = true;
      break;
    default:
      break;
  }
}

void Session::OnStreamEnd(StreamId id, std::uint32_t error_code) {
  auto at = streams_.find(id);
  if (at == streams_.end()) return;
  auto stream = std::move(at->second);
  streams_.erase(at);
  if (!stream->failure.empty()) return events_.OnEnd(id, StreamEnd::kMalformed, stream->failure);
  switch (error_code) {
    case NGHTTP2_REFUSED_STREAM:
      return events_.OnEnd(id, StreamEnd::kRefused, "the server refused the stream");
    case NGHTTP2_PROTOCOL_ERROR:
      return events_.OnEnd(id, StreamEnd::kMalformed, "it breaks HTTP/2's rules");
    default:
      return events_.OnEnd(id, StreamEnd::kReset, "the server reset the stream");
  }
}

}  // namespace

std::unique_ptr<ClientSession> ClientSession::Create(const ClientLimits& limits,
                                                     ClientEvents& events) {
  return std::make_unique<Session>(limits, events);
}

}  // namespace strata::net::http2
