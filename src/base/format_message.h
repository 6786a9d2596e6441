#pragma once
// Messages that are put together: FormatMessage("'{}' is longer than {} bytes", name, max).
//
// Numbers and literals are ours. A string is a quote unless it is given as Own(…): names of models,
// providers and other things that the operator configured, words of this program. So a call that
// says nothing keeps nothing.

#include <fmt/core.h>

#include <concepts>
#include <string_view>
#include <type_traits>

#include "base/message.h"

namespace strata {

// A string of ours. Used in the expression that makes it: it borrows.
struct Own {
  explicit Own(std::string_view said) : text(said) {}
  std::string_view text;
};

Message FormatMessageArgs(fmt::string_view format, fmt::format_args whole, fmt::format_args own);

namespace message_args {

template <class T>
concept Number = std::is_arithmetic_v<T> && !std::same_as<T, char>;

template <Number T>
T Whole(T number) {
  return number;
}
template <Number T>
T OwnPart(T number) {
  return number;
}
inline std::string_view Whole(const Own& own) { return own.text; }
inline std::string_view OwnPart(const Own& own) { return own.text; }
inline std::string_view Whole(const Message& message) { return message.whole(); }
inline std::string_view OwnPart(const Message& message) { return message.own(); }
template <std::size_t N>
std::string_view Whole(const char (&literal)[N]) {
  return literal;
}
template <std::size_t N>
std::string_view OwnPart(const char (&literal)[N]) {
  return literal;
}
template <class T>
  requires(std::convertible_to<const T&, std::string_view> && !std::is_array_v<T>)
std::string_view Whole(const T& quote) {
  return quote;
}
template <class T>
  requires(std::convertible_to<const T&, std::string_view> && !std::is_array_v<T>)
std::string_view OwnPart(const T& /*quote*/) {
  return kQuotePlace;
}

template <class T>
using WholeOf = decltype(Whole(std::declval<const T&>()));

}  // namespace message_args

template <class... Args>
Message FormatMessage(
    fmt::format_string<message_args::WholeOf<std::remove_reference_t<Args>>...> format,
    const Args&... args) {
  return [&](auto... whole) {
    return [&](auto... own) {
      return FormatMessageArgs(fmt::string_view(format), fmt::make_format_args(whole...),
                               fmt::make_format_args(own...));
    }(message_args::OwnPart(args)...);
  }(message_args::Whole(args)...);
}

}  // namespace strata
