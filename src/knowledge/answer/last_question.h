#pragma once
// What is asked now, where a text holds more than one question.

#include <string_view>

namespace strata::knowledge {

// What stands between the earlier question of a conversation and the one that is asked now.
inline constexpr std::string_view kTurnBreak = " \x1e ";

// A conversation brings its earlier questions along; what is asked now stands last.
std::string_view LastQuestion(std::string_view text);

}  // namespace strata::knowledge
