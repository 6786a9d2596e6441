#include "net/http2/session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/log.h"
#include "net/admission.h"
#include "net/http1/head.h"
#include "net/http1/head_writer.h"
#include "net/http2/flood_guard.h"
#include "net/server/connection_text.h"

namespace strata::net::http2 {
namespace {

constexpr std::size_t kFieldsMax = 256;
constexpr std::size_t kFieldOverhead = 32;  // RFC 9113 §10.5.1
constexpr std::uint32_t kStreamWindowMin = 65'535;
constexpr http1::Failure kBodyTooLarge{413, "the request body is larger than net.body_bytes_max"};
constexpr http1::Failure kBodiesTooMany{503, "the connection's other request bodies fill its room"};

SteadyTime Now() { return std::chrono::steady_clock::now(); }

struct Stream {
  StreamId id = 0;
  HttpRequest request;
  std::size_t header_bytes = 0;
  std::size_t fields = 0;
  std::optional<http1::Failure> failure;  // why the request is answered without a handler
  bool request_whole = false;
  bool continued = false;  // the question whether to send a body has been answered
  bool admitted = false;   // its body may be long
  bool reported = false;   // OnRequest was called
  bool head_request = false;
  // The answer.
  bool responded = false;
  bool ended = false;     // nothing follows `offered`
  bool deferred = false;  // nghttp2 waits for ResumeData
  bool sent_whole = false;
  std::string owned_body;
  std::string_view offered;
  SteadyTime began;
  SteadyTime touched;          // last input of the request
  SteadyTime answered;         // when the last of the answer left
  SteadyTime stalled_since{};  // offered bytes wait for window; zero: they do not
};

class ServerSession final : public Session {
 public:
  ServerSession(const SessionLimits& limits, SessionEvents& events);
  ~ServerSession() override { nghttp2_session_del(session_); }

  bool Feed(std::string_view bytes, SteadyTime now) override;
  void Pull(std::string& out, std::size_t bytes_max) override;
  bool finished() const override {
    return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
  }
  std::size_t open_streams() const override { return streams_.size(); }

  void Respond(StreamId id, int status, const Headers& headers, std::string body) override;
  void StartStream(StreamId id, int status, const Headers& headers) override;
  void Offer(StreamId id, std::string_view bytes) override;
  void EndStream(StreamId id) override;
  void Reset(StreamId id) override { Break(id, NGHTTP2_INTERNAL_ERROR); }
  void Refuse(StreamId id) override { Break(id, NGHTTP2_REFUSED_STREAM); }
  void ExpireRequests(SteadyTime now, std::chrono::milliseconds pause_max,
                      std::size_t rate_min) override;
  void ExpireAnswers(SteadyTime limit) override;
  void AnnounceEnd() override { nghttp2_submit_shutdown_notice(session_); }
  void RefuseNewStreams() override {
    GoAway(NGHTTP2_NO_ERROR, nghttp2_session_get_last_proc_stream_id(session_));
  }

 private:
  friend struct Callbacks;
  Stream* Find(StreamId id);
  void OnHeader(Stream& stream, std::string_view name, std::string_view value);
  void OnRequestFrame(Stream& stream, bool end_stream);
  void OnBody(Stream& stream, std::string_view bytes);
  bool OnControlFrame(const nghttp2_frame& frame);
  void OnStreamEnd(StreamId id, std::uint32_t error_code);
  void OnSent(const nghttp2_frame& frame);
  void Complete(Stream& stream);
  void BeginBody(Stream& stream);
  bool Admit(Stream& stream);
  void Continue(StreamId id);
  void ForgetBody(Stream& stream);
  void Fail(Stream& stream);
  void Submit(Stream& stream, int status, const Headers& headers);
  void Resume(Stream& stream);
  void Break(StreamId id, std::uint32_t error_code);
  void GoAway(std::uint32_t error_code, StreamId last);

