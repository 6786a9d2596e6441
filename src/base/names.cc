#include "base/names.h"

#include <algorithm>
#include <cctype>

namespace strata {
namespace {

constexpr std::size_t kModelIdBytesMax = 2048;  // Bedrock's own limit of a model identifier

bool All(std::string_view text, std::size_t bytes_max, bool (*fits)(unsigned char c)) {
  return !text.empty() && text.size() <= bytes_max &&
         std::all_of(text.begin(), text.end(),
                     [fits](char c) { return fits(static_cast<unsigned char>(c)); });
}

bool IsIdByte(unsigned char c) {
  return c > ' ' && c != 0x7f && c != ',' && c != '"' && c != '\'' && c != '*';
}

}  // namespace

bool IsRegionName(std::string_view name) {
  return All(name, 63, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  });
}

bool IsLabelName(std::string_view name) { return All(name, 128, IsIdByte); }

bool IsModelPattern(std::string_view pattern) {
  if (pattern.ends_with('*')) pattern.remove_suffix(1);
  return pattern.empty() || All(pattern, kModelIdBytesMax, IsIdByte);
}

}  // namespace strata
