#include "knowledge/parse/pdf/reading_order.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

namespace strata::knowledge::pdf {
namespace {

using Indices = std::vector<std::size_t>;

constexpr float kGutterEms = 1.0F;       // least width of a gutter
constexpr std::size_t kColumnLines = 2;  // a column has at least so many lines
constexpr std::size_t kCellLines = 3;    // … where its lines might be cells
constexpr double kSpanningMax = 0.25;    // of the items may span a gutter
constexpr double kProseChars = 18;       // mean characters of a line of prose in a narrow column
constexpr double kLabelChars = 8;        // shorter lines are cells or labels, never columns
constexpr double kPairedMax = 0.35;      // of short lines with a partner in the same row: a table

struct Gutter {
  float x1 = 0, x2 = 0;
  float middle() const { return (x1 + x2) / 2; }
};

class Orderer {
 public:
  Orderer(const std::vector<Placed>& items, bool right_to_left)
      : items_(items), right_to_left_(right_to_left) {}

  std::vector<Indices> Run() {
    Indices all(items_.size());
    std::iota(all.begin(), all.end(), 0);
    Order(std::move(all), 0);
    return std::move(groups_);
  }

 private:
  static constexpr int kDepthMax = 24;

  void Order(Indices region, int depth) {
    if (region.empty()) return;
    const auto gutter = depth < kDepthMax ? FindGutter(region) : std::nullopt;
    if (!gutter) {
      Emit(std::move(region));
      return;
    }
    Indices left, right, spanning;
    Split(region, *gutter, left, right, spanning);
    if (spanning.empty()) {
      if (right_to_left_) std::swap(left, right);
      Order(std::move(left), depth + 1);
      Order(std::move(right), depth + 1);
      return;
    }
    OrderBands(region, spanning, depth);
  }

  // Bands between the spanning items, top down; neighbouring spanning items are one band.
  void OrderBands(const Indices& region, Indices spanning, int depth) {
    std::sort(spanning.begin(), spanning.end(),
              [&](auto a, auto b) { return items_[a].box.center_y() > items_[b].box.center_y(); });
    const auto band_of = [&](std::size_t i) {
      std::size_t band = 0;
      while (band < spanning.size() &&
             items_[spanning[band]].box.center_y() > items_[i].box.center_y()) {
        ++band;
      }
      return band;
    };
    std::vector<Indices> bands(spanning.size() + 1);
    for (const std::size_t i : region) {
      if (std::find(spanning.begin(), spanning.end(), i) == spanning.end()) {
        bands[band_of(i)].push_back(i);
      }
    }
    Indices together;
    for (std::size_t b = 0; b < bands.size(); ++b) {
      if (!bands[b].empty()) {
        Emit(std::exchange(together, {}));
        Order(std::move(bands[b]), depth + 1);
      }
      if (b < spanning.size()) together.push_back(spanning[b]);
    }
    Emit(std::move(together));
  }

  void Split(const Indices& region, const Gutter& gutter, Indices& left, Indices& right,
             Indices& spanning) const {
    for (const std::size_t i : region) {
      const Rect& box = items_[i].box;
      if (box.x2 <= gutter.middle()) {
        left.push_back(i);
      } else if (box.x1 >= gutter.middle()) {
        right.push_back(i);
      } else {
        spanning.push_back(i);
      }
    }
  }

  // The widest white strip that at most a few items cross and that has columns on both sides.
  std::optional<Gutter> FindGutter(const Indices& region) const {
    if (region.size() < 2 * kColumnLines) return std::nullopt;
    Rect all = items_[region[0]].box;
    float em = 0;
    for (const std::size_t i : region) {
      all.Cover(items_[i].box);
      em += items_[i].size;
    }
    em /= static_cast<float>(region.size());
    std::optional<Gutter> best;
    float best_score = 0;
    for (const Gutter& gutter : Candidates(region, all)) {
      const float width = gutter.x2 - gutter.x1;
      // Gutters near the middle win over indentations and margins of the same width.
      const float off = std::abs(gutter.middle() - all.center_x()) / std::max(1.0F, all.width());
      const float score = std::min(width, 4 * em) * (1 - off);
      if (width < kGutterEms * em || score <= best_score || !IsColumns(region, gutter)) continue;
      best = gutter;
      best_score = score;
    }
    return best;
  }

