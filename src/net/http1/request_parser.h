#pragma once
// HTTP/1.1 requests out of a byte stream: head, then body, one after the other (pipelining). Knows
// no sockets, so that it can be fuzzed. Owned by one connection.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "net/http.h"
#include "net/http1/chunked.h"
#include "net/http1/head.h"

namespace strata::net::http1 {

struct ParserLimits {
  std::size_t header_bytes_max = 64 * 1024;
  std::size_t body_bytes_max = 64u << 20;
};

class RequestParser {
 public:
  enum class State : std::uint8_t { kHead, kBody, kComplete, kFailed };

  explicit RequestParser(ParserLimits limits) : limits_(limits) {}
  // For what was not read yet.
  void SetLimits(ParserLimits limits) { limits_ = limits; }

  // Takes from the front of `bytes` what it can use and returns the new state. In kHead nothing is
  // taken until the whole head is there: the caller keeps the bytes and comes again with more.
  State Feed(std::string_view& bytes);

  // Room where the body's next bytes may be read to without a copy; empty when they must go
  // through Feed. BodyFilled says how many came.
  std::span<char> BodyRoom();
  State BodyFilled(std::size_t bytes);

  State state() const { return state_; }
  // Set in kFailed: what to answer before closing.
  const Failure& failure() const { return failure_; }
  // What was read of the request so far; nothing of a head that is not whole.
  const HttpRequest& request() const { return request_; }
  std::size_t body_size() const { return body_size_; }
  bool keep_alive() const { return framing_.keep_alive; }
  bool http10() const { return framing_.http10; }
  bool expects_continue() const { return state_ == State::kBody && framing_.expects_continue; }
  // Whether somebody must say that this body may come (net/admission.h); Admit says it.
  bool NeedsAdmission() const;
  void Admit() { admitted_ = true; }
  // The client waits for "100 Continue" before it sends the body. True once for a request.
  bool TakeExpectsContinue();

  // The complete request; the parser is ready for the next one.
  HttpRequest Take();

 private:
  State Fail(Failure failure);
  State TakeHead(std::string_view& bytes);
  State BeginBody();
  State TakeBody(std::string_view& bytes);
  State TakeChunked(std::string_view& bytes);
  void TrimBody();

  ParserLimits limits_;
  State state_ = State::kHead;
  Failure failure_{400, ""};
  HttpRequest request_;
  Framing framing_;
  ChunkDecoder chunks_;
  std::size_t scanned_ = 0;
  bool admitted_ = false;
  std::size_t body_size_ = 0;  // bytes of request_.body that are data; more may be room
};

}  // namespace strata::net::http1
