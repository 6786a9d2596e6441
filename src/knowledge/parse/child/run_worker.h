#pragma once
// Starts the child for one request and turns however it ends into bytes or an error.

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "knowledge/parse/child/wire.h"
#include "knowledge/parser.h"

namespace strata::knowledge::child {

// Sanitizers reserve terabytes of address space for their shadow.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kLimitsMemory = false;
#else
inline constexpr bool kLimitsMemory = true;
#endif
#else
inline constexpr bool kLimitsMemory = true;
#endif

struct WorkerCall {
  std::string name;  // of the document, for messages
  ChildParserOptions options;
  std::chrono::milliseconds time_left;  // of the caller's deadline
  std::stop_token cancel;
};

// Blocking. The child's whole output, undecoded. Errors name the document: kDeadlineExceeded,
// kTooLarge (output, memory), kInvalidArgument (the child died of the document), kCancelled,
// kUnavailable.
Result<std::string> RunWorker(const WorkerCall& call, std::string request);

// "document NAME: …" in front of an error's message.
Error ForDocument(std::string_view name, Error error);

}  // namespace strata::knowledge::child