  const SessionLimits limits_;
  SessionEvents& events_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams_;
  std::string* out_ = nullptr;  // of the Pull that runs
  std::size_t out_max_ = 0;
  FloodGuard resets_;
  FloodGuard control_frames_;
  SteadyTime now_;
  std::size_t bodies_bytes_ = 0;  // of requests that are not whole
  bool flooded_ = false;
};

std::string_view View(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// nghttp2's callbacks; `user` is the session. An exception must not pass through C code: only
// bad_alloc could be thrown, and it ends the connection.
struct Callbacks {
  static ServerSession& Of(void* user) { return *static_cast<ServerSession*>(user); }

  template <class F>
  static int Guard(F body) {
    try {
      return body();
    } catch (...) {
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
  }

  static int BeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    return Guard([&] {
      auto stream = std::make_unique<Stream>();
      stream->id = frame->hd.stream_id;
      stream->began = stream->touched = Of(user).now_;
      Of(user).streams_[frame->hd.stream_id] = std::move(stream);
      return 0;
    });
  }

  static int Header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
    auto* stream = Of(user).Find(frame->hd.stream_id);
    // Trailers of a request carry nothing that is used here.
    bool head = frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
    if (stream == nullptr || !head) return 0;
    return Guard([&] {
      Of(user).OnHeader(*stream, View(name, name_size), View(value, value_size));
      return 0;
    });
  }

  static int FrameReceived(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return Guard([&] {
      auto& self = Of(user);
      if (!self.OnControlFrame(*frame)) return 0;
      auto* stream = self.Find(frame->hd.stream_id);
      bool of_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
      if (stream != nullptr && of_request) {
        self.OnRequestFrame(*stream, (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0);
      }
      return 0;
    });
  }

  static int DataChunk(nghttp2_session*, std::uint8_t, StreamId id, const std::uint8_t* data,
                       std::size_t size, void* user) {
    auto* stream = Of(user).Find(id);
    if (stream == nullptr) return 0;
    return Guard([&] {
      Of(user).OnBody(*stream, View(data, size));
      return 0;
    });
  }

  static int StreamClosed(nghttp2_session*, StreamId id, std::uint32_t error_code, void* user) {
    return Guard([&] {
      Of(user).OnStreamEnd(id, error_code);
      return 0;
    });
  }

  static int FrameSent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return Guard([&] {
      Of(user).OnSent(*frame);
      return 0;
    });
  }

  static ssize_t Send(nghttp2_session*, const std::uint8_t* data, std::size_t size, int,
                      void* user) {
    auto& self = Of(user);
    if (self.out_->size() >= self.out_max_) return NGHTTP2_ERR_WOULDBLOCK;
    return Guard([&] {
             self.out_->append(View(data, size));
             return 0;
           }) == 0
               ? static_cast<ssize_t>(size)
               : NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  // Says how many of the offered bytes the next DATA frame takes; SendData copies them.
  static ssize_t ReadData(nghttp2_session*, StreamId id, std::uint8_t*, std::size_t size,
                          std::uint32_t* flags, nghttp2_data_source*, void* user) {
    auto* stream = Of(user).Find(id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (stream->offered.empty() && !stream->ended) {
      stream->deferred = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    auto taken = std::min(size, stream->offered.size());
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (stream->ended && taken == stream->offered.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(taken);
  }

  static int SendData(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head,
                      std::size_t size, nghttp2_data_source*, void* user) {
    auto& self = Of(user);
    if (self.out_->size() >= self.out_max_) return NGHTTP2_ERR_WOULDBLOCK;
    auto* stream = self.Find(frame->hd.stream_id);
    if (stream == nullptr || stream->offered.size() < size || frame->data.padlen != 0) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return Guard([&] {
      self.out_->append(View(head, 9));
      self.out_->append(stream->offered.substr(0, size));
      stream->offered.remove_prefix(size);
      stream->stalled_since = stream->offered.empty() ? SteadyTime{} : Now();
      if (stream->offered.empty() && stream->reported) self.events_.OnDrained(stream->id);
      return 0;
    });
  }
};

nghttp2_session_callbacks* MakeCallbacks() {
  nghttp2_session_callbacks* made = nullptr;
  nghttp2_session_callbacks_new(&made);
  nghttp2_session_callbacks_set_on_begin_headers_callback(made, Callbacks::BeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback(made, Callbacks::Header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, Callbacks::FrameReceived);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, Callbacks::DataChunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, Callbacks::StreamClosed);
  nghttp2_session_callbacks_set_on_frame_send_callback(made, Callbacks::FrameSent);
  nghttp2_session_callbacks_set_send_callback(made, Callbacks::Send);
  nghttp2_session_callbacks_set_send_data_callback(made, Callbacks::SendData);
  return made;
}

ServerSession::ServerSession(const SessionLimits& limits, SessionEvents& events)
    : limits_(limits), events_(events) {
  static nghttp2_session_callbacks* callbacks = MakeCallbacks();
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_max_outbound_ack(option, 256);
  nghttp2_option_set_max_settings(option, 32);
  nghttp2_session_server_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  auto window = std::max(limits_.window_bytes, kStreamWindowMin);
  nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.streams_max},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits_.header_bytes_max)},
  };
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  auto connection_window = std::min<std::uint64_t>(4ull * window, 0x7fffffff);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(connection_window));
}

Stream* ServerSession::Find(StreamId id) {
  auto at = streams_.find(id);
  return at == streams_.end() ? nullptr : at->second.get();
}

bool ServerSession::Feed(std::string_view bytes, SteadyTime now) {
  now_ = now;
  auto taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  // The block of headers does not end: nghttp2 gives up on it without a word to the peer.
  if (taken == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) {
    nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
  }
  return taken >= 0 && !flooded_;
}

void ServerSession::Pull(std::string& out, std::size_t bytes_max) {
  out_ = &out;
  out_max_ = bytes_max;
  if (nghttp2_session_send(session_) != 0) flooded_ = true;
  out_ = nullptr;
}

void ServerSession::OnHeader(Stream& stream, std::string_view name, std::string_view value) {
  stream.header_bytes += name.size() + value.size() + kFieldOverhead;
  if (stream.header_bytes > limits_.header_bytes_max || ++stream.fields > kFieldsMax) {
    stream.failure = {431, "the header list is larger than net.header_bytes_max"};
  }
  if (stream.failure) return;
  auto& request = stream.request;
  if (!name.starts_with(':')) {
    request.headers.Add(std::string(name), std::string(value));
  } else if (name == ":method") {
    request.method = value;
  } else if (name == ":path") {
    request.target = value;
  } else if (name == ":scheme") {
    request.scheme = value;
  } else if (name == ":authority") {
    request.authority = value;
  }
}

// After HEADERS and after each DATA.
void ServerSession::OnRequestFrame(Stream& stream, bool end_stream) {
  stream.touched = now_;
  if (end_stream) stream.request_whole = true;
  if (stream.responded || stream.reported) return;
  if (stream.failure) return Fail(stream);
  if (end_stream) return Complete(stream);
  if (!std::exchange(stream.continued, true)) BeginBody(stream);
}

// The head is there, a body follows. nghttp2 has checked that content-length is a number.
void ServerSession::BeginBody(Stream& stream) {
  const auto& headers = stream.request.headers;
  auto length = headers.Get("content-length");
  std::uint64_t announced = 0;
  std::from_chars(length.data(), length.data() + length.size(), announced);
  if (announced > limits_.body_bytes_max) {
    stream.failure = kBodyTooLarge;
    return Fail(stream);
  }
  bool expects = SameHeader(headers.Get("expect"), "100-continue");
  if ((expects || announced > kUnaskedBodyBytes) && !Admit(stream)) return;
  if (expects) Continue(stream.id);
}

// False: the request is with its handler already.
bool ServerSession::Admit(Stream& stream) {
  if (!stream.admitted) stream.admitted = events_.OnLongBody(stream.request);
  if (stream.admitted) return true;
  ForgetBody(stream);
  Complete(stream);
  return false;
}

void ServerSession::Continue(StreamId id) {
  std::string name = ":status";
  std::string value = "100";
  nghttp2_nv field{reinterpret_cast<std::uint8_t*>(name.data()),
                   reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
                   NGHTTP2_NV_FLAG_NONE};
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, &field, 1, nullptr);
}

