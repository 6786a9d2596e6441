#pragma once
// Writing a file that appears under its name only when it is whole.

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::knowledge {

// Not thread-safe; blocks. Without Finish the file is left as it was. What is no regular file is
// refused: it would be replaced by one.
class WholeFile {
 public:
  explicit WholeFile(std::string path) : path_(std::move(path)) {
    std::error_code unknown;
    const auto status = std::filesystem::status(path_, unknown);
    special_ = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
    if (!special_) out_.open(path_ + ".part");
  }
  ~WholeFile() {
    std::error_code ignored;
    if (!done_ && !special_) std::filesystem::remove(path_ + ".part", ignored);
  }
  Result<> Write(std::string_view text) {
    if (special_) return Fail(InvalidArgument("out", path_ + " is no regular file"));
    out_.write(text.data(), static_cast<std::streamsize>(text.size()));
    return out_ ? Result<>() : Failed();
  }
  Result<> Finish() {
    if (special_) return Write({});
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
  bool special_ = false;
  bool done_ = false;
};

}  // namespace strata::knowledge
