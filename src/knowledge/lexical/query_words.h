#pragma once
// The words that a query looks for in the index.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace strata::knowledge::lexical {

// With how often the query says each; at most 256 different ones. A date is one word, whatever its
// form (text/dates.h), and counts twice, so that it outweighs what another date shares with it;
// the numbers of day and month mean nothing apart from it and are left out.
std::map<std::string, std::uint32_t> WordsOfQuery(std::string_view query);

}  // namespace strata::knowledge::lexical
