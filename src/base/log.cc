#include "base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>

#include "base/json_text.h"

namespace strata {
namespace {

std::atomic<Level> minimum_level{Level::kInfo};
std::mutex sink_mutex;
std::shared_ptr<const LogSink> sink;

constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error"};

}  // namespace

void SetLogLevel(Level level) { minimum_level = level; }

void SetLogSink(LogSink new_sink) {
  std::lock_guard lock(sink_mutex);
  sink = new_sink ? std::make_shared<const LogSink>(std::move(new_sink)) : nullptr;
}

void Log(Level level, std::string_view event, std::initializer_list<LogField> fields) {
  if (level < minimum_level.load(std::memory_order_relaxed)) return;
  auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  auto millis = now.time_since_epoch().count() % 1000;
  std::string line =
      fmt::format(R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z","level":"{}","event":"{}")",
                  fmt::gmtime(std::chrono::system_clock::to_time_t(now)), millis,
                  kLevelNames[static_cast<int>(level)], event);
  for (const auto& field : fields) {
    line += ',';
    AppendJsonString(line, field.key);
    line += ':';
    if (auto* text = std::get_if<std::string_view>(&field.value)) AppendJsonString(line, *text);
    if (auto* integer = std::get_if<std::int64_t>(&field.value)) line += std::to_string(*integer);
    if (auto* real = std::get_if<double>(&field.value)) line += fmt::format("{:.6g}", *real);
  }
  line += '}';
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
