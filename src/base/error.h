#pragma once
// The one error type. Fourteen codes: a new one needs a caller that acts differently on it.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/message.h"

namespace strata {

enum class Code : std::uint8_t {
  kInvalidArgument,
  kUnauthenticated,
  kPermissionDenied,
  kNotFound,
  kConflict,
  kTooLarge,
  kUnsupported,
  kBlocked,
  kRateLimited,
  kDeadlineExceeded,
  kCancelled,
  kUnavailable,
  kCorruption,
  kInternal,
};

// "invalid_argument", "not_found", …: stable, used in logs, ledger and traces.
std::string_view CodeName(Code code);

class Error {
 public:
  // `message` is for the one who asked: it names the thing and the limit, never a secret.
  Error(Code code, Message message) : code_(code), message_(std::move(message)) {}

  Code code() const { return code_; }
  const std::string& message() const { return message_.whole(); }
  // The same, with what is quoted in it told apart: for logs, for other messages, for traces.
  const Message& words() const { return message_; }

  // Path of the offending request member ("messages[0].content"), empty when no field is to blame.
  // Each dialect shows it in its vendor's form.
  const std::string& field() const { return field_.whole(); }
  const Message& field_words() const { return field_; }
  Error&& AtField(FieldPath field) && {
    field_ = std::move(field).path();
    return std::move(*this);
  }

  // Puts `context` ("reading workspace 7") in front; one layer that knows more adds one line.
  Error&& Because(const Message& context) &&;

  // What may be kept where no texts are: all but what it quotes.
  Error WithoutQuotes() const;

  // How long the caller should wait before it tries again, when somebody said so.
  std::optional<std::chrono::milliseconds> retry_after() const { return retry_after_; }
  Error&& RetryAfter(std::chrono::milliseconds wait) && {
    retry_after_ = wait;
    return std::move(*this);
  }

  // HTTP status that a provider answered with, -1 when it did not; 0 when the error is our own.
  int upstream_status() const { return upstream_status_; }
  Error&& FromUpstream(int status) && {
    upstream_status_ = status;
    return std::move(*this);
  }

 private:
  Code code_;
  int upstream_status_ = 0;
  Message message_;
  Message field_;
  std::optional<std::chrono::milliseconds> retry_after_;
};

// Shorthands for the commonest. `what` is a word of ours, `name` somebody else's.
Error InvalidArgument(FieldPath field, Message problem);
Error NotFound(std::string_view what, std::string_view name);
Error Internal(Message message);

}  // namespace strata
