#pragma once
// The forms of names that people give and strata only compares: regions, labels, patterns of model
// ids. A name of another form can never match, so it is refused where it is given.

#include <string_view>

namespace strata {

// 1 to 63 letters, digits, '.', '_' and '-': "eu-central-1", "eu", "local".
bool IsRegionName(std::string_view name);
inline constexpr std::string_view kRegionForm =
    "expected a region's name of letters, digits, '.', '_' and '-', such as eu-central-1, eu or "
    "local";

// 1 to 128 printable characters without spaces, commas, quotes and '*': "pii", "eu-only".
bool IsLabelName(std::string_view name);
inline constexpr std::string_view kLabelForm =
    "expected a label without spaces, commas, quotes and '*', such as pii or eu-only";

// A model id, or the beginning of one followed by '*': "openai/gpt-4o", "builtin/*", "*".
bool IsModelPattern(std::string_view pattern);
inline constexpr std::string_view kModelPatternForm =
    "expected a model id, or the beginning of ids followed by '*', such as openai/gpt-4o or "
    "openai/*";

}  // namespace strata
