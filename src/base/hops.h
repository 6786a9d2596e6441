#pragma once
// Requests that pass through several servers of this kind, and those that come back for ever
// because the address of a provider leads here again: each server adds one to a header field, and
// refuses what has come through too many.

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace strata {

// Through how many servers a request has come, in decimal; absent: none.
inline constexpr std::string_view kHopsHeader = "x-strata-hops";
// One in front of another is common; every further one multiplies what a circle can call.
inline constexpr int kHopsMax = 4;
inline constexpr int kLoopStatus = 508;  // "Loop Detected"

// What the field says; nullopt: nothing that a server of this kind wrote.
inline std::optional<int> ParseHops(std::string_view field) {
  if (field.empty()) return 0;
  int hops = 0;
  auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), hops);
  if (error != std::errc() || end != field.data() + field.size() || hops < 0) return std::nullopt;
  return hops;
}

// Nobody tries it again or asks another deployment: it is the same everywhere.
inline Error CalledInCircle(std::string message) {
  return Error(Code::kInvalidArgument, std::move(message)).AtField(std::string(kHopsHeader));
}

inline bool IsCalledInCircle(const Error& error) {
  if (error.code() != Code::kInvalidArgument) return false;
  return error.upstream_status() == kLoopStatus ||
         (error.upstream_status() == 0 && error.field() == kHopsHeader);
}

}  // namespace strata
