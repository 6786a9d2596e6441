#include "route/plot_labels.h"

#include <algorithm>

#include "base/utf8.h"

namespace strata::route {
namespace {

constexpr double kLabelHeight = 14;
constexpr double kGap = 8;  // from the point's centre

bool Overlap(const PlotBox& a, const PlotBox& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

bool Holds(const PlotBox& box, double x, double y) {
  return x > box.left - 3 && x < box.right + 3 && y > box.top - 3 && y < box.bottom + 3;
}

// The places of a label, the most usual first.
std::vector<PlotBox> Places(const PlotPoint& p) {
  const double w = LabelWidth(p.text);
  auto at = [&](double left, double top) {
    return PlotBox{.left = left, .top = top, .right = left + w, .bottom = top + kLabelHeight};
  };
  std::vector<PlotBox> out;
  const double right = p.x + kGap + 1, left = p.x - kGap - 1 - w;
  for (double lift : {0.0, -10.0, 10.0, -20.0, 20.0, -32.0, 32.0}) {
    out.push_back(at(right, p.y - kLabelHeight / 2 + lift));
    out.push_back(at(left, p.y - kLabelHeight / 2 + lift));
  }
  for (double drop : {0.0, 14.0}) {
    for (double shift : {0.5, 0.0, 1.0}) {
      out.push_back(at(p.x - shift * w, p.y - kGap - kLabelHeight - drop));
      out.push_back(at(p.x - shift * w, p.y + kGap + drop));
    }
  }
  return out;
}

}  // namespace

double LabelWidth(std::string_view text) {
  constexpr double kPerCharacter = 6.4;
  double count = 0;
  for (std::size_t at = 0; at < text.size(); at += Utf8SequenceSize(text, at)) count += 1;
  return kPerCharacter * count;
}

std::vector<std::optional<PlotBox>> PlaceLabels(std::span<const PlotPoint> points,
                                                std::span<const PlotDot> lines,
                                                const PlotBox& frame) {
  std::vector<std::optional<PlotBox>> out;
  out.reserve(points.size());
  for (const auto& p : points) {
    std::optional<PlotBox> best;
    double least = 0;
    double order = 0;  // of places that are as free, the more usual one
    for (const auto& box : Places(p)) {
      order += 0.3;
      if (box.left < frame.left || box.right > frame.right || box.top < frame.top ||
          box.bottom > frame.bottom) {
        continue;
      }
      auto taken = [&](const std::optional<PlotBox>& other) {
        return other && Overlap(*other, box);
      };
      if (std::ranges::any_of(out, taken)) continue;
      double cost = order;
      for (const auto& other : points) cost += Holds(box, other.x, other.y) ? 20 : 0;
      for (const auto& dot : lines) cost += Holds(box, dot.x, dot.y) ? 1 : 0;
      if (!best || cost < least) {
        best = box;
        least = cost;
      }
    }
    out.push_back(best);
  }
  return out;
}

}  // namespace strata::route
