#include "tests/fakes/strata_fake_provider/script.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <functional>
#include <map>

#include "base/encoding.h"

namespace strata::fakes {
namespace {

namespace json = boost::json;

Error Wrong(std::string_view key, std::string_view expected) {
  return InvalidArgument(std::string(key), fmt::format("expected {}", expected));
}

Result<> Text(const json::value& value, std::string_view key, std::string& out) {
  if (!value.is_string()) return Fail(Wrong(key, "a string"));
  out = std::string(value.get_string());
  return {};
}

template <class Number>
Result<> Integer(const json::value& value, std::string_view key, Number& out) {
  if (!value.is_int64()) return Fail(Wrong(key, "an integer"));
  out = static_cast<Number>(value.get_int64());
  return {};
}

Result<> Chunks(const json::value& value, FakeAnswer& out) {
  if (!value.is_array()) return Fail(Wrong("chunks", "an array of strings"));
  for (const auto& item : value.get_array()) {
    STRATA_CHECK_OK(Text(item, "chunks", out.chunks.emplace_back()));
  }
  return {};
}

Result<> ToolCalls(const json::value& value, FakeAnswer& out) {
  if (!value.is_array()) return Fail(Wrong("tool_calls", "an array of objects"));
  for (const auto& item : value.get_array()) {
    const auto* call = item.if_object();
    if (call == nullptr || !call->contains("id") || !call->contains("name") ||
        !call->contains("input")) {
      return Fail(Wrong("tool_calls", "objects with id, name, input"));
    }
    FakeToolCall parsed;
    STRATA_CHECK_OK(Text(call->at("id"), "tool_calls.id", parsed.id));
    STRATA_CHECK_OK(Text(call->at("name"), "tool_calls.name", parsed.name));
    parsed.input = json::serialize(call->at("input"));
    out.tool_calls.push_back(std::move(parsed));
  }
  return {};
}

Result<> Match(const json::value& value, FakeAnswer& out) {
  if (!value.is_object()) return Fail(Wrong("match", "an object"));
  for (const auto& member : value.get_object()) {
    if (member.key() == "path") {
      STRATA_CHECK_OK(Text(member.value(), "match.path", out.match_path));
    } else if (member.key() == "contains") {
      STRATA_CHECK_OK(Text(member.value(), "match.contains", out.match_text));
    } else {
      return Fail(Wrong("match", "path or contains"));
    }
  }
  return {};
}

Result<> Headers(const json::value& value, FakeAnswer& out) {
  if (!value.is_object()) return Fail(Wrong("headers", "an object of strings"));
  for (const auto& member : value.get_object()) {
    auto& [name, text] = out.headers.emplace_back(std::string(member.key()), "");
    STRATA_CHECK_OK(Text(member.value(), "headers", text));
  }
  return {};
}

// Members that are one text or one number.
Result<bool> Simple(std::string_view key, const json::value& value, FakeAnswer& out) {
  const std::map<std::string_view, std::string*> texts = {{"reasoning", &out.reasoning},
                                                          {"stop", &out.stop},
                                                          {"stop_sequence", &out.stop_sequence},
                                                          {"citation_uri", &out.citation_uri},
                                                          {"citation_title", &out.citation_title},
                                                          {"citation_quote", &out.citation_quote},
                                                          {"error_message", &out.error_message},
                                                          {"error_type", &out.error_type},
                                                          {"garbage", &out.garbage},
                                                          {"stream_error", &out.stream_error}};
  const std::map<std::string_view, int*> ints = {
      {"times", &out.times},         {"status", &out.status},
      {"delay_ms", &out.delay_ms},   {"chunk_delay_ms", &out.chunk_delay_ms},
      {"cut_after", &out.cut_after}, {"hold_after", &out.hold_after}};
  const std::map<std::string_view, std::int64_t*> longs = {
      {"input_tokens", &out.input_tokens},
      {"output_tokens", &out.output_tokens},
      {"cache_read_tokens", &out.cache_read_tokens},
      {"cache_write_tokens", &out.cache_write_tokens},
      {"reasoning_tokens", &out.reasoning_tokens},
      {"retry_after_s", &out.retry_after_s}};
  if (auto at = texts.find(key); at != texts.end()) {
    STRATA_CHECK_OK(Text(value, key, *at->second));
  } else if (auto number = ints.find(key); number != ints.end()) {
    STRATA_CHECK_OK(Integer(value, key, *number->second));
  } else if (auto big = longs.find(key); big != longs.end()) {
    STRATA_CHECK_OK(Integer(value, key, *big->second));
  } else {
    return false;
  }
  return true;
}

}  // namespace

Result<FakeAnswer> ParseAnswer(const json::object& object) {
  FakeAnswer out;
  for (const auto& member : object) {
    std::string_view key = member.key();
    STRATA_TRY(bool simple, Simple(key, member.value(), out));
    if (simple) continue;
    if (key == "text") {
      STRATA_CHECK_OK(Text(member.value(), key, out.chunks.emplace_back()));
    } else if (key == "chunks") {
      STRATA_CHECK_OK(Chunks(member.value(), out));
    } else if (key == "tool_calls") {
      STRATA_CHECK_OK(ToolCalls(member.value(), out));
    } else if (key == "match") {
      STRATA_CHECK_OK(Match(member.value(), out));
    } else if (key == "headers") {
      STRATA_CHECK_OK(Headers(member.value(), out));
    } else if (key == "no_usage" && member.value().is_bool()) {
      out.no_usage = member.value().get_bool();
    } else if (key == "once_each" && member.value().is_bool()) {
      out.once_each = member.value().get_bool();
    } else if (key == "cut_body" && member.value().is_bool()) {
      out.cut_body = member.value().get_bool();
    } else {
      return Fail(InvalidArgument(std::string(key), "is no member of a scripted answer"));
    }
  }
  return out;
}

void FakeScript::Push(FakeAnswer answer) {
  std::lock_guard lock(mutex_);
  answers_.push_back(std::move(answer));
}

void FakeScript::Clear() {
  std::lock_guard lock(mutex_);
  answers_.clear();
  seen_.clear();
}

FakeAnswer FakeScript::Take(std::string_view path, std::string_view body,
                            std::string_view last_user_text) {
  std::lock_guard lock(mutex_);
  for (auto at = answers_.begin(); at != answers_.end(); ++at) {
    if (path.find(at->match_path) == std::string_view::npos) continue;
    if (body.find(at->match_text) == std::string_view::npos) continue;
    if (at->once_each && !seen_.insert(Hash64(body)).second) continue;
    FakeAnswer answer = *at;
    if (at->times > 0 && --at->times == 0) answers_.erase(at);
    return answer;
  }
  FakeAnswer echo;
  echo.chunks = {"You said: ", std::string(last_user_text)};
  return echo;
}

}  // namespace strata::fakes
