#pragma once
// What a provider says when it refuses our credentials may hold the account's number, names and
// roles: for operators (trace, log, `provider test`), not for callers.

#include <string>

#include "base/error.h"

namespace strata {

// Whether the text of `error` is a provider's word about this server's own account.
inline bool IsAboutOurAccount(const Error& error) {
  const bool refused =
      error.code() == Code::kPermissionDenied || error.code() == Code::kUnauthenticated;
  return refused && error.upstream_status() != 0;
}

// For whoever may read what was tried, but not the operator's account. `where`: what has the words.
inline std::string WithoutAccountWords(const Error& error, const char* where) {
  if (!IsAboutOurAccount(error)) return error.message();
  return std::string("the provider refused this server's credentials or permission; ") + where +
         " has what it said";
}

}  // namespace strata
