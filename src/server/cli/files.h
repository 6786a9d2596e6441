#pragma once
// Files that commands name. A server may be the one that reads and writes them, and a name may
// stand for something that is this process's alone: a pipe, /dev/stdin, a process substitution.

#include <cstdio>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/cli/caller.h"

namespace strata::server {

// A file that is read, as a path that a server can open. What is no regular file is read to its end
// first, into a temporary file that goes with this object.
class InputFile {
 public:
  static Result<InputFile> Open(const std::string& named, const CallerFlags& flags);
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile();

  const std::string& path() const { return path_; }
  // `text` with the file called as the caller called it.
  std::string InCallersWords(std::string text) const;
  Error InCallersWords(const Error& error) const;

 private:
  InputFile(std::string named, std::string path, bool spooled)
      : named_(std::move(named)), path_(std::move(path)), spooled_(spooled) {}

  std::string named_;
  std::string path_;
  bool spooled_ = false;
};

// A file that a server writes: at once where it is a regular one or will be, else into a temporary
// file that Finish copies.
class OutputFile {
 public:
  OutputFile(const std::string& named, const CallerFlags& flags);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  const std::string& path() const { return path_; }
  Result<> Finish() const;

 private:
  std::string named_;
  std::string path_;
  bool spooled_ = false;
};

// Gives a named file all of its content: a regular file is replaced as a whole, also behind a
// symbolic link; into a pipe, a terminal or another special file it is written.
Result<> WriteOutput(const std::string& named, std::string_view text);

// Where a command says what it has written to `named`: not between the lines of it.
std::FILE* NotesBeside(const std::string& named);

}  // namespace strata::server
