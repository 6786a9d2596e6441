#pragma once
// What an answer over documents says when the documents do not answer, in the language of the
// question.

#include <cstddef>
#include <string_view>

namespace strata::domain {

// The whole answer; never cited. `language`: ISO 639-1; English for those that are not known.
std::string_view RefusalIn(std::string_view language);

// No refusal is longer.
inline constexpr std::size_t kRefusalBytesMax = 128;

// Stands before the parts of a question that are not answered, behind those that are.
std::string_view NotSaidIn(std::string_view language);

// Whether the text is a refusal, in any language, or holds one.
bool IsRefusal(std::string_view text);
bool HoldsRefusal(std::string_view text);
// Whether a refusal, in any language, begins with the text: a limit has cut it. Not for "".
bool BeginsRefusal(std::string_view text);

}  // namespace strata::domain
