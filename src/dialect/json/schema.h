#pragma once
// What families ask of JSON schemas beyond the standard.

#include <string>
#include <string_view>

namespace strata::dialect {

// With "additionalProperties":false in every object that lists properties and says nothing of
// others, which Anthropic demands of schemas that answers must fit. What is no JSON comes back as
// it is.
std::string ClosedSchema(std::string_view schema);

// OpenAI's strict mode takes only schemas whose objects are closed and require all their
// properties.
bool FitsStrict(std::string_view schema);

}  // namespace strata::dialect
