#pragma once
// Assertions for bugs of ours. Not for bad input: that is a Result.

#include <stdexcept>
#include <string>

namespace strata {

// Fails one request with kInternal; the connection's last catch logs it.
class Bug : public std::logic_error {
  using std::logic_error::logic_error;
};

namespace internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              const std::string& why);
[[noreturn]] void FatalFailed(const char* file, int line, const char* condition,
                              const std::string& why);
}  // namespace internal

}  // namespace strata

// Debug builds abort; release builds log and throw Bug, which fails this request only.
#define STRATA_CHECK(cond, why) \
  if (!(cond)) ::strata::internal::CheckFailed(__FILE__, __LINE__, #cond, (why))
// Always aborts: for anything that would write wrong data (index, ledger, migration).
#define STRATA_FATAL(cond, why) \
  if (!(cond)) ::strata::internal::FatalFailed(__FILE__, __LINE__, #cond, (why))
