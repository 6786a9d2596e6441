#pragma once
// For tests: error lines that a test brings about.

#include <atomic>

#include "base/log.h"

namespace strata {

// Counts the error lines that are logged while it lives; they are expected, and not printed. One at
// a time.
class ExpectErrors {
 public:
  ExpectErrors() {
    SetLogSink([this](Level level, std::string_view, std::string_view) {
      if (level == Level::kError) ++errors_;
    });
  }
  ~ExpectErrors() { SetLogSink(nullptr); }
  ExpectErrors(const ExpectErrors&) = delete;
  ExpectErrors& operator=(const ExpectErrors&) = delete;

  int errors() const { return errors_; }

 private:
  std::atomic<int> errors_ = 0;
};

}  // namespace strata
