#include "server/cli/print.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>

namespace strata::server {

namespace json = boost::json;

void ProgressLine::Show(std::string_view text) {
  if (::isatty(STDOUT_FILENO) == 0) return;
  fmt::print("\r\x1b[K{}", text);
  std::fflush(stdout);
  shown_ = true;
}

void ProgressLine::Finish(std::string_view text) {
  if (shown_) fmt::print("\r\x1b[K");
  shown_ = false;
  fmt::print("{}\n", text);
  std::fflush(stdout);
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
  // Only a running server shows the page.
  auto page = TextOf(answer, "trace_url");
  auto shown = page.starts_with("http") ? page + "\n       " : std::string();
  fmt::print("\ntrace  {}strata trace {}\ncost   {} USD\n", shown, TextOf(answer, "trace_id"),
             TextOf(answer, "cost_usd"));
}

}  // namespace strata::server
