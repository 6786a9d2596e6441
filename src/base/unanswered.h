#pragma once
// Calls that a server has got and gave no answer to that can be used. It may have done the work,
// and charge it.

#include <utility>

#include "base/error.h"

namespace strata {

// The Error::upstream_status() of such a call's error; -1 of one that did not get so far.
inline constexpr int kSentUnanswered = -2;

inline Error SentUnanswered(Error error) { return std::move(error).FromUpstream(kSentUnanswered); }
inline bool IsSentUnanswered(const Error& error) {
  return error.upstream_status() == kSentUnanswered;
}

}  // namespace strata
