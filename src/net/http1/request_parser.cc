#include "net/http1/request_parser.h"

#include <algorithm>
#include <utility>

#include "net/admission.h"

namespace strata::net::http1 {
namespace {

// The body grows by what has come, not by what was announced: at least this much at a time.
constexpr std::size_t kBodyStep = 64 * 1024;

}  // namespace

RequestParser::State RequestParser::Fail(Failure failure) {
  failure_ = failure;
  return state_ = State::kFailed;
}

RequestParser::State RequestParser::Feed(std::string_view& bytes) {
  if (state_ == State::kHead) TakeHead(bytes);
  if (state_ == State::kBody && !bytes.empty()) TakeBody(bytes);
  return state_;
}

RequestParser::State RequestParser::TakeHead(std::string_view& bytes) {
  // A client may send an empty line after a body (RFC 9112 §2.2).
  while (scanned_ == 0 && bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  if (scanned_ == 0 && bytes == "\r") return state_;  // half of such a line, perhaps
  auto end = FindHeadEnd(bytes, scanned_);
  if (std::min(end, bytes.size()) > limits_.header_bytes_max) {
    return Fail({431, "the request head is larger than net.header_bytes_max"});
  }
  if (end == bytes.npos) {
    // Not a request at all (TLS on the plain port, binary): say so now, not at the time-out.
    if (!bytes.empty() && bytes.front() != '\r' && !IsToken(bytes.substr(0, 1))) {
      return Fail({400, "this is not an HTTP request"});
    }
    return state_;
  }
  auto head = bytes.substr(0, end);
  bytes.remove_prefix(end);
  scanned_ = 0;
  if (auto failure = ParseRequestHead(head, request_, framing_)) return Fail(*failure);
  return BeginBody();
}

RequestParser::State RequestParser::BeginBody() {
  if (framing_.content_length.value_or(0) > limits_.body_bytes_max) {
    return Fail({413, "the request body is larger than net.body_bytes_max"});
  }
  bool none = !framing_.chunked && framing_.content_length.value_or(0) == 0;
  return state_ = none ? State::kComplete : State::kBody;
}

std::span<char> RequestParser::BodyRoom() {
  if (state_ != State::kBody || framing_.chunked) return {};
  auto& body = request_.body;
  auto left = static_cast<std::size_t>(*framing_.content_length) - body_size_;
  if (body.size() == body_size_) {
    auto grow = std::min(left, std::max(kBodyStep, body_size_));
    // libstdc++ 12 hands over the capacity, not what was asked for.
    body.resize_and_overwrite(body_size_ + grow,
                              [wanted = body_size_ + grow](char*, std::size_t) { return wanted; });
  }
  return std::span(body).subspan(body_size_);
}

RequestParser::State RequestParser::BodyFilled(std::size_t bytes) {
  body_size_ += bytes;
  if (body_size_ == *framing_.content_length) {
    TrimBody();
    state_ = State::kComplete;
  }
  return state_;
}

void RequestParser::TrimBody() { request_.body.resize(body_size_); }

RequestParser::State RequestParser::TakeBody(std::string_view& bytes) {
  if (framing_.chunked) return TakeChunked(bytes);
  while (!bytes.empty() && state_ == State::kBody) {
    auto room = BodyRoom();
    auto size = std::min(room.size(), bytes.size());
    std::copy_n(bytes.data(), size, room.data());
    bytes.remove_prefix(size);
    BodyFilled(size);
  }
  return state_;
}

RequestParser::State RequestParser::TakeChunked(std::string_view& bytes) {
  while (true) {
    std::string_view data;
    switch (chunks_.Next(bytes, data)) {
      case ChunkDecoder::Step::kData:
        if (data.size() > limits_.body_bytes_max - body_size_) {
          return Fail({413, "the request body is larger than net.body_bytes_max"});
        }
        request_.body.append(data);
        body_size_ += data.size();
        break;
      case ChunkDecoder::Step::kNeedMore:
        return state_;
      case ChunkDecoder::Step::kEnd:
        return state_ = State::kComplete;
      case ChunkDecoder::Step::kFailed:
        return Fail({400, "the chunked body is malformed"});
    }
  }
}

bool RequestParser::NeedsAdmission() const {
  if (admitted_ || state_ == State::kHead || state_ == State::kFailed) return false;
  if (state_ == State::kBody && framing_.expects_continue) return true;
  return std::max<std::uint64_t>(framing_.content_length.value_or(0), body_size_) >
         kUnaskedBodyBytes;
}

bool RequestParser::TakeExpectsContinue() {
  return state_ == State::kBody && std::exchange(framing_.expects_continue, false);
}

HttpRequest RequestParser::Take() {
  auto request = std::exchange(request_, {});
  framing_ = {};
  chunks_ = {};
  body_size_ = 0;
  admitted_ = false;
  state_ = State::kHead;
  return request;
}

}  // namespace strata::net::http1