  // Strips of the x axis where the number of items crossing is at most the allowed share.
  std::vector<Gutter> Candidates(const Indices& region, const Rect& all) const {
    std::vector<std::pair<float, int>> events;
    for (const std::size_t i : region) {
      events.emplace_back(items_[i].box.x1, 1);
      events.emplace_back(items_[i].box.x2, -1);
    }
    std::sort(events.begin(), events.end());
    const int most = static_cast<int>(kSpanningMax * static_cast<double>(region.size()));
    std::vector<Gutter> out;
    int crossing = 0;
    for (std::size_t e = 0; e + 1 < events.size(); ++e) {
      crossing += events[e].second;
      if (crossing > most || events[e].first <= all.x1) continue;
      const Gutter strip{events[e].first, events[e + 1].first};
      if (strip.x2 - strip.x1 > 1) out.push_back(strip);
    }
    return out;
  }

  bool IsColumns(const Indices& region, const Gutter& gutter) const {
    Indices left, right, spanning;
    Split(region, gutter, left, right, spanning);
    if (left.size() < kColumnLines || right.size() < kColumnLines) return false;
    if (static_cast<double>(spanning.size()) > kSpanningMax * static_cast<double>(region.size())) {
      return false;
    }
    const double prose = std::min(MeanChars(left), MeanChars(right));
    if (prose < kLabelChars) return false;
    if (prose >= kProseChars || (RunsOn(left) && RunsOn(right))) return true;
    const bool tall = left.size() >= kCellLines && right.size() >= kCellLines;
    return tall && PairedShare(left, right) < kPairedMax;
  }

  // Sentences that go on from line to line, which cells of a table do not: the first begins with a
  // capital, and at least half of the others do not.
  bool RunsOn(const Indices& side) const {
    const auto top = *std::ranges::max_element(
        side, {}, [&](std::size_t i) { return items_[i].box.center_y(); });
    const auto on = static_cast<std::size_t>(
        std::ranges::count_if(side, [&](std::size_t i) { return items_[i].runs_on; }));
    return !items_[top].runs_on && on > 0 && 2 * on >= side.size() - 1;
  }

  double MeanChars(const Indices& side) const {
    std::size_t chars = 0;
    for (const std::size_t i : side) chars += items_[i].chars;
    return static_cast<double>(chars) / static_cast<double>(side.size());
  }

  // Share of the smaller side's lines that stand in the row of a line of the other side.
  double PairedShare(const Indices& left, const Indices& right) const {
    const Indices& few = left.size() <= right.size() ? left : right;
    const Indices& many = left.size() <= right.size() ? right : left;
    std::size_t paired = 0;
    for (const std::size_t i : few) {
      const Rect& box = items_[i].box;
      paired +=
          std::any_of(many.begin(), many.end(),
                      [&](std::size_t j) {
                        const Rect& other = items_[j].box;
                        return box.OverlapY(other) > 0.6F * std::min(box.height(), other.height());
                      })
              ? 1
              : 0;
    }
    return static_cast<double>(paired) / static_cast<double>(few.size());
  }

  void Emit(Indices group) {
    if (group.empty()) return;
    std::sort(group.begin(), group.end(),
              [&](auto a, auto b) { return items_[a].box.center_y() > items_[b].box.center_y(); });
    groups_.push_back(std::move(group));
  }

  const std::vector<Placed>& items_;
  const bool right_to_left_;
  std::vector<Indices> groups_;
};

}  // namespace

std::vector<std::vector<std::size_t>> ReadingOrder(const std::vector<Placed>& items,
                                                   bool right_to_left) {
  return Orderer(items, right_to_left).Run();
}

}  // namespace strata::knowledge::pdf
