// bench_guarantee EMBEDDER STRONG,WEAK@FILE+FILE… : does a certified threshold hold on other rows,
// and what does the guarantee cost?
//
// Each row's need is predicted by a router that was learned without it (five folds), as the trainer
// certifies. The rows are split 200 times (seeded) into two thirds that certify a threshold and a
// third that judges it: the guarantee held where quality is at least 1 − tolerance of always-strong
// there; beside it, on all rows, as the rows that judge are a noisy sample, too. The true threshold
// is the one that moves most while it keeps that quality on all rows. Certified at 95 %, and at 99
// %, as the trainer does because what comes next is a sample.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "learn/risk_control.h"
#include "route/outcome_rows.h"
#include "route/trainer.h"

namespace {

using namespace strata;         // NOLINT: a benchmark's main file
using namespace strata::route;  // NOLINT

constexpr int kSplits = 200;
constexpr std::size_t kFolds = 5;
constexpr double kTolerancesAsked[] = {0.01, 0.03, 0.05};
constexpr double kConfidences[] = {0.95, 0.99};
constexpr double kNever = 1e9;  // the need of unfamiliar rows

struct Judged {
  learn::PairOutcome outcome;
  double strong_cost = 0, weak_cost = 0;
};

template <class T>
void Shuffle(std::vector<T>& items, std::uint64_t seed) {
  Rng rng(seed);
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[rng.Below(i)]);
}

std::vector<learn::PairOutcome> OutcomesOf(std::span<const Judged> rows) {
  std::vector<learn::PairOutcome> out;
  for (const auto& row : rows) out.push_back(row.outcome);
  return out;
}

// Of what always-strong costs.
double SavingAt(std::span<const Judged> rows, double threshold) {
  double always = 0, spent = 0;
  for (const auto& row : rows) {
    always += row.strong_cost;
    spent += row.outcome.need < threshold ? row.weak_cost : row.strong_cost;
  }
  return always > 0 ? 1 - spent / always : 0;
}

double TrueThreshold(std::span<const Judged> rows, double tolerance) {
  const auto outcomes = OutcomesOf(rows);
  std::vector<double> needs;
  for (const auto& outcome : outcomes) {
    if (outcome.need < kNever) needs.push_back(outcome.need);
  }
  std::ranges::sort(needs);
  double best = needs.front();
  for (std::size_t permille = 1; permille <= 1000; ++permille) {
    auto at = std::min(needs.size() - 1, needs.size() * permille / 1000);
    if (learn::Measure(outcomes, needs[at]).ratio >= 1 - tolerance) best = needs[at];
  }
  return best;
}

void MeasureSetting(std::vector<Judged> rows, double tolerance, double confidence) {
  const auto truth = TrueThreshold(rows, tolerance);
  int held = 0, held_by_all = 0;
  double moved = 0, saved = 0, moved_truly = 0, saved_truly = 0;
  for (int split = 0; split < kSplits; ++split) {
    Shuffle(rows, static_cast<std::uint64_t>(split) + 1);
    const std::span<const Judged> all(rows);
    const auto certifying = all.first(2 * all.size() / 3);
    const auto judging = all.subspan(certifying.size());
    auto certified = learn::CertifyPair(OutcomesOf(certifying),
                                        {.tolerance = tolerance, .confidence = confidence});
    const double threshold = certified.threshold.value_or(-kNever);
    const auto outcomes = OutcomesOf(judging);
    const auto report = learn::Measure(outcomes, threshold);
    held += report.ratio >= 1 - tolerance ? 1 : 0;
    const auto everywhere = learn::Measure(OutcomesOf(all), threshold);
    held_by_all += everywhere.ratio >= 1 - tolerance ? 1 : 0;
    moved += report.share_moved;
    saved += SavingAt(judging, threshold);
    moved_truly += learn::Measure(outcomes, truth).share_moved;
    saved_truly += SavingAt(judging, truth);
  }
  fmt::print(
      "| {:.0f} % | {:.0f} % | {} of {} | {} | {:.1f} % | {:.0f} % | {:.1f} % | {:.0f} % |\n",
      100 * (1 - tolerance), 100 * confidence, held, kSplits, held_by_all, 100 * moved / kSplits,
      100 * moved / moved_truly, 100 * saved / kSplits, 100 * saved / saved_truly);
  std::fflush(stdout);
}

// The needs of all rows, each by a router that has not seen it.
Result<std::vector<Judged>> JudgeAll(
    const std::vector<const FeatureRow*>& rows, const std::string& strong, const std::string& weak,
    const std::shared_ptr<const vector::StaticEmbedder>& embedder) {
  std::vector<Judged> out;
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    std::vector<const FeatureRow*> seen;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i % kFolds != fold) seen.push_back(rows[i]);
    }
    TrainOptions options{.models = {strong, weak}, .pair = true};
    STRATA_TRY(auto state, TrainRouter(seen, embedder->version(), options));
    STRATA_TRY(auto router, Router::Make(std::move(state), embedder));
    for (std::size_t i = fold; i < rows.size(); i += kFolds) {
      const auto* s = rows[i]->row->Find(strong);
      const auto* w = rows[i]->row->Find(weak);
      if (s == nullptr || w == nullptr) continue;
      auto prediction = router->Predict(rows[i]->features);
      const double need = prediction.unfamiliar >= kUnfamiliar ? kNever : prediction.need;
      out.push_back({{need, s->quality, w->quality}, s->cost.value_or(0), w->cost.value_or(0)});
    }
  }
  return out;
}

Result<> MeasureAll(const char* embedder_path, std::string_view pair) {
  auto at = pair.find('@');
  auto comma = pair.find(',');
  if (at == pair.npos || comma > at) return Fail(InvalidArgument("PAIR", "STRONG,WEAK@FILE+FILE…"));
  const std::string strong(pair.substr(0, comma));
  const std::string weak(pair.substr(comma + 1, at - comma - 1));
  std::vector<std::string> files;
  for (auto rest = pair.substr(at); !rest.empty();) {
    rest.remove_prefix(1);
    files.emplace_back(rest.substr(0, rest.find('+')));
    rest.remove_prefix(files.back().size());
  }
  STRATA_TRY(auto embedder, vector::StaticEmbedder::Open(embedder_path));
  STRATA_TRY(auto rows, ReadOutcomeFiles(files, OutcomesAre::kRead));
  auto features = ExtractAll(rows, *embedder);
  std::vector<const FeatureRow*> drawn;
  for (const auto& f : features) drawn.push_back(&f);
  Shuffle(drawn, 7);
  STRATA_TRY(auto judged, JudgeAll(drawn, strong, weak, embedder));
  fmt::print("{} rows, {} of them judge or certify\n\n", rows.size(), judged.size());
  fmt::print(
      "| setting | certified at | held | on all rows | moved | of the true threshold's | saved | "
      "of the true "
      "threshold's |\n|---|---|---|---|---|---|---|---|\n");
  for (double confidence : kConfidences) {
    for (double tolerance : kTolerancesAsked) MeasureSetting(judged, tolerance, confidence);
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "bench_guarantee EMBEDDER STRONG,WEAK@FILE+FILE…\n");
    return 1;
  }
  auto done = MeasureAll(argv[1], argv[2]);
  if (done.has_value()) return 0;
  fmt::print(stderr, "{}\n", done.error().message());
  return 1;
}
