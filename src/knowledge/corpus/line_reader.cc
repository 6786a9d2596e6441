#include "knowledge/corpus/line_reader.h"

#include <zlib.h>

#include <array>

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
  auto state = std::make_unique<State>();
  state->path = path;
  state->file = gzopen(path.c_str(), "rb");
  if (!state->file) return Fail(NotFound("file", path));
  return LineReader(std::move(state));
}

Result<bool> LineReader::Next(std::string& line, std::size_t bytes_max) {
  line.clear();
  auto& s = *state_;
  for (;;) {
    if (s.begin == s.end) {
      const int got = gzread(s.file, s.buffer.data(), static_cast<unsigned>(s.buffer.size()));
      if (got < 0) return Fail(Code::kCorruption, s.path + " cannot be read: broken gzip data");
      if (got == 0) break;
      s.begin = 0;
      s.end = static_cast<std::size_t>(got);
    }
    const std::string_view held(s.buffer.data() + s.begin, s.end - s.begin);
    const auto newline = held.find('\n');
    const auto take = newline == std::string_view::npos ? held.size() : newline;
    if (line.size() + take > bytes_max) {
      return Fail(Code::kTooLarge, s.path + " line " + std::to_string(number_ + 1) +
                                       " is longer than " + std::to_string(bytes_max) + " bytes");
    }
    line += held.substr(0, take);
    s.begin += take;
    if (newline == std::string_view::npos) continue;
    ++s.begin;
    ++number_;
    if (line.ends_with('\r')) line.pop_back();
    return true;
  }
  if (line.empty()) return false;
  ++number_;
  return true;
}

}  // namespace strata::knowledge
