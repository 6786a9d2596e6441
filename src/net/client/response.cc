#include "net/client/response.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::net {
namespace {

constexpr int kInterimMax = 16;

std::unexpected<Error> Malformed(std::string_view why) {
  return Fail(Code::kUnavailable, fmt::format("the upstream's answer is malformed: {}", why));
}
std::unexpected<Error> Cut() {
  return Fail(Code::kUnavailable, "the upstream closed before the end of its answer");
}

}  // namespace

Task<Result<>> StreamedResponse::ReadHead(std::size_t bytes_max, bool head_request) {
  auto& input = connection_->input();
  std::size_t scanned = 0;
  for (int interim = 0; interim < kInterimMax;) {
    auto bytes = input.view();
    auto end = http1::FindHeadEnd(bytes, scanned);
    if (std::min(end, bytes.size()) > bytes_max) {
      co_return Malformed("its head is larger than net.client.header_bytes_max");
    }
    if (end == bytes.npos) {
      STRATA_CO_TRY(bool more, co_await connection_->ReadMore());
      if (!more) co_return Cut();
      continue;
    }
    head_ = {};
    framing_ = {};
    auto failure = http1::ParseResponseHead(bytes.substr(0, end), head_, framing_);
    if (failure) co_return Malformed(failure->message);
    input.ShrinkTo(bytes.substr(end));
    scanned = 0;
    if (head_.status == 101) co_return Malformed("it switches protocols unasked");
    if (head_.status >= 200) {
      ChooseBody(head_request);
      co_return Result<>{};
    }
    ++interim;
  }
  co_return Malformed("too many interim answers");
}

void StreamedResponse::ChooseBody(bool head_request) {
  if (head_request || head_.status == 204 || head_.status == 304) {
    End();
  } else if (framing_.chunked) {
    body_ = Body::kChunked;
  } else if (framing_.content_length) {
    body_ = Body::kLength;
    left_ = *framing_.content_length;
    if (left_ == 0) End();
  } else {
    body_ = Body::kUntilClose;
  }
}

Result<bool> StreamedResponse::TakeChunked(std::string_view& piece) {
  auto& input = connection_->input();
  auto bytes = input.view();
  auto step = chunks_.Next(bytes, piece);
  input.ShrinkTo(bytes);
  switch (step) {
    case http1::ChunkDecoder::Step::kData:
      return true;
    case http1::ChunkDecoder::Step::kNeedMore:
      return false;
    case http1::ChunkDecoder::Step::kEnd:
      End();
      return true;
    case http1::ChunkDecoder::Step::kFailed:
      break;
  }
  return Malformed("its chunked body is broken");
}

Result<bool> StreamedResponse::TakePiece(std::string_view& piece) {
  piece = {};
  if (body_ == Body::kChunked) return TakeChunked(piece);
  auto& input = connection_->input();
  auto bytes = input.view();
  if (bytes.empty()) return false;
  auto limit = body_ == Body::kLength ? left_ : bytes.size();
  piece = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(limit, bytes.size())));
  input.ShrinkTo(bytes.substr(piece.size()));
  left_ -= body_ == Body::kLength ? piece.size() : 0;
  return true;
}

Task<Result<std::string_view>> StreamedResponse::Read() {
  while (connection_) {
    if (body_ == Body::kLength && left_ == 0) {
      End();
      break;
    }
    std::string_view piece;
    STRATA_CO_TRY(bool taken, TakePiece(piece));
    if (taken) co_return piece;
    STRATA_CO_TRY(bool more, co_await connection_->ReadMore());
    if (more) continue;
    if (body_ != Body::kUntilClose) co_return Cut();
    End();
  }
  co_return std::string_view();
}

Task<Result<std::string>> StreamedResponse::ReadAll(std::size_t bytes_max) {
  std::string body;
  if (connection_ && body_ == Body::kLength) {
    if (left_ > bytes_max) {
      co_return Fail(
          Code::kTooLarge,
          fmt::format("the upstream's answer has {} bytes, more than {}", left_, bytes_max));
    }
    // Trusted only so far: the rest grows as it comes.
    body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(left_, 1u << 20)));
  }
  while (true) {
    STRATA_CO_TRY(auto piece, co_await Read());
    if (piece.empty()) co_return body;
    if (piece.size() > bytes_max - body.size()) {
      co_return Fail(Code::kTooLarge,
                     fmt::format("the upstream's answer is longer than {} bytes", bytes_max));
    }
    body.append(piece);
  }
}

void StreamedResponse::End() {
  auto connection = std::exchange(connection_, nullptr);
  connection->EndCall();
  if (framing_.keep_alive && body_ != Body::kUntilClose) {
    home_.pools->Put(home_.key, std::move(connection), home_.limits);
  } else {
    connection->Close();
  }
}

void StreamedResponse::Leave() {
  if (!connection_) return;
  connection_->EndCall();
  connection_->Close();
}

}  // namespace strata::net
