#pragma once
// Structured log events: a name `module.event` and fields, one JSON line each on stderr.
//
// Thread-safe. Prompt and document text never appear at info. Lines below kWarning may be written
// a moment later, together; a warning and an error at once, behind what waits.

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace strata {

enum class Level : std::uint8_t { kDebug, kInfo, kWarning, kError };

struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double> value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}
  template <class T>
    requires std::is_integral_v<T>
  LogField(std::string_view k, T v) : key(k), value(static_cast<std::int64_t>(v)) {}
};

void Log(Level level, std::string_view event, std::initializer_list<LogField> fields = {});

// Lines below `level` are dropped. Default kInfo.
void SetLogLevel(Level level);

// Where finished lines go (without newline); nullptr restores stderr. For tests and for the log
// file option.
using LogSink = std::function<void(Level, std::string_view event, std::string_view line)>;
void SetLogSink(LogSink sink);

}  // namespace strata
