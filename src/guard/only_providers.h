#pragma once
// A label that names who may see what carries it, where that is not a matter of clearance: what a
// provider keeps is known there only, and what only some can serve is shown to no other. The one
// outbound check (outbound.h) compares it with every deployment; callers cannot write such a label,
// as theirs hold no space.

#include <string>
#include <string_view>
#include <vector>

namespace strata::guard {

inline constexpr std::string_view kOnlyProviders = "only ";

// "only up-a up-b"
inline std::string OnlyProviders(const std::vector<std::string>& names) {
  std::string label(kOnlyProviders);
  for (const auto& name : names) label.append(label.back() == ' ' ? "" : " ").append(name);
  return label;
}

}  // namespace strata::guard