void ServerSession::Complete(Stream& stream) {
  auto& request = stream.request;
  auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (request.target.empty() ||
      !std::all_of(request.target.begin(), request.target.end(), visible)) {
    stream.failure = {400, ":path is missing or holds characters that must be percent-encoded"};
    return Fail(stream);
  }
  if (request.authority.empty()) request.authority = request.headers.Get("host");
  request.version = HttpVersion::kHttp2;
  stream.head_request = request.method == "HEAD";
  stream.reported = true;
  bodies_bytes_ -= request.body.size();
  events_.OnRequest(stream.id, std::move(request));
}

void ServerSession::OnBody(Stream& stream, std::string_view bytes) {
  stream.touched = now_;
  if (stream.responded || stream.reported || stream.failure) return;
  auto& body = stream.request.body;
  bool too_large = bytes.size() > limits_.body_bytes_max - body.size();
  bool too_many = bytes.size() > limits_.body_bytes_max * kBodiesMax - bodies_bytes_;
  if (too_large || too_many) {
    stream.failure = too_large ? kBodyTooLarge : kBodiesTooMany;
    ForgetBody(stream);
    return Fail(stream);
  }
  bodies_bytes_ += bytes.size();
  body.append(bytes);
  if (body.size() > kUnaskedBodyBytes) Admit(stream);
}

