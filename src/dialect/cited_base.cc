#include "dialect/cited_base.h"

#include "dialect/json_value.h"

namespace strata::dialect {

std::string CitedBase(const domain::Citation& citation) {
  const auto& metadata = citation.metadata.text;
  if (metadata.find(kCitedBaseMember) == metadata.npos) return {};
  const auto parsed = ParseJson(metadata);
  if (!parsed.has_value()) return {};
  const auto* base = parsed->Find(kCitedBaseMember);
  const auto* name = base == nullptr ? nullptr : base->string();
  return name == nullptr ? std::string() : *name;
}

}  // namespace strata::dialect
