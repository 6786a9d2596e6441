#pragma once
// Where the names of points stand in a plot, so that they can be read.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::route {

// All in pixels, y downwards.
struct PlotBox {
  double left = 0, top = 0, right = 0, bottom = 0;
};

struct PlotDot {
  double x = 0, y = 0;
};

struct PlotPoint {
  double x = 0, y = 0;
  std::string text;
};

// An estimate for 12 px of a usual sans serif.
double LabelWidth(std::string_view text);

// A box for each point's text, beside the point, inside `frame`, never over another label and over
// as few points and dots of lines as can be. nullopt: no place is free. Earlier points choose
// first.
std::vector<std::optional<PlotBox>> PlaceLabels(std::span<const PlotPoint> points,
                                                std::span<const PlotDot> lines,
                                                const PlotBox& frame);

}  // namespace strata::route
