#pragma once
// Answers that are read from client connections as they come. Only for .cc files: it needs Asio.

#include <memory>
#include <string>

#include "net/client.h"
#include "net/client/pool.h"
#include "net/http1/chunked.h"
#include "net/http1/head.h"

namespace strata::net {

class StreamedResponse final : public ClientResponse {
 public:
  // Where the connection goes when the answer has been read to its end.
  struct Home {
    ClientPools* pools;
    std::shared_ptr<Origin> origin;
  };

  StreamedResponse(std::shared_ptr<ClientConnection> connection, Home home)
      : connection_(std::move(connection)), home_(std::move(home)) {}
  ~StreamedResponse() override { Leave(); }

  // Reads up to the end of the final head (1xx answers are skipped).
  Task<Result<>> ReadHead(std::size_t bytes_max, bool head_request);

  int status() const override { return head_.status; }
  const Headers& headers() const override { return head_.headers; }
  Task<Result<std::string_view>> Read() override;
  bool TryFinish() override;
  Task<Result<std::string>> ReadAll(std::size_t bytes_max) override;

 private:
  enum class Body : std::uint8_t { kNone, kLength, kChunked, kUntilClose };
  enum class Step : std::uint8_t { kPiece, kMore, kEnd };
  Result<Step> NextStep(std::string_view& piece);
  Result<> PeerEnded();
  // One step over the input at hand. True: `piece` is data, or the end when it is empty.
  Result<bool> TakePiece(std::string_view& piece);
  Result<bool> TakeChunked(std::string_view& piece);
  void ChooseBody(bool head_request);
  void End();    // the body is complete
  void Leave();  // closes, unless the end was reached

  std::shared_ptr<ClientConnection> connection_;  // nullptr after the end
  Home home_;
  http1::ResponseHead head_;
  http1::Framing framing_;
  http1::ChunkDecoder chunks_;
  std::uint64_t left_ = 0;
  Body body_ = Body::kNone;
  bool body_whole_ = false;  // all of a chunked body has been taken
};

// An answer that comes over HTTP/2.
class Http2Response final : public ClientResponse {
 public:
  explicit Http2Response(std::shared_ptr<Http2Exchange> exchange)
      : exchange_(std::move(exchange)) {}
  ~Http2Response() override { exchange_->Leave(); }

  int status() const override { return exchange_->status(); }
  const Headers& headers() const override { return exchange_->headers(); }
  Task<Result<std::string_view>> Read() override { return exchange_->Read(); }
  bool TryFinish() override { return exchange_->TryFinish(); }
  Task<Result<std::string>> ReadAll(std::size_t bytes_max) override;

 private:
  std::shared_ptr<Http2Exchange> exchange_;
};

}  // namespace strata::net
