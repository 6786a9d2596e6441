#pragma once
// Writing a file that appears under its name only when it is whole.

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::knowledge {

// Not thread-safe; blocks. Without Finish the file is left as it was.
class WholeFile {
 public:
  explicit WholeFile(std::string path) : path_(std::move(path)), out_(path_ + ".part") {}
  ~WholeFile() {
    std::error_code ignored;
    if (!done_) std::filesystem::remove(path_ + ".part", ignored);
  }
  Result<> Write(std::string_view text) {
    out_.write(text.data(), static_cast<std::streamsize>(text.size()));
    return out_ ? Result<>() : Failed();
  }
  Result<> Finish() {
    out_.close();
    std::error_code error;
    if (out_) std::filesystem::rename(path_ + ".part", path_, error);
    if (!out_ || error) return Failed();
    done_ = true;
    return {};
  }

 private:
  Result<> Failed() const { return Fail(Code::kUnavailable, "writing " + path_ + " failed"); }

  std::string path_;
  std::ofstream out_;
  bool done_ = false;
};

}  // namespace strata::knowledge
