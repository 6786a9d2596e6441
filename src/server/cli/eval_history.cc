#include "server/cli/eval_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <string_view>
#include <vector>

#include "knowledge/evaluation.h"
#include "server/cli/print.h"
#include "server/console/html.h"

namespace strata::server {
namespace {

namespace json = boost::json;

constexpr std::string_view kWatched = "nDCG@10";

double FigureOf(const json::object& kept, std::string_view name) {
  return kept.at("figures").at(name).to_number<double>();
}

// The change that a base's evaluation is judged by, with its 95 % interval.
struct Change {
  double estimate = 0, low = 0, high = 0;
};

Change ChangeOf(const json::object& change) {
  const auto& d = change.at("difference").at(kWatched).as_array();
  return {.estimate = d.at(0).to_number<double>(),
          .low = d.at(1).to_number<double>(),
          .high = d.at(2).to_number<double>()};
}

bool Fell(const json::object& kept) {
  const auto* change = kept.if_contains("change");
  return change && change->at("fell").as_bool();
}

// Pixels.
constexpr double kLeft = 60;
constexpr double kTop = 50;
constexpr double kWidth = 640;
constexpr double kHeight = 200;

double HeightOf(double value) { return kTop + (1 - value) * kHeight; }

std::string Points(const std::vector<const json::object*>& kept) {
  const double step = kept.size() > 1 ? kWidth / static_cast<double>(kept.size() - 1) : kWidth;
  std::string line;
  std::string points;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const double x = kLeft + step * static_cast<double>(i);
    const double y = HeightOf(FigureOf(*kept[i], kWatched));
    line += fmt::format("{:.1f},{:.1f} ", x, y);
    points += fmt::format(
        R"(<circle cx="{:.1f}" cy="{:.1f}" r="4" class="{}"><title>{}: {:.4f}</title></circle>)", x,
        y, Fell(*kept[i]) ? "fell" : "kept", Escaped(TextOf(*kept[i], "at")),
        FigureOf(*kept[i], kWatched));
  }
  return fmt::format(R"(<polyline points="{}"/>)", line) + points;
}

}  // namespace

std::string EvalChangeText(const json::object& kept) {
  const auto* found = kept.if_contains("change");
  if (!found) return {};
  const auto& change = found->as_object();
  const auto d = ChangeOf(change);
  return fmt::format("since {}, {} queries of both: {} {:+.4f} [{:+.4f}, {:+.4f}]{}\n",
                     TextOf(change, "before"), NumberOf(change, "paired"), kWatched, d.estimate,
                     d.low, d.high, Fell(kept) ? "  WORSE" : "");
}

std::string EvalHistoryTable(const json::object& history) {
  const auto& all = history.at("evaluations").as_array();
  if (all.empty()) {
    return fmt::format("{} was not evaluated yet: strata kb eval {} --queries … --qrels …\n",
                       TextOf(history, "name"), TextOf(history, "name"));
  }
  std::string out = fmt::format("{:<26}{:>8}{:>6}", "", "queries", "depth");
  for (const auto name : knowledge::kRankFigureNames) out += fmt::format("{:>8}", name);
  out += fmt::format("   {} against the one before (95 %)\n", kWatched);
  for (const auto& item : all) {
    const auto& kept = item.as_object();
    out += fmt::format("{:<26}{:>8}{:>6}", TextOf(kept, "at"), NumberOf(kept, "queries"),
                       NumberOf(kept, "depth"));
    for (const auto name : knowledge::kRankFigureNames) {
      out += fmt::format("{:>8.4f}", FigureOf(kept, name));
    }
    if (const auto* change = kept.if_contains("change")) {
      const auto d = ChangeOf(change->as_object());
      out += fmt::format("   {:+.4f} [{:+.4f}, {:+.4f}]{}", d.estimate, d.low, d.high,
                         Fell(kept) ? "  WORSE" : "");
    }
    if (kept.contains("filter")) out += "   filter " + TextOf(kept, "filter");
    out += '\n';
  }
  return out;
}

std::string EvalHistoryPlot(const json::object& history) {
  std::vector<const json::object*> kept;
  for (const auto& item : history.at("evaluations").as_array()) kept.push_back(&item.as_object());
  std::ranges::reverse(kept);
  std::string out = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}">)"
      "<style>text{{font:12px sans-serif;fill:#222}}.title{{font-size:15px;font-weight:600}}"
      ".tick{{fill:#666;font-size:10px}}.grid{{stroke:#ddd}}polyline{{fill:none;stroke:#1a6}}"
      ".kept{{fill:#1a6}}.fell{{fill:#c33}}</style>"
      R"(<rect width="{0}" height="{1}" fill="#fff"/><text x="12" y="24" class="title">{2}</text>)",
      kLeft + kWidth + 24, kTop + kHeight + 40,
      Escaped(
          fmt::format("{}: {} of {} evaluations", TextOf(history, "name"), kWatched, kept.size())));
  for (int tenth = 0; tenth <= 10; tenth += 2) {
    const double y = HeightOf(tenth / 10.0);
    out += fmt::format(R"(<line x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}" class="grid"/>)"
                       R"(<text x="{3}" y="{4:.1f}" class="tick">{5:.1f}</text>)",
                       kLeft, kLeft + kWidth, y, kLeft - 30, y + 3, tenth / 10.0);
  }
  if (!kept.empty()) {
    const double y = kTop + kHeight + 24;
    out += Points(kept) +
           fmt::format(R"(<text x="{}" y="{}" class="tick">{}</text>)", kLeft, y,
                       Escaped(TextOf(*kept.front(), "at"))) +
           fmt::format(R"(<text x="{}" y="{}" class="tick" text-anchor="end">{}</text>)",
                       kLeft + kWidth, y, Escaped(TextOf(*kept.back(), "at")));
  }
  return out + "</svg>\n";
}

}  // namespace strata::server
