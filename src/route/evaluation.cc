#include "route/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

namespace strata::route {
namespace {

struct Sample {
  const Tested* tested = nullptr;
  std::vector<double> quality, cost;  // one a candidate, as measured
};

double Length(const Sample& s) { return static_cast<double>(s.tested->row->features.measures[0]); }

using Choice = std::function<std::size_t(const Sample&)>;

learn::CostQuality Run(std::span<const Sample> samples, const Choice& choice) {
  learn::CostQuality sum;
  for (const auto& s : samples) {
    auto m = choice(s);
    sum.cost += s.cost[m];
    sum.quality += s.quality[m];
  }
  const auto n = static_cast<double>(std::max<std::size_t>(samples.size(), 1));
  return {sum.cost / n, sum.quality / n};
}

// argmax of quality − λ · cost for λ from 0 to everything-cheapest, in `score` and `price` units.
template <class Score, class Price>
std::vector<learn::CostQuality> Sweep(std::span<const Sample> samples, std::size_t models,
                                      Score score, Price price) {
  std::vector<learn::CostQuality> curve;
  for (int step = -1; step <= 120; ++step) {
    // λ in quality per dollar: from 1e-1 to 1e7.
    double lambda = step < 0 ? 0 : std::pow(10.0, -1 + 8.0 * step / 120);
    curve.push_back(Run(samples, [&](const Sample& s) {
      std::size_t best = 0;
      for (std::size_t m = 1; m < models; ++m) {
        if (score(s, m) - lambda * price(s, m) > score(s, best) - lambda * price(s, best)) best = m;
      }
      return best;
    }));
  }
  return curve;
}

// Longer prompts to the strong model: one threshold for every twentieth.
std::vector<learn::CostQuality> LengthCurve(std::vector<Sample> samples, std::size_t strong,
                                            std::size_t cheap) {
  std::ranges::sort(samples, {}, Length);
  std::vector<learn::CostQuality> curve;
  const auto n = static_cast<double>(std::max<std::size_t>(samples.size(), 1));
  for (std::size_t k = 0; k <= 20; ++k) {
    learn::CostQuality sum;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      auto m = i < samples.size() * k / 20 ? cheap : strong;
      sum.cost += samples[i].cost[m] / n;
      sum.quality += samples[i].quality[m] / n;
    }
    curve.push_back(sum);
  }
  return curve;
}

PairFigures FiguresOfPair(std::span<const Sample> samples) {
  std::vector<double> need, length, gain, strong, cheap;
  for (const auto& s : samples) {
    need.push_back(s.tested->prediction.need);
    length.push_back(Length(s));
    strong.push_back(s.quality[0]);
    cheap.push_back(s.quality[1]);
    gain.push_back(strong.back() - cheap.back());
  }
  auto router = learn::DrawPairCurve(need, strong, cheap);
  auto by_length = learn::DrawPairCurve(length, strong, cheap);
  return {.apgr = router.average,
          .apgr_length = by_length.average,
          .apgr_oracle = learn::DrawPairCurve(gain, strong, cheap).average,
          .cpt50 = router.ShareNeededFor(0.5),
          .cpt80 = router.ShareNeededFor(0.8),
          .cpt50_length = by_length.ShareNeededFor(0.5),
          .cpt80_length = by_length.ShareNeededFor(0.8)};
}

SettingResult ResultOf(std::span<const Sample> samples, std::size_t t, std::size_t strong) {
  SettingResult result;
  result.tolerance = kTolerances[t];
  std::vector<double> policy, always;
  double spent = 0, strong_cost = 0;
  for (const auto& s : samples) {
    auto m = s.tested->prediction.decisions[t];
    policy.push_back(s.quality[m]);
    always.push_back(s.quality[strong]);
    spent += s.cost[m];
    strong_cost += s.cost[strong];
    result.share_moved += m != strong ? 1.0 / static_cast<double>(samples.size()) : 0;
  }
  result.ratio = learn::PairedRatio(policy, always);
  result.saving = strong_cost > 0 ? 1 - spent / strong_cost : 0;
  return result;
}

Evaluation EvaluateGroup(const RouterState& state, std::string name,
                         std::span<const Sample> samples) {
  Evaluation out;
  out.name = std::move(name);
  out.rows = samples.size();
  const std::size_t models = state.candidates.size();
  std::size_t strong = state.pair ? 0 : state.strong;
  for (const auto& s : samples) {
    out.unfamiliar += s.tested->prediction.unfamiliar >= kUnfamiliar
                          ? 1.0 / static_cast<double>(samples.size())
                          : 0;
  }
  std::vector<learn::CostQuality> points;
  std::size_t cheapest = 0;
  for (std::size_t m = 0; m < models; ++m) {
    auto point = Run(samples, [&](const Sample&) { return m; });
    out.singles.push_back({state.candidates[m].name, point});
    points.push_back(point);
    if (point.cost < points[cheapest].cost) cheapest = m;
    if (!state.pair && point.quality > points[strong].quality) strong = m;
  }
  out.strong = state.candidates[strong].name;
  if (state.pair) out.pair = FiguresOfPair(samples);
  for (std::size_t t = 0; t < kTolerances.size(); ++t) {
    out.settings.push_back(ResultOf(samples, t, strong));
  }
  auto predicted = [](const Sample& s, std::size_t m) {
    return s.tested->prediction.candidates[m].quality;
  };
  if (state.pair) {
    // One price of quality is one threshold on the need.
    out.curve = Sweep(
        samples, models,
        [](const Sample& s, std::size_t m) { return m == 0 ? s.tested->prediction.need : 0.0; },
        [](const Sample& s, std::size_t m) { return s.tested->prediction.candidates[m].cost; });
  } else {
    out.curve = Sweep(samples, models, predicted, [](const Sample& s, std::size_t m) {
      return s.tested->prediction.candidates[m].cost;
    });
  }
  out.oracle_curve = Sweep(
      samples, models, [](const Sample& s, std::size_t m) { return s.quality[m]; },
      [](const Sample& s, std::size_t m) { return s.cost[m]; });
  out.length_curve = LengthCurve({samples.begin(), samples.end()}, strong, cheapest);
  auto [low, high] = std::ranges::minmax(points, {}, &learn::CostQuality::cost);
  auto aiq = [&](const std::vector<learn::CostQuality>& curve) {
    return learn::AverageQuality(learn::QualityHull(curve), low.cost, high.cost);
  };
  out.aiq = aiq(out.curve);
  out.aiq_singles = aiq(points);
  out.aiq_oracle = aiq(out.oracle_curve);
  out.aiq_length = aiq(out.length_curve);
  return out;
}

std::string Percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

void AppendSettings(std::string& out, std::span<const Evaluation> evaluations) {
  out +=
      "\n| rows of | setting | moved | saving | quality ratio (95 % interval) "
      "|\n|---|---|---|---|---|\n";
  for (const auto& e : evaluations) {
    for (const auto& s : e.settings) {
      out += fmt::format("| {} | {:.0f} % | {} | {} | {:.3f} ({:.3f} to {:.3f}) |\n", e.name,
                         100 * (1 - s.tolerance), Percent(s.share_moved), Percent(s.saving),
                         s.ratio.estimate, s.ratio.low, s.ratio.high);
    }
  }
}

void AppendSingles(std::string& out, std::span<const Evaluation> evaluations) {
  out += "\n| rows of | model | quality | dollars per 1,000 requests |\n|---|---|---|---|\n";
  for (const auto& e : evaluations) {
    for (const auto& m : e.singles) {
      out +=
          fmt::format("| {} | {}{} | {:.3f} | {:.4f} |\n", e.name, m.name,
                      m.name == e.strong ? " (strong)" : "", m.point.quality, 1000 * m.point.cost);
    }
  }
}

}  // namespace

