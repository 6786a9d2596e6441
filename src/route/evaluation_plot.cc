#include "route/evaluation_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "base/markup.h"
#include "route/plot_labels.h"

namespace strata::route {
namespace {

using learn::CostQuality;

constexpr double kWidth = 760, kHeight = 470;
constexpr double kLeft = 62, kRight = 740, kTop = 90, kBottom = 418;
constexpr double kLogAbove = 10;  // ratio of costs
constexpr double kPerThousand = 1000;

// Colours that stay apart for the colour-blind, in a step for each ground.
constexpr std::string_view kStyle = R"(<style>
.bg{fill:#fcfcfb}.ink{fill:#0b0b0b}.soft{fill:#52514e}.grid{stroke:#e1e0d9;stroke-width:1}
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif}.title{font-size:15px;font-weight:600}
.on{paint-order:stroke;stroke:#fcfcfb;stroke-width:3px;stroke-linejoin:round}
path,line{fill:none;stroke-linejoin:round;stroke-linecap:round}
.router{stroke:#2a78d6;stroke-width:2.5}.length{stroke:#d9591f;stroke-width:1.8}
.oracle{stroke:#14915f;stroke-width:1.8}.random{stroke:#898781;stroke-width:1.6;stroke-dasharray:5 5}
.one{fill:#fcfcfb;stroke:#52514e;stroke-width:1.8}.set{fill:#2a78d6;stroke:#fcfcfb;stroke-width:1.5}
@media(prefers-color-scheme:dark){.bg{fill:#1a1a19}.ink{fill:#fff}.soft{fill:#c3c2b7}
.grid{stroke:#2f2f2d}.on{stroke:#1a1a19}.router{stroke:#4f9bf0}.length{stroke:#f08050}.oracle{stroke:#35b886}
.one{fill:#1a1a19;stroke:#c3c2b7}.set{fill:#4f9bf0;stroke:#1a1a19}}
</style>
)";

// From values to pixels, with ticks at round values.
class Axis {
 public:
  Axis(double low, double high, double from, double to, bool logarithmic)
      : from_(from), to_(to), logarithmic_(logarithmic) {
    double pad = logarithmic ? 0 : 0.08 * (high - low);
    low_ = Scaled(low) - (logarithmic ? 0.06 * (Scaled(high) - Scaled(low)) : pad);
    high_ = Scaled(high) + (logarithmic ? 0.06 * (Scaled(high) - Scaled(low)) : pad);
    if (!(high_ - low_ > 1e-12)) {  // one value only
      low_ -= 0.5;
      high_ += 0.5;
    }
  }

  double At(double value) const {
    return from_ + (Scaled(value) - low_) / (high_ - low_) * (to_ - from_);
  }

  std::vector<double> Ticks() const {
    std::vector<double> out;
    if (logarithmic_) {
      for (int power = -9; power < 9; ++power) {
        for (double digit : {1.0, 2.0, 5.0}) {
          double tick = digit * std::pow(10.0, power);
          if (Scaled(tick) >= low_ && Scaled(tick) <= high_) out.push_back(tick);
        }
      }
      return out;
    }
    constexpr double kTicksMax = 8;
    double step = std::pow(10.0, std::floor(std::log10((high_ - low_) / kTicksMax)));
    for (double times : {2.0, 2.5, 2.0}) {  // to 2, 5 and 10 of it
      if ((high_ - low_) / step > kTicksMax) step *= times;
    }
    for (auto k = std::ceil(low_ / step); k * step <= high_; k += 1) out.push_back(k * step);
    return out;
  }

 private:
  double Scaled(double value) const {
    return logarithmic_ ? std::log10(std::max(value, 1e-9)) : value;
  }

  double from_, to_;
  bool logarithmic_;
  double low_ = 0, high_ = 1;
};

struct Line {
  std::string_view style;  // class of kStyle
  std::string_view name;   // for the legend
  std::vector<CostQuality> points;
};

// What is drawn, in dollars per 1,000 requests.
struct Drawn {
  std::vector<Line> lines;
  std::vector<SingleModel> singles;
  struct Setting {
    std::string name;
    CostQuality point;
  };
  std::vector<Setting> settings;
};

// As the quality of mixtures: a straight line, bent by a logarithmic axis.
std::vector<CostQuality> Mixtures(const CostQuality& a, const CostQuality& b) {
  constexpr int kSteps = 48;
  std::vector<CostQuality> out;
  out.reserve(kSteps + 1);
  for (int i = 0; i <= kSteps; ++i) {
    double share = static_cast<double>(i) / kSteps;
    out.push_back(
        {a.cost + share * (b.cost - a.cost), a.quality + share * (b.quality - a.quality)});
  }
  return out;
}

std::vector<CostQuality> PerThousand(std::vector<CostQuality> points) {
  for (auto& p : points) p.cost *= kPerThousand;
  std::ranges::sort(points, [](const CostQuality& a, const CostQuality& b) {
    return a.cost != b.cost ? a.cost < b.cost : a.quality < b.quality;
  });
  return points;
}

Drawn Collect(const Evaluation& e) {
  Drawn out;
  out.singles = e.singles;
  for (auto& single : out.singles) single.point.cost *= kPerThousand;
  auto at = std::ranges::find(out.singles, e.strong, &SingleModel::name);
  if (at != out.singles.end()) {
    const auto strong = at->point;
    const auto cheap =
        std::ranges::min(out.singles, {}, [](const SingleModel& s) { return s.point.cost; }).point;
    out.lines.push_back({"random", "random", Mixtures(cheap, strong)});
    for (const auto& s : e.settings) {
      auto name = fmt::format("{:.0f} %", 100 * (1 - s.tolerance));
      CostQuality point{strong.cost * (1 - s.saving), strong.quality * s.ratio.estimate};
      // Settings that did the same are one point.
      if (!out.settings.empty() && out.settings.back().point.cost == point.cost &&
          out.settings.back().point.quality == point.quality) {
        out.settings.back().name += ", " + name;
      } else {
        out.settings.push_back({std::move(name), point});
      }
    }
  }
  out.lines.push_back({"oracle", "oracle", PerThousand(e.oracle_curve)});
  out.lines.push_back({"length", "prompt length", PerThousand(e.length_curve)});
  out.lines.push_back({"router", "router", PerThousand(e.curve)});
  return out;
}

struct Extent {
  double low = 0, high = 1;
};

template <class Value>
Extent ExtentOf(const Drawn& drawn, Value value) {
  std::optional<Extent> out;
  auto add = [&](const CostQuality& p) {
    double v = value(p);
    if (!out) out = Extent{v, v};
    out->low = std::min(out->low, v);
    out->high = std::max(out->high, v);
  };
  for (const auto& line : drawn.lines) {
    for (const auto& p : line.points) add(p);
  }
  for (const auto& single : drawn.singles) add(single.point);
  for (const auto& setting : drawn.settings) add(setting.point);
  return out.value_or(Extent{});
}

class Picture {
 public:
  Picture(const Evaluation& e, Drawn drawn) : evaluation_(e), drawn_(std::move(drawn)) {
    auto cost = ExtentOf(drawn_, [](const CostQuality& p) { return p.cost; });
    auto quality = ExtentOf(drawn_, [](const CostQuality& p) { return p.quality; });
    logarithmic_ = cost.low > 0 && cost.high / cost.low > kLogAbove;
    x_.emplace(cost.low, cost.high, kLeft, kRight, logarithmic_);
    y_.emplace(quality.low, quality.high, kBottom, kTop, false);
  }

  std::string Draw() {
    Head();
    Axes();
    for (const auto& line : drawn_.lines) Path(line);
    Points();
    Legend();
    return out_ + "</svg>\n";
  }

 private:
  void Add(std::string_view text) { out_ += text; }

  void Text(double x, double y, std::string_view style, std::string_view anchor,
            std::string_view text) {
    Add(fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" class=\"{}\"{}>{}</text>\n", x, y, style,
                    anchor.empty() ? "" : fmt::format(" text-anchor=\"{}\"", anchor),
                    MarkupOf(text)));
  }

  void Head() {
    auto title = evaluation_.name == "all" ? std::string("All sources") : evaluation_.name;
    Add(
        fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
                    "width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\">\n<title>{2}: quality "
                    "against cost</title>\n",
                    kWidth, kHeight, MarkupOf(title)));
    Add(kStyle);
    Add(fmt::format("<rect class=\"bg\" width=\"{:.0f}\" height=\"{:.0f}\" rx=\"6\"/>\n", kWidth,
                    kHeight));
    Text(kLeft, 28, "title ink", "", fmt::format("{}, {} rows", title, evaluation_.rows));
  }

  void Axes() {
    for (double tick : y_->Ticks()) {
      double y = y_->At(tick);
      Add(
          fmt::format("<line class=\"grid\" x1=\"{:.0f}\" x2=\"{:.0f}\" y1=\"{:.1f}\" "
                      "y2=\"{:.1f}\"/>\n",
                      kLeft, kRight, y, y));
      Text(kLeft - 8, y + 4, "soft", "end", fmt::format("{:.3g}", tick));
    }
    for (double tick : x_->Ticks()) {
      double x = x_->At(tick);
      Add(
          fmt::format("<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.0f}\" "
                      "y2=\"{:.0f}\"/>\n",
                      x, x, kTop, kBottom));
      Text(x, kBottom + 18, "soft", "middle", fmt::format("{:.4g}", tick));
    }
    Text((kLeft + kRight) / 2, kBottom + 40, "soft", "middle",
         logarithmic_ ? "dollars per 1,000 requests (logarithmic)" : "dollars per 1,000 requests");
    Text(kLeft, kTop - 8, "soft", "", "mean quality");
  }

  void Path(const Line& line) {
    std::string d;
    double last_x = -1e9, last_y = -1e9;
    for (const auto& p : line.points) {
      double x = x_->At(p.cost), y = y_->At(p.quality);
      AddSeen(x, y, d.empty());
      // What moves less than a pixel is not seen.
      if (std::abs(x - last_x) < 1 && std::abs(y - last_y) < 1) continue;
      d += fmt::format("{}{:.1f} {:.1f}", d.empty() ? "M" : "L", x, y);
      last_x = x;
      last_y = y;
    }
    if (!d.empty()) Add(fmt::format("<path class=\"{}\" d=\"{}\"/>\n", line.style, d));
  }

  // The line from the last dot to this one, as dots that labels keep clear of.
  void AddSeen(double x, double y, bool first) {
    constexpr double kEvery = 5;
    if (!first) {
      auto from = seen_.back();
      auto steps = static_cast<int>(std::hypot(x - from.x, y - from.y) / kEvery);
      for (int i = 1; i < steps; ++i) {
        double share = static_cast<double>(i) / steps;
        seen_.push_back({from.x + share * (x - from.x), from.y + share * (y - from.y)});
      }
    }
    seen_.push_back({x, y});
  }

  void Points() {
    std::vector<PlotPoint> points;
    points.reserve(drawn_.singles.size() + drawn_.settings.size());
    for (const auto& s : drawn_.singles) {
      points.push_back({x_->At(s.point.cost), y_->At(s.point.quality), s.name});
    }
    const std::size_t singles = points.size();
    for (const auto& s : drawn_.settings) {
      points.push_back({x_->At(s.point.cost), y_->At(s.point.quality), s.name});
    }
    auto labels = PlaceLabels(
        points, seen_, {.left = kLeft, .top = kTop, .right = kRight + 12, .bottom = kBottom});
    for (std::size_t i = 0; i < points.size(); ++i) {
      const auto& p = points[i];
      auto said = i < singles
                      ? fmt::format("{}: quality {:.3f}, ${:.4g}", p.text,
                                    drawn_.singles[i].point.quality, drawn_.singles[i].point.cost)
                      : fmt::format("{} setting: quality {:.3f}, ${:.4g}", p.text,
                                    drawn_.settings[i - singles].point.quality,
                                    drawn_.settings[i - singles].point.cost);
      auto shape =
          i < singles
              ? fmt::format("<circle class=\"one\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\">", p.x,
                            p.y)
              : fmt::format("<path class=\"set\" d=\"M{:.1f} {:.1f}l6.5 6.5l-6.5 6.5l-6.5-6.5z\">",
                            p.x, p.y - 6.5);
      Add(fmt::format("{}<title>{}</title></{}>\n", shape, MarkupOf(said),
                      i < singles ? "circle" : "path"));
      if (labels[i]) Text(labels[i]->left, labels[i]->top + 11, "ink on", "", p.text);
    }
  }

  void Legend() {
    double x = kLeft;
    auto item = [&](std::string_view mark, std::string_view name) {
      Add(fmt::format("<g transform=\"translate({:.0f} 48)\">{}</g>\n", x, mark));
      Text(x + 30, 52, "soft", "", name);
      x += 30 + LabelWidth(name) + 18;
    };
    for (std::string_view style : {"router", "length", "random", "oracle"}) {
      auto at = std::ranges::find(drawn_.lines, style, &Line::style);
      if (at == drawn_.lines.end() || at->points.empty()) continue;
      item(fmt::format("<line class=\"{}\" x1=\"0\" x2=\"22\" y1=\"0\" y2=\"0\"/>", style),
           at->name);
    }
    item(R"(<circle class="one" cx="12" cy="0" r="4.5"/>)", "one model for all");
    if (!drawn_.settings.empty()) {
      item(R"(<path class="set" d="M12 -6.5l6.5 6.5l-6.5 6.5l-6.5-6.5z"/>)", "certified setting");
    }
  }

  const Evaluation& evaluation_;
  const Drawn drawn_;
  bool logarithmic_ = false;
  std::optional<Axis> x_, y_;
  std::vector<PlotDot> seen_;  // of the lines, which labels keep clear of
  std::string out_;
};

}  // namespace

std::string PlotEvaluation(const Evaluation& evaluation) {
  return Picture(evaluation, Collect(evaluation)).Draw();
}

std::string PlotFileName(std::string_view name) {
  constexpr std::size_t kNameMax = 100;
  std::string out;
  for (char c : name.substr(0, kNameMax)) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '_' || (c == '.' && !out.empty());
    if (plain || (!out.empty() && out.back() != '-')) out += plain ? c : '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return (out.empty() ? "source" : out) + ".svg";
}

}  // namespace strata::route
