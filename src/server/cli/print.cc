#include "server/cli/print.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>

namespace strata::server {

namespace json = boost::json;

void ProgressLine::Show(std::string_view text) {
  if (::isatty(STDERR_FILENO) != 0) {
    fmt::print(stderr, "\r\x1b[K{}", text);
    std::fflush(stderr);
    shown_ = true;
    return;
  }
  constexpr std::chrono::seconds kEvery{5};
  auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + kEvery;
  fmt::print(stderr, "{}\n", text);
}

void ProgressLine::Note(std::string_view text) {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
  fmt::print(stderr, "{}\n", text);
}

void ProgressLine::Finish(std::string_view text) {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
  shown_ = false;
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

void PrintWarnings(const json::array& warnings) {
  for (const auto& text : warnings) fmt::print(stderr, "warning: {}\n", text.as_string().c_str());
}

void PrintFailures(const json::array& reasons, std::int64_t failed) {
  for (const auto& reason : reasons) fmt::print(stderr, "failed: {}\n", reason.as_string().c_str());
  auto more = failed - static_cast<std::int64_t>(reasons.size());
  if (more > 0) fmt::print(stderr, "failed: {} more\n", more);
}

std::string Indented(std::string_view text, std::size_t spaces) {
  std::string out(spaces, ' ');
  for (char c : text) {
    out += c;
    if (c == '\n') out.append(spaces, ' ');
  }
  return out;
}

std::string TextOf(const json::object& object, std::string_view name) {
  auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::string JoinedOf(const json::object& object, std::string_view name) {
  std::string out;
  const auto* list = object.if_contains(name);
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& item : list->get_array()) {
    out += (out.empty() ? "" : ", ") + std::string(item.as_string());
  }
  return out;
}

std::int64_t NumberOf(const json::object& object, std::string_view name) {
  auto* value = object.if_contains(name);
  return value && value->is_number() ? value->to_number<std::int64_t>() : 0;
}

void PrintAnswer(std::string_view reply) {
  auto answer = json::parse(reply).as_object();
  fmt::print("\n{}\n\n", TextOf(answer, "marked"));
  for (const auto& item : answer.at("sources").as_array()) {
    const auto& source = item.as_object();
    auto page = source.contains("page") ? fmt::format(", page {}", NumberOf(source, "page"))
                                        : std::string();
    fmt::print("  [{}] {}{}\n      {}\n", NumberOf(source, "n"), TextOf(source, "title"), page,
               TextOf(source, "uri"));
  }
  if (auto note = TextOf(answer, "note"); !note.empty()) fmt::print("\nnote   {}\n", note);
  // Only a running server shows the page.
  auto page = TextOf(answer, "trace_url");
  auto shown = page.starts_with("http") ? page + "\n       " : std::string();
  fmt::print("\ntrace  {}strata trace {}\ncost   {} USD\n", shown, TextOf(answer, "trace_id"),
             TextOf(answer, "cost_usd"));
}

}  // namespace strata::server
