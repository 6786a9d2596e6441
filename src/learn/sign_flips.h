#pragma once
// Whether paired differences lie on one side of zero beyond chance, however few they are.

#include <span>

namespace strata::learn {

// One-sided p-value of "nothing changed" against "the mean difference is below 0": the share of all
// ways to flip the signs of the differences that give a sum as low as theirs. Exact for every
// number of pairs, as which of two equal things is called the first is a coin's throw; one pair has
// at least 0.5, n have at least 2^-n, so it is never certain of a handful, where a bootstrap of
// values that are all alike has no width. Source: Fisher 1935, "The Design of Experiments" (the
// randomisation test); for comparisons of systems on the same rows: Smucker, Allan, Carterette
// 2007.
//
// All flips are looked at up to fourteen differences other than 0, then 20,000 drawn ones (seeded).
// 1 without differences.
double SignFlipPValue(std::span<const double> differences);

}  // namespace strata::learn
