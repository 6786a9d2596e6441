#pragma once
// Numbers in digits or words, and the kinds of what their units measure.

#include <cstddef>
#include <string_view>
#include <vector>

#include "knowledge/answer/tokens.h"

namespace strata::knowledge {

// Digits, or a number word of English, German, French, Spanish or Italian.
bool IsNumber(const Token& token);

// The kinds (kinds.h) that a unit measures: "km" a length or a speed.
unsigned KindsOfUnit(std::string_view unit);

// The kinds of the number whose unit or sign is at token `i`. A unit counts after a number: "23
// kilometres", "two hundred years", "5km".
unsigned KindsOfMeasure(const std::vector<Token>& tokens, std::size_t i);

}  // namespace strata::knowledge
