#include "base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

#include "base/json_text.h"
#include "base/log_format.h"
#include "base/text_writer.h"

namespace strata {
namespace {

std::atomic<Level> minimum_level{Level::kInfo};
std::atomic<LogFormat> log_format{LogFormat::kJson};
std::mutex sink_mutex;
std::shared_ptr<const LogSink> sink;
std::atomic<bool> sink_set{false};  // so that a line for stderr takes no lock to find that out

constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error"};

// Lines on their way to stderr. Those of one moment are written together: with a line a request, a
// system call each would be a part of what a request costs. Warnings and errors leave at once, with
// what waits before them, and the rest when the process ends.
class StderrWriter {
 public:
  // Lines that come later leave at once.
  void Close() {
    {
      std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
    Flush();
  }

  void Add(Level level, std::string_view line) {
    bool first = false;
    bool full = false;
    {
      std::lock_guard lock(mutex_);
      first = waiting_.empty();
      waiting_.append(line) += '\n';
      full = waiting_.size() >= kBytesMax;
      if (first && level < Level::kWarning && !thread_.joinable() && !closing_) {
        thread_ = std::thread([this] { Loop(); });
        pthread_setname_np(thread_.native_handle(), "log");
      }
    }
    if (level >= Level::kWarning || full || closing_) {
      Flush();
    } else if (first) {
      wake_.notify_one();
    }
  }

 private:
  static constexpr std::chrono::milliseconds kPause{50};
  static constexpr std::size_t kBytesMax = 256u << 10;

  void Loop() {
    std::unique_lock lock(mutex_);
    while (!closing_) {
      wake_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
      wake_.wait_for(lock, kPause, [this] { return closing_.load(); });
      lock.unlock();
      Flush();
      lock.lock();
    }
  }

  void Flush() {
    std::lock_guard writing(writing_);  // lines keep their order
    leaving_.clear();
    {
      std::lock_guard lock(mutex_);
      leaving_.swap(waiting_);
    }
    std::string_view rest = leaving_;
    while (!rest.empty()) {
      const auto written = ::write(STDERR_FILENO, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;  // nobody reads it
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    if (leaving_.capacity() > 2 * kBytesMax) leaving_ = {};
  }

  std::mutex writing_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string waiting_;
  std::string leaving_;  // writing_; the two change places, so that neither grows anew
  std::atomic<bool> closing_{false};
  std::thread thread_;  // started by the first line that may wait
};

// Never destroyed: what ends after it may still have something to say.
StderrWriter& Stderr() {
  static auto* const writer = [] {
    auto* made = new StderrWriter;
    std::atexit([] { Stderr().Close(); });
    return made;
  }();
  return *writer;
}

// "2026-11-22T08:23:39.123Z"; each thread keeps the text of its last second.
std::string_view TimeText() {
  thread_local std::string text(24, ' ');
  thread_local std::int64_t second = -1;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto millis = now.time_since_epoch().count();
  if (millis / 1000 != second) {
    second = millis / 1000;
    text = fmt::format("{:%Y-%m-%dT%H:%M:%S}.000Z", fmt::gmtime(static_cast<std::time_t>(second)));
  }
  const auto part = static_cast<int>(millis % 1000);
  text[20] = static_cast<char>('0' + part / 100);
  text[21] = static_cast<char>('0' + part / 10 % 10);
  text[22] = static_cast<char>('0' + part % 10);
  return text;
}

constexpr std::size_t kRealMax = 32;

// The six significant digits that %g prints of a number without an exponent, several times as fast
// as std::to_chars with a precision; behind the last one, nullptr for all others.
char* SixDigits(char* text, double value) {
  constexpr double kSixDigits = 1e5;
  constexpr double kPowers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
  constexpr std::int64_t kWholePowers[] = {
      1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};
  if (!(value >= 1e-4 && value < 1e6)) return nullptr;
  std::size_t places = 0;
  while (value * kPowers[places] < kSixDigits && places + 1 < std::size(kPowers)) ++places;
  const auto digits = std::llround(value * kPowers[places]);
  if (digits >= 1'000'000 && places == 0) return nullptr;
  auto* end = std::to_chars(text, text + kRealMax, digits / kWholePowers[places]).ptr;
  auto rest = digits % kWholePowers[places];
  if (rest != 0) {
    *end++ = '.';
    for (; rest != 0; rest %= kWholePowers[places]) {
      --places;
      *end++ = static_cast<char>('0' + rest / kWholePowers[places]);
    }
  }
  return end;
}

std::string_view RealText(char* text, double value) {
  constexpr int kDigits = 6;
  auto* end = SixDigits(text, value);
  if (end == nullptr) {
    end = std::to_chars(text, text + kRealMax, value, std::chars_format::general, kDigits).ptr;
  }
  return {text, static_cast<std::size_t>(end - text)};
}

void AppendNumber(std::string& line, const LogField& field) {
  char digits[kRealMax];
  if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
    line.append(digits, std::to_chars(digits, std::end(digits), *integer).ptr);
  } else if (const auto* real = std::get_if<double>(&field.value)) {
    line.append(RealText(digits, *real));
  }
}

// `line`: an empty one, whose memory is used.
std::string JsonLine(std::string line, std::string_view time, std::string_view level,
                     std::string_view event, std::span<const LogField> fields) {
  constexpr std::size_t kUsualBytes = 512;
  TextWriter writer(line, kUsualBytes);
  writer.Raw(R"({"time":")").Raw(time).Raw(R"(","level":")").Raw(level);
  writer.Raw(R"(","event":")").Raw(event).Raw('"');
  for (const auto& field : fields) {
    writer.Raw(",\"").Raw(field.key).Raw("\":");  // a name of ours: nothing to escape
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      writer.Json(*text);
    } else if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
      writer.Integer(*integer);
    } else {
      char digits[kRealMax];
      writer.Raw(RealText(digits, std::get<double>(field.value)));
    }
  }
  writer.Raw('}').Finish();
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
  sink_set = sink != nullptr;
}

void Log(Level level, std::string_view event, std::initializer_list<LogField> fields) {
  try {
    LogFields(level, event, std::span<const LogField>(fields.begin(), fields.size()));
  } catch (const std::bad_alloc&) {
    // The line is lost: who logs is often about to deal with just that.
  }
}

void LogFields(Level level, std::string_view event, std::span<const LogField> fields) {
  if (level < minimum_level.load(std::memory_order_relaxed)) return;
  // Kept by the thread between its lines; a sink that logs by itself finds it taken.
  thread_local std::string kept;
  auto time = TimeText();
  auto name = kLevelNames[static_cast<int>(level)];
  auto line = log_format.load(std::memory_order_relaxed) == LogFormat::kJson
                  ? JsonLine(std::move(kept), time, name, event, fields)
                  : TextLine(time, name, event, fields);
  std::shared_ptr<const LogSink> target;
  if (sink_set.load(std::memory_order_acquire)) {
    std::lock_guard lock(sink_mutex);
    target = sink;
  }
  if (target) {
    (*target)(level, event, line);
  } else {
    Stderr().Add(level, line);
  }
  constexpr std::size_t kKeptBytesMax = 4096;
  if (line.capacity() > kKeptBytesMax) return;
  line.clear();
  kept = std::move(line);
}

}  // namespace strata
