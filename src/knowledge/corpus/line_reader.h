#pragma once
// Lines of a text file, gzip or plain (zlib tells them apart). A byte order mark is skipped.

#include <memory>
#include <string>

#include "base/result.h"

namespace strata::knowledge {

// Not thread-safe; blocks on the disk.
class LineReader {
 public:
  // Errors: kNotFound, kInvalidArgument (NAME.gz is no gzip file; or no regular file at all, which
  // one could wait for forever).
  static Result<LineReader> Open(const std::string& path);
  ~LineReader();
  LineReader(LineReader&&) noexcept;
  LineReader& operator=(LineReader&&) = delete;

  // The next line without its end; false at the end of the file. Errors: kTooLarge (a line longer
  // than `bytes_max`; the one behind it comes next), kInvalidArgument (the gzip stream is cut or
  // broken); both name file and line.
  Result<bool> Next(std::string& line, std::size_t bytes_max);

  std::int64_t number() const { return number_; }  // of the line that Next gave, from 1

 private:
  struct State;
  explicit LineReader(std::unique_ptr<State> state);
  Result<> Fill();
  Error TooLong(std::size_t bytes_max) const;
  std::unique_ptr<State> state_;
  std::int64_t number_ = 0;
};

}  // namespace strata::knowledge
