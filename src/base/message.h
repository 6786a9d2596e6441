#pragma once
// What an error says: words of ours, which may quote those of a user, a document, a model or a
// provider. Whoever asked is shown all of it. Where no texts are kept (server.trace_text) only our
// own words are; "…" stands for what they quote.

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace strata {

inline constexpr std::string_view kQuotePlace = "…";

class Message {
 public:
  Message() = default;

  // A literal is ours. A buffer is none.
  template <std::size_t N>
  Message(const char (&literal)[N]) : whole_(literal) {}
  template <std::size_t N>
  Message(char (&buffer)[N]) = delete;

  // Of a text that was put together nobody knows what it quotes, so all of it is taken for a quote.
  // FormatMessage (base/format_message.h) knows.
  Message(std::string text) : whole_(std::move(text)), own_(kQuotePlace), ours_(false) {}
  template <std::same_as<std::string_view> T>
  Message(T text) : Message(std::string(text)) {}
  template <std::same_as<const char*> T>
  Message(T text) : Message(std::string(text)) {}

  // `own`: `whole` without what it quotes.
  Message(std::string whole, std::string own)
      : whole_(std::move(whole)), own_(std::move(own)), ours_(false) {}

  // A text of which every word is ours: a name, a limit, a place in a request.
  static Message Ours(std::string text) {
    Message out;
    out.whole_ = std::move(text);
    return out;
  }

  bool empty() const { return whole_.empty(); }
  const std::string& whole() const { return whole_; }
  const std::string& own() const { return ours_ ? whole_ : own_; }

  // `before`, ": " and this.
  Message After(const Message& before) &&;

 private:
  std::string whole_;
  std::string own_;  // unless `ours_`
  bool ours_ = true;
};

// The place in a request that an error is about ("messages[0].content"). Names of members are ours,
// but for those that a user chose; JsonField::Place() knows which are.
class FieldPath {
 public:
  template <std::convertible_to<std::string> T>
  FieldPath(T&& path) : path_(Message::Ours(std::string(std::forward<T>(path)))) {}
  template <std::same_as<std::string_view> T>
  FieldPath(T path) : path_(Message::Ours(std::string(path))) {}
  FieldPath(std::string whole, std::string own) : path_(std::move(whole), std::move(own)) {}

  const Message& path() const& { return path_; }
  Message&& path() && { return std::move(path_); }

 private:
  Message path_;
};

}  // namespace strata
