#include "base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>

#include "base/json_text.h"
#include "base/log_format.h"

namespace strata {
namespace {

std::atomic<Level> minimum_level{Level::kInfo};
std::atomic<LogFormat> log_format{LogFormat::kJson};
std::mutex sink_mutex;
std::shared_ptr<const LogSink> sink;

constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error"};

void AppendNumber(std::string& line, const LogField& field) {
  if (auto* integer = std::get_if<std::int64_t>(&field.value)) line += std::to_string(*integer);
  if (auto* real = std::get_if<double>(&field.value)) line += fmt::format("{:.6g}", *real);
}

std::string JsonLine(std::string_view time, std::string_view level, std::string_view event,
                     std::span<const LogField> fields) {
  auto line = fmt::format(R"({{"time":"{}","level":"{}","event":"{}")", time, level, event);
  for (const auto& field : fields) {
    line += ',';
    AppendJsonString(line, field.key);
    line += ':';
    if (auto* text = std::get_if<std::string_view>(&field.value)) AppendJsonString(line, *text);
    AppendNumber(line, field);
  }
  line += '}';
  return line;
}

// Texts stand bare when they are one word, so that no value can look like another field or line.
std::string TextLine(std::string_view time, std::string_view level, std::string_view event,
                     std::span<const LogField> fields) {
  auto is_word = [](std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
      return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
    });
  };
  auto line = fmt::format("{} {:7} {}", time, level, event);
  for (const auto& field : fields) {
    line += fmt::format(" {}=", field.key);
    if (auto* text = std::get_if<std::string_view>(&field.value)) {
      if (is_word(*text)) {
        line += *text;
      } else {
        AppendJsonString(line, *text);
      }
    }
    AppendNumber(line, field);
  }
  return line;
}

}  // namespace

void SetLogFormat(LogFormat format) { log_format = format; }

void SetLogLevel(Level level) { minimum_level = level; }

void SetLogSink(LogSink new_sink) {
  std::lock_guard lock(sink_mutex);
  sink = new_sink ? std::make_shared<const LogSink>(std::move(new_sink)) : nullptr;
}

void Log(Level level, std::string_view event, std::initializer_list<LogField> fields) {
  LogFields(level, event, std::span<const LogField>(fields.begin(), fields.size()));
}

void LogFields(Level level, std::string_view event, std::span<const LogField> fields) {
  if (level < minimum_level.load(std::memory_order_relaxed)) return;
  auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  auto millis = now.time_since_epoch().count() % 1000;
  std::string time = fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                                 fmt::gmtime(std::chrono::system_clock::to_time_t(now)), millis);
  auto name = kLevelNames[static_cast<int>(level)];
  auto line = log_format.load(std::memory_order_relaxed) == LogFormat::kJson
                  ? JsonLine(time, name, event, fields)
                  : TextLine(time, name, event, fields);
  std::shared_ptr<const LogSink> target;
  {
    std::lock_guard lock(sink_mutex);
    target = sink;
  }
  if (target) return (*target)(level, event, line);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace strata
