#include "server/cli/eval_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <string_view>
#include <vector>

#include "knowledge/evaluation.h"
#include "server/cli/print.h"
#include "server/console/html.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using knowledge::kRankFigureNames;

struct Figure {
  double estimate = 0;
  double low = 0;
  double high = 0;
};

// nDCG@10 of a run of five documents is not one: figures that look deeper than was searched are
// left out.
std::vector<std::string_view> FiguresWithin(const json::object& report) {
  std::vector<std::string_view> out;
  for (const auto name : kRankFigureNames) {
    std::int64_t rank = 0;
    const auto at = name.find('@') + 1;
    std::from_chars(name.data() + at, name.data() + name.size(), rank);
    if (rank <= NumberOf(report, "depth")) out.push_back(name);
  }
  return out;
}

bool Holds(const std::vector<std::string_view>& figures, std::string_view name) {
  return std::ranges::find(figures, name) != figures.end();
}

Figure FigureOf(const json::object& variant, std::string_view kind, std::string_view name) {
  const auto& values = variant.at(kind).at(name).as_array();
  return {.estimate = values.at(0).to_number<double>(),
          .low = values.at(1).to_number<double>(),
          .high = values.at(2).to_number<double>()};
}

// Left edge, width and rows of the plot, in pixels.
constexpr double kLabels = 170;
constexpr double kPanel = 220;
constexpr double kGap = 24;
constexpr double kRow = 26;
constexpr double kTop = 70;
constexpr std::array<std::string_view, 3> kPlotted = {"nDCG@10", "R@5", "MRR@10"};

// The part of [0, 1] that holds all intervals of a figure, in tenths.
struct Scale {
  double low = 0;
  double high = 1;
  double At(double value) const { return (value - low) / (high - low) * kPanel; }
};

Scale ScaleOf(const json::array& variants, std::string_view figure) {
  Scale scale{.low = 1, .high = 0};
  for (const auto& variant : variants) {
    auto value = FigureOf(variant.as_object(), "figures", figure);
    scale.low = std::min(scale.low, value.low);
    scale.high = std::max(scale.high, value.high);
  }
  scale.low = std::max(0.0, std::floor(scale.low * 10) / 10);
  scale.high = std::max(scale.low + 0.1, std::ceil(scale.high * 10) / 10);
  return scale;
}

std::string Panel(const json::array& variants, std::string_view figure, double left) {
  const Scale scale = ScaleOf(variants, figure);
  const double bottom = kTop + kRow * static_cast<double>(variants.size());
  std::string out =
      fmt::format(R"(<text x="{}" y="{}" class="head">{}</text>)", left, kTop - 24, figure);
  for (double tick = scale.low; tick < scale.high + 0.05; tick += 0.1) {
    const double x = left + scale.At(tick);
    out += fmt::format(R"(<line x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}" class="grid"/>)"
                       R"(<text x="{0:.1f}" y="{3}" class="tick">{4:.1f}</text>)",
                       x, kTop - 8, bottom, bottom + 14, tick);
  }
  double y = kTop + kRow / 2;
  for (const auto& item : variants) {
    auto value = FigureOf(item.as_object(), "figures", figure);
    out += fmt::format(R"(<line x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}" class="interval"/>)"
                       R"(<circle cx="{:.1f}" cy="{}" r="4"/>)"
                       R"(<text x="{:.1f}" y="{}" class="value">{:.3f}</text>)",
                       left + scale.At(value.low), left + scale.At(value.high), y, y,
                       left + scale.At(value.estimate), y, left + scale.At(value.estimate), y - 6,
                       value.estimate);
    y += kRow;
  }
  return out;
}

}  // namespace

std::string EvalTable(const json::object& report) {
  const auto shown = FiguresWithin(report);
  std::vector<std::string_view> compared;
  for (const std::string_view figure : {"nDCG@10", "R@5"}) {
    if (Holds(shown, figure)) compared.push_back(figure);
  }
  std::string out = fmt::format("{:<22}", "");
  for (auto figure : shown) out += fmt::format("{:>8}", figure);
  if (!compared.empty()) {
    out += fmt::format("   {} against the default (95 %)", fmt::join(compared, ", "));
  }
  out += '\n';
  for (const auto& item : report.at("variants").as_array()) {
    const auto& variant = item.as_object();
    auto name = TextOf(variant, "name");
    out += fmt::format("{:<22}", name);
    for (auto figure : shown) {
      out += fmt::format("{:>8.4f}", FigureOf(variant, "figures", figure).estimate);
    }
    if (name != "default") {
      for (std::string_view figure : compared) {
        auto d = FigureOf(variant, "difference", figure);
        out += fmt::format("   {:+.4f} [{:+.4f}, {:+.4f}]", d.estimate, d.low, d.high);
      }
    }
    out += '\n';
  }
  if (const auto missing = NumberOf(report, "queries_missing"); missing > 0) {
    out += fmt::format("{} judged queries are not in the file of queries\n", missing);
  }
  if (const auto missing = NumberOf(report, "documents_missing"); missing > 0) {
    out += fmt::format("{} documents that are judged relevant are not in the base\n", missing);
  }
  return out;
}

std::string EvalPlot(std::string_view name, const json::object& report) {
  const auto& variants = report.at("variants").as_array();
  auto plotted = FiguresWithin(report);
  std::erase_if(plotted,
                [](auto figure) { return std::ranges::find(kPlotted, figure) == kPlotted.end(); });
  const double width = kLabels + static_cast<double>(plotted.size()) * (kPanel + kGap) + kGap;
  const double height = kTop + kRow * static_cast<double>(variants.size()) + 30;
  std::string out = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}">)"
      "<style>text{{font:12px sans-serif;fill:#222}}.title{{font-size:15px;font-weight:600}}"
      ".head{{font-weight:600}}.tick{{fill:#666;font-size:10px;text-anchor:middle}}"
      ".value{{font-size:10px;text-anchor:middle}}.grid{{stroke:#ddd}}"
      ".interval{{stroke:#1a6;stroke-width:2}}circle{{fill:#1a6}}</style>"
      R"(<rect width="{0}" height="{1}" fill="#fff"/><text x="12" y="24" class="title">{2}</text>)",
      width, height,
      Escaped(fmt::format("{}: {} queries, 95 % intervals", name, NumberOf(report, "queries"))));
  double y = kTop + kRow / 2 + 4;
  for (const auto& item : variants) {
    out += fmt::format(R"(<text x="12" y="{}">{}</text>)", y,
                       Escaped(TextOf(item.as_object(), "name")));
    y += kRow;
  }
  double left = kLabels;
  for (auto figure : plotted) {
    out += Panel(variants, figure, left);
    left += kPanel + kGap;
  }
  return out + "</svg>\n";
}

}  // namespace strata::server
