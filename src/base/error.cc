#include "base/error.h"

#include "base/format_message.h"

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

Error&& Error::Because(const Message& context) && {
  message_ = std::move(message_).After(context);
  return std::move(*this);
}

Error Error::WithoutQuotes() const {
  Error out = *this;
  out.message_ = Message::Ours(message_.own());
  out.field_ = Message::Ours(field_.own());
  return out;
}

Error InvalidArgument(FieldPath field, Message problem) {
  auto place = std::move(field).path();
  auto message = place.whole().empty() ? std::move(problem) : std::move(problem).After(place);
  Error out(Code::kInvalidArgument, std::move(message));
  return std::move(out).AtField(FieldPath(place.whole(), place.own()));
}

Error NotFound(std::string_view what, std::string_view name) {
  return Error(Code::kNotFound, FormatMessage("{} '{}' does not exist", Own(what), name));
}

Error Internal(Message message) { return Error(Code::kInternal, std::move(message)); }

}  // namespace strata
