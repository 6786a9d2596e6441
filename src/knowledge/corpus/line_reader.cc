#include "knowledge/corpus/line_reader.h"

#include <zlib.h>

#include <array>
#include <filesystem>
#include <string_view>

namespace strata::knowledge {

struct LineReader::State {
  std::string path;
  gzFile file = nullptr;
  std::array<char, 1 << 16> buffer{};
  std::size_t begin = 0;
  std::size_t end = 0;

  ~State() {
    if (file) gzclose(file);
  }
};

LineReader::LineReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
LineReader::LineReader(LineReader&&) noexcept = default;
LineReader::~LineReader() = default;

Result<LineReader> LineReader::Open(const std::string& path) {
  std::error_code unknown;
  const auto status = std::filesystem::status(path, unknown);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return Fail(InvalidArgument("", path + " is no regular file"));
  }
  auto state = std::make_unique<State>();
  state->path = path;
  state->file = gzopen(path.c_str(), "rb");
  if (!state->file) return Fail(NotFound("file", path));
  LineReader reader(std::move(state));
  STRATA_CHECK_OK(reader.Fill());
  auto& s = *reader.state_;
  if (path.ends_with(".gz") && s.begin != s.end && gzdirect(s.file) == 1) {
    return Fail(InvalidArgument("", path + ": its name ends in .gz, but it is no gzip file"));
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (std::string_view(s.buffer.data(), s.end).starts_with(kByteOrderMark)) {
    s.begin += kByteOrderMark.size();
  }
  return reader;
}

// Leaves begin == end at the end of the file.
Result<> LineReader::Fill() {
  auto& s = *state_;
  const int got = gzread(s.file, s.buffer.data(), static_cast<unsigned>(s.buffer.size()));
  s.begin = 0;
  s.end = got > 0 ? static_cast<std::size_t>(got) : 0;
  if (got > 0) return {};
  int error = Z_OK;
  const char* text = gzerror(s.file, &error);
  if (error == Z_OK || error == Z_STREAM_END) return {};
  const auto place = s.path + ":" + std::to_string(number_ + 1);
  if (error == Z_BUF_ERROR) {
    return Fail(InvalidArgument("", place + ": the gzip stream is cut: it ends within this line"));
  }
  return Fail(
      InvalidArgument("", place + ": the gzip stream is broken at or after this line: " + text));
}

Result<bool> LineReader::Next(std::string& line, std::size_t bytes_max) {
  line.clear();
  auto& s = *state_;
  bool too_long = false;
  for (;;) {
    if (s.begin == s.end) STRATA_CHECK_OK(Fill());
    if (s.begin == s.end) break;
    const std::string_view held(s.buffer.data() + s.begin, s.end - s.begin);
    const auto newline = held.find('\n');
    const auto take = newline == std::string_view::npos ? held.size() : newline;
    too_long = too_long || line.size() + take > bytes_max;
    if (!too_long) line += held.substr(0, take);
    s.begin += take;
    if (newline == std::string_view::npos) continue;
    ++s.begin;
    ++number_;
    if (too_long) return Fail(TooLong(bytes_max));
    if (line.ends_with('\r')) line.pop_back();
    return true;
  }
  if (line.empty() && !too_long) return false;
  ++number_;
  if (too_long) return Fail(TooLong(bytes_max));
  return true;
}

Error LineReader::TooLong(std::size_t bytes_max) const {
  return Error(Code::kTooLarge, state_->path + ":" + std::to_string(number_) +
                                    ": the line is longer than " + std::to_string(bytes_max) +
                                    " bytes");
}

}  // namespace strata::knowledge
