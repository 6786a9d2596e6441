#pragma once
// From scores to probabilities that mean what they say, with intervals.

#include <span>
#include <vector>

namespace strata::learn {

// probability = sigmoid(slope · score + offset).
struct PlattScale {
  double slope = 1;
  double offset = 0;
  double Probability(double score) const;
};

// Fits by Newton's method on outcomes in [0, 1], drawn a little towards their mean so that few
// labels cannot make it certain. Source: Platt 1999; the stable form of Lin, Lin, Weng 2007. The
// slope is never negative: a score without meaning becomes the mean outcome, not its own opposite.
PlattScale FitPlatt(std::span<const double> scores, std::span<const double> outcomes);

// What outcomes to expect at a predicted probability: groups of neighbouring predictions with
// Wilson's interval (1927) of their mean outcome, made monotone.
struct Bands {
  std::vector<double> upto;  // upper edge of each group in predicted probability, ascending
  std::vector<double> low;
  std::vector<double> high;
  struct Interval {
    double low = 0;
    double high = 1;
  };
  // [0, 1] without groups.
  Interval At(double probability) const;
};
// Wilson's interval of a mean of `n` values in [0, 1]; `z`: 1.96 for 95 %.
Bands::Interval WilsonInterval(double mean, double n, double z);

// Groups of at least `group_min` rows, at most 20 groups. `z`: 1.645 for 90 %.
Bands FitBands(std::span<const double> probabilities, std::span<const double> outcomes,
               std::size_t group_min, double z);

}  // namespace strata::learn
