#include "learn/agreement.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "base/rng.h"
#include "learn/calibration.h"

namespace strata::learn {
namespace {

// Counts of (a is good, b is good) as 0…3.
using Table = std::array<double, 4>;

double Kappa(const Table& t) {
  auto n = t[0] + t[1] + t[2] + t[3];
  auto observed = (t[0] + t[3]) / n;
  auto a_good = (t[2] + t[3]) / n;
  auto b_good = (t[1] + t[3]) / n;
  auto chance = a_good * b_good + (1 - a_good) * (1 - b_good);
  return chance < 1 ? (observed - chance) / (1 - chance) : 0;
}

}  // namespace

Agreement AgreementOf(std::span<const double> a, std::span<const double> b, double good,
                      const BootstrapOptions& options) {
  STRATA_CHECK(a.size() == b.size(), "things judged by both");
  Agreement out;
  out.n = a.size();
  if (a.empty()) return out;
  std::vector<std::uint8_t> cells;
  Table table{};
  for (std::size_t i = 0; i < a.size(); ++i) {
    cells.push_back(static_cast<std::uint8_t>((a[i] >= good ? 2 : 0) + (b[i] >= good ? 1 : 0)));
    ++table[cells.back()];
  }
  auto n = static_cast<double>(a.size());
  constexpr double kZ95 = 1.959964;
  out.share.estimate = (table[0] + table[3]) / n;
  auto wilson = WilsonInterval(out.share.estimate, n, kZ95);
  out.share.low = wilson.low;
  out.share.high = wilson.high;
  out.kappa.estimate = out.kappa.low = out.kappa.high = Kappa(table);
  if (options.resamples < 1) return out;
  Rng rng(options.seed);
  std::vector<double> kappas;
  for (int r = 0; r < options.resamples; ++r) {
    Table drawn{};
    for (std::size_t i = 0; i < cells.size(); ++i) ++drawn[cells[rng.Below(cells.size())]];
    kappas.push_back(Kappa(drawn));
  }
  std::ranges::sort(kappas);
  auto at = [&](double q) {
    return kappas[static_cast<std::size_t>(q * static_cast<double>(kappas.size() - 1))];
  };
  out.kappa.low = at((1 - options.level) / 2);
  out.kappa.high = at((1 + options.level) / 2);
  return out;
}

}  // namespace strata::learn
