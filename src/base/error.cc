#include "base/error.h"

#include <fmt/format.h>

namespace strata {

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "invalid_argument";
    case Code::kUnauthenticated:
      return "unauthenticated";
    case Code::kPermissionDenied:
      return "permission_denied";
    case Code::kNotFound:
      return "not_found";
    case Code::kConflict:
      return "conflict";
    case Code::kTooLarge:
      return "too_large";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kBlocked:
      return "blocked";
    case Code::kRateLimited:
      return "rate_limited";
    case Code::kDeadlineExceeded:
      return "deadline_exceeded";
    case Code::kCancelled:
      return "cancelled";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kCorruption:
      return "corruption";
    case Code::kInternal:
      return "internal";
  }
  return "internal";
}

Error&& Error::Because(std::string_view context) && {
  message_ = fmt::format("{}: {}", context, message_);
  return std::move(*this);
}

Error InvalidArgument(std::string field, std::string_view problem) {
  auto message = field.empty() ? std::string(problem) : fmt::format("{}: {}", field, problem);
  return Error(Code::kInvalidArgument, std::move(message)).AtField(std::move(field));
}

Error NotFound(std::string_view what, std::string_view name) {
  return Error(Code::kNotFound, fmt::format("{} '{}' does not exist", what, name));
}

Error Internal(std::string message) { return Error(Code::kInternal, std::move(message)); }

}  // namespace strata
