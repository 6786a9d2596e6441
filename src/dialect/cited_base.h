#pragma once
// Which knowledge base a citation is of, where several were asked.

#include <string>
#include <string_view>

#include "domain/citation.h"

namespace strata::dialect {

// The member of a passage's metadata that says it. No document can bring it along: names that begin
// with strata_ are reserved.
inline constexpr std::string_view kCitedBaseMember = "strata_knowledge_base";

// "" where one base was asked, or none.
std::string CitedBase(const domain::Citation& citation);

}  // namespace strata::dialect
