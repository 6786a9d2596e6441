#pragma once
// A metadata filter that a model is to read out of the question: Bedrock's
// implicitFilterConfiguration.

#include <cstdint>
#include <string>
#include <vector>

namespace strata::knowledge {

// What a document may say of itself, and what it means.
struct FilterAttribute {
  enum class Type : std::uint8_t { kString, kNumber, kBoolean, kStringList };
  std::string key;
  Type type = Type::kString;
  std::string description;
};

inline constexpr std::size_t kFilterAttributesMax = 25;

struct ImplicitFilter {
  std::string model;
  std::vector<FilterAttribute> attributes;  // 1..kFilterAttributesMax; no others are filtered by
};

}  // namespace strata::knowledge