void ServerSession::ForgetBody(Stream& stream) {
  bodies_bytes_ -= stream.request.body.size();
  stream.request.body = {};
}

// Answers a request that no handler will see.
void ServerSession::Fail(Stream& stream) {
  const auto& failure = *stream.failure;
  auto answer = events_.OnFailure(stream.request, failure.status, failure.message);
  Respond(stream.id, failure.status, answer.headers, std::move(answer.body));
}

// False: the frame tipped the scale and the connection ends.
bool ServerSession::OnControlFrame(const nghttp2_frame& frame) {
  bool fine = true;
  switch (frame.hd.type) {
    case NGHTTP2_RST_STREAM: {
      auto* stream = Find(frame.hd.stream_id);
      bool early = stream != nullptr && !stream->sent_whole;
      if (early) fine = resets_.Count(now_, limits_.resets_max);
      break;
    }
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PING:
    case NGHTTP2_PRIORITY:
      fine = control_frames_.Count(now_, limits_.control_frames_max);
      break;
    case NGHTTP2_DATA:
      if (frame.hd.length == 0 && (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
        fine = control_frames_.Count(now_, limits_.control_frames_max);
      }
      break;
    default:
      break;
  }
  if (!fine && !std::exchange(flooded_, true)) {
    Log(Level::kWarning, "net.http2_flood", {{"frame", static_cast<int>(frame.hd.type)}});
    nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
  }
  return fine;
}

void ServerSession::OnStreamEnd(StreamId id, std::uint32_t error_code) {
  auto at = streams_.find(id);
  if (at == streams_.end()) return;
  auto stream = std::move(at->second);
  streams_.erase(at);
  if (!stream->reported) ForgetBody(*stream);
  bool whole = stream->sent_whole && error_code == NGHTTP2_NO_ERROR;
  if (stream->reported) events_.OnClosed(id, whole);
}

// A client that still sends its body after the whole answer may do so for a while: many take a
// reset for the end of everything and never look at the answer (ExpireRequests cuts the rest off).
void ServerSession::OnSent(const nghttp2_frame& frame) {
  bool of_answer = frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA;
  if (!of_answer || (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
  auto* stream = Find(frame.hd.stream_id);
  if (stream == nullptr) return;
  stream->sent_whole = true;
  stream->answered = Now();
}

// Header fields as nghttp2 wants them; the strings live in `text` until the submit has copied them.
class FieldList {
 public:
  FieldList(int status, const Headers& headers) {
    Add(":status", std::to_string(status));
    for (const auto& [name, value] : headers.fields()) {
      if (http1::IsConnectionField(name) || SameHeader(name, "content-length")) continue;
      if (http1::IsToken(name) && http1::IsFieldValue(value)) Add(name, value);
    }
    Add("date", std::string(HttpDate()));
  }
  void Add(std::string_view name, std::string value) {
    std::string lower(name);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    text_.emplace_back(std::move(lower), std::move(value));
  }
  std::vector<nghttp2_nv> Values() {
    std::vector<nghttp2_nv> values;
    values.reserve(text_.size());
    for (auto& [name, value] : text_) {
      values.push_back({reinterpret_cast<std::uint8_t*>(name.data()),
                        reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
                        NGHTTP2_NV_FLAG_NONE});
    }
    return values;
  }

 private:
  std::vector<std::pair<std::string, std::string>> text_;
};

void ServerSession::Submit(Stream& stream, int status, const Headers& headers) {
  stream.responded = true;
  bool bodiless = stream.head_request || status == 204 || status == 304;
  FieldList fields(status, headers);
  if (stream.ended && status != 204 && status != 304) {
    fields.Add("content-length", std::to_string(stream.offered.size()));
  }
  auto values = fields.Values();
  nghttp2_data_provider provider{{.fd = 0}, Callbacks::ReadData};
  bool empty = bodiless || (stream.ended && stream.offered.empty());
  if (bodiless) {
    stream.offered = {};
    stream.stalled_since = {};
  }
  nghttp2_submit_response(session_, stream.id, values.data(), values.size(),
                          empty ? nullptr : &provider);
}

void ServerSession::Respond(StreamId id, int status, const Headers& headers, std::string body) {
  auto* stream = Find(id);
  if (stream == nullptr || stream->responded) return;
  stream->owned_body = std::move(body);
  stream->offered = stream->owned_body;
  stream->ended = true;
  if (!stream->offered.empty()) stream->stalled_since = Now();
  Submit(*stream, status, headers);
}

void ServerSession::StartStream(StreamId id, int status, const Headers& headers) {
  auto* stream = Find(id);
  if (stream != nullptr && !stream->responded) Submit(*stream, status, headers);
}

void ServerSession::Resume(Stream& stream) {
  if (std::exchange(stream.deferred, false)) nghttp2_session_resume_data(session_, stream.id);
}

void ServerSession::Offer(StreamId id, std::string_view bytes) {
  auto* stream = Find(id);
  if (stream == nullptr) return;
  stream->offered = bytes;
  stream->stalled_since = Now();
  Resume(*stream);
}

void ServerSession::EndStream(StreamId id) {
  auto* stream = Find(id);
  if (stream == nullptr) return;
  stream->ended = true;
  Resume(*stream);
}

void ServerSession::Break(StreamId id, std::uint32_t error_code) {
  auto* stream = Find(id);
  if (stream == nullptr) return;
  stream->offered = {};
  stream->owned_body.clear();
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, error_code);
}

void ServerSession::ExpireRequests(SteadyTime now, std::chrono::milliseconds pause_max,
                                   std::size_t rate_min) {
  for (auto& [id, stream] : streams_) {
    if (stream->sent_whole && !stream->request_whole && now - stream->answered > pause_max) {
      Break(id, NGHTTP2_NO_ERROR);
    }
    if (stream->request_whole || stream->responded || stream->reported) continue;
    auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - stream->began);
    auto least = rate_min * static_cast<std::size_t>(age.count()) / 1000;
    bool slow = age > pause_max && stream->request.body.size() < least;
    if (!slow && now - stream->touched <= pause_max) continue;
    stream->failure = {408, "the request did not arrive in time"};
    Fail(*stream);
  }
}

void ServerSession::ExpireAnswers(SteadyTime limit) {
  for (auto& [id, stream] : streams_) {
    bool stalled = stream->stalled_since != SteadyTime{} && stream->stalled_since < limit;
    if (stalled) Break(id, NGHTTP2_CANCEL);
  }
}

void ServerSession::GoAway(std::uint32_t error_code, StreamId last) {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, error_code, nullptr, 0);
}

}  // namespace

std::unique_ptr<Session> Session::Create(const SessionLimits& limits, SessionEvents& events) {
  return std::make_unique<ServerSession>(limits, events);
}

}  // namespace strata::net::http2
