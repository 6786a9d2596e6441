#include "net/client/response.h"

#include <algorithm>
#include <cstring>

#include "base/format_message.h"

namespace strata::net {
namespace {

constexpr int kInterimMax = 16;

std::unexpected<Error> Malformed(std::string_view why) {
  return Fail(Code::kUnavailable, FormatMessage("the upstream's answer is malformed: {}", why));
}
std::unexpected<Error> Cut() {
  return Fail(Code::kUnavailable, "the upstream closed before the end of its answer");
}

Result<> AppendWithin(std::size_t bytes_max, std::string_view piece, std::string& body) {
  if (piece.size() > bytes_max - body.size()) {
    return Fail(Code::kTooLarge,
                FormatMessage("the upstream's answer is longer than {} bytes", bytes_max));
  }
  body.append(piece);
  return {};
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
      connection_->AskForInput();
      while (connection_->awaits_input()) co_await connection_->event().Wait();
      STRATA_CO_TRY(bool more, connection_->InputCame());
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

// All chunks at hand as one piece: their data is moved together within the input.
Result<bool> StreamedResponse::TakeChunked(std::string_view& piece) {
  using Step = http1::ChunkDecoder::Step;
  auto& input = connection_->input();
  auto bytes = input.view();
  char* gathered = nullptr;
  std::size_t size = 0;
  auto step = Step::kData;
  while (step == Step::kData) {
    std::string_view data;
    step = chunks_.Next(bytes, data);
    if (step != Step::kData) break;
    if (gathered == nullptr) gathered = input.Writable(data);
    if (size > 0) std::memmove(gathered + size, data.data(), data.size());
    size += data.size();
  }
  input.ShrinkTo(bytes);
  piece = {gathered, size};
  if (step == Step::kEnd) body_whole_ = true;
  if (size > 0 || step == Step::kEnd) return true;  // a failure shows itself again
  if (step == Step::kNeedMore) return false;
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

bool StreamedResponse::TryFinish() {
  if (!connection_) return true;
  if (body_ == Body::kChunked && !body_whole_) {
    auto ahead = chunks_;
    auto bytes = connection_->input().view();
    std::string_view data;
    if (ahead.Next(bytes, data) != http1::ChunkDecoder::Step::kEnd) return false;
    connection_->input().ShrinkTo(bytes);
  } else if (!body_whole_ && (body_ != Body::kLength || left_ > 0)) {
    return false;
  }
  End();
  return true;
}

// One step over what is at hand.
Result<StreamedResponse::Step> StreamedResponse::NextStep(std::string_view& piece) {
  while (connection_) {
    if (body_whole_ || (body_ == Body::kLength && left_ == 0)) {
      End();
      break;
    }
    STRATA_TRY(bool taken, TakePiece(piece));
    if (!taken) return Step::kMore;
    if (!piece.empty()) return Step::kPiece;
  }
  piece = {};
  return Step::kEnd;
}

// Nothing more will come.
Result<> StreamedResponse::PeerEnded() {
  if (body_ != Body::kUntilClose) return Cut();
  End();
  return {};
}

Task<Result<std::string_view>> StreamedResponse::Read() {
  while (true) {
    std::string_view piece;
    STRATA_CO_TRY(auto step, NextStep(piece));
    if (step != Step::kMore) co_return piece;
    connection_->AskForInput();
    while (connection_->awaits_input()) co_await connection_->event().Wait();
    STRATA_CO_TRY(bool more, connection_->InputCame());
    if (!more) STRATA_CO_CHECK_OK(PeerEnded());
  }
}

Task<Result<std::string>> StreamedResponse::ReadAll(std::size_t bytes_max) {
  std::string body;
  if (connection_ && body_ == Body::kLength) {
    if (left_ > bytes_max) {
      co_return Fail(
          Code::kTooLarge,
          FormatMessage("the upstream's answer has {} bytes, more than {}", left_, bytes_max));
    }
    // Trusted only so far: the rest grows as it comes.
    body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(left_, 1u << 20)));
  }
  // Not Read in a loop: where the body came with its head, nothing waits.
  while (true) {
    std::string_view piece;
    STRATA_CO_TRY(auto step, NextStep(piece));
    if (step == Step::kEnd) co_return body;
    if (step == Step::kPiece) {
      STRATA_CO_CHECK_OK(AppendWithin(bytes_max, piece, body));
      continue;
    }
    connection_->AskForInput();
    while (connection_->awaits_input()) co_await connection_->event().Wait();
    STRATA_CO_TRY(bool more, connection_->InputCame());
    if (!more) STRATA_CO_CHECK_OK(PeerEnded());
  }
}

Task<Result<std::string>> Http2Response::ReadAll(std::size_t bytes_max) {
  std::string body;
  while (true) {
    STRATA_CO_TRY(auto piece, co_await Read());
    if (piece.empty()) co_return body;
    STRATA_CO_CHECK_OK(AppendWithin(bytes_max, piece, body));
  }
}

void StreamedResponse::End() {
  auto connection = std::exchange(connection_, nullptr);
  connection->EndCall();
  if (framing_.keep_alive && body_ != Body::kUntilClose) {
    home_.pools->Put(*home_.origin, std::move(connection));
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
