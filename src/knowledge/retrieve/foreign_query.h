#pragma once
// Questions in a language that the embedding model was not made for: its vectors say little of
// them, so that words should count for more.

#include <string_view>

namespace strata::knowledge {

// `embedder`: a model's id. Of other models than the built-in ones, which know English, nothing is
// known: false. So is what is too short to say its language.
bool IsForeign(std::string_view query, std::string_view embedder);

}  // namespace strata::knowledge
