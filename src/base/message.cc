#include "base/message.h"

#include "base/format_message.h"

namespace strata {

Message Message::After(const Message& before) && {
  if (ours_ && before.ours_) return Ours(before.whole_ + ": " + whole_);
  return {before.whole() + ": " + whole(), before.own() + ": " + own()};
}

Message FormatMessageArgs(fmt::string_view format, fmt::format_args whole, fmt::format_args own) {
  return {fmt::vformat(format, whole), fmt::vformat(format, own)};
}

}  // namespace strata
