#include "dialect/json/tool_id.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"

namespace strata::dialect {
namespace {

constexpr std::size_t kIdMax = 64;
constexpr std::size_t kHashSize = 9;  // '_' and eight digits

bool IsWord(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-';
}

}  // namespace

std::string WordId(std::string_view id) {
  if (id.size() <= kIdMax && std::ranges::all_of(id, IsWord)) return std::string(id);
  std::string out(id.substr(0, kIdMax - kHashSize));
  std::ranges::replace_if(out, [](char c) { return !IsWord(c); }, '_');
  return out + fmt::format("_{:08x}", static_cast<std::uint32_t>(Hash64(id)));
}

}  // namespace strata::dialect
