#pragma once
// Strong id types, so that a workspace cannot be passed where a key is due, and how new ids are
// made.

#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace strata {

template <class Tag>
struct StrongId {
  std::string value;

  bool empty() const { return value.empty(); }
  friend auto operator<=>(const StrongId&, const StrongId&) = default;
  friend bool operator==(const StrongId&, const StrongId&) = default;
};

using WorkspaceId = StrongId<struct WorkspaceTag>;
using KeyId = StrongId<struct KeyTag>;
using RequestId =
    StrongId<struct RequestTag>;  // 32 hex digits; also the W3C trace id of the request

// 32 hex digits, 48 bits of time before 80 random ones (a W3C trace id); 16 random (a span id).
RequestId NewRequestId();
std::string NewSpanId();

// `length` characters of A-Z0-9, as Bedrock's knowledge base, data source and job ids (length 10).
std::string NewResourceId(std::size_t length = 10);

}  // namespace strata

template <class Tag>
struct std::hash<strata::StrongId<Tag>> {
  std::size_t operator()(const strata::StrongId<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.value);
  }
};