std::vector<Evaluation> Evaluate(const RouterState& state, std::span<const Tested> tested) {
  std::map<std::string, std::vector<Sample>> groups;
  std::vector<Sample> all;
  for (const auto& t : tested) {
    Sample sample{.tested = &t, .quality = {}, .cost = {}};
    for (std::size_t m = 0; m < state.candidates.size(); ++m) {
      const auto* outcome = t.row->row->Find(state.candidates[m].name);
      if (outcome == nullptr) break;
      sample.quality.push_back(outcome->quality);
      sample.cost.push_back(outcome->cost.value_or(t.prediction.candidates[m].cost));
    }
    if (sample.quality.size() != state.candidates.size()) continue;
    groups[t.row->row->source].push_back(sample);
    all.push_back(std::move(sample));
  }
  std::vector<Evaluation> out;
  for (const auto& [name, samples] : groups) out.push_back(EvaluateGroup(state, name, samples));
  if (groups.size() > 1) out.push_back(EvaluateGroup(state, "all", all));
  return out;
}

std::string FormatEvaluations(const RouterState& state, std::span<const Evaluation> evaluations) {
  std::string out;
  if (state.pair) {
    out +=
        "| rows of | rows | unfamiliar | APGR | by length | oracle | CPT50 | by length | CPT80 | "
        "by "
        "length |\n|---|---|---|---|---|---|---|---|---|---|\n";
    for (const auto& e : evaluations) {
      const auto& p = e.pair;
      out += fmt::format("| {} | {} | {} | {:.3f} | {:.3f} | {:.3f} | {} | {} | {} | {} |\n",
                         e.name, e.rows, Percent(e.unfamiliar), p.apgr, p.apgr_length,
                         p.apgr_oracle, Percent(p.cpt50), Percent(p.cpt50_length), Percent(p.cpt80),
                         Percent(p.cpt80_length));
    }
    out += "\nRandom choice has APGR 0.5, CPT50 50 %, CPT80 80 %.\n\n";
  }
  out +=
      "| rows of | rows | AIQ | hull of single models | strong and cheapest by length | oracle |\n"
      "|---|---|---|---|---|---|\n";
  for (const auto& e : evaluations) {
    out += fmt::format("| {} | {} | {:.4f} | {:.4f} | {:.4f} | {:.4f} |\n", e.name, e.rows, e.aiq,
                       e.aiq_singles, e.aiq_length, e.aiq_oracle);
  }
  AppendSettings(out, evaluations);
  AppendSingles(out, evaluations);
  return out;
}

}  // namespace strata::route
