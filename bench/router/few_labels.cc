// bench_few_labels [--rows 200,800] [--draws 20] EMBEDDER PAIR … : how good is a router of a pair
// that few labelled rows were given? EMBEDDER is the static embedder's file, PAIR is
// STRONG,WEAK@FILE+FILE….
//
// For each pair and each number of rows: that many rows are drawn from the splits train and
// valid, several times (seeded), a router is learned from them as `strata route train --pair` does,
// and judged twice: on the rows of those splits that were not drawn, by which settings are chosen,
// and on the split test, which is reported. Beside it the prompt's length. Means over the draws
// with their standard deviation; the rows are the same each time, so their own noise is not in it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "learn/quality_curve.h"
#include "route/outcome_rows.h"
#include "route/trainer.h"

namespace {

using namespace strata;         // NOLINT: a benchmark's main file
using namespace strata::route;  // NOLINT

struct Options {
  std::vector<std::string> rows = {"200", "800"};
  int draws = 20;
  std::vector<std::string> rest;  // EMBEDDER PAIR …
};
constexpr std::size_t kJudgedMax = 2000;  // of the rows that were not drawn

struct Mean {
  std::vector<double> values;
  void Add(double value) { values.push_back(value); }
  std::string Text() const {
    auto n = static_cast<double>(values.size());
    double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
    double squares = 0;
    for (double v : values) squares += (v - mean) * (v - mean);
    return fmt::format("{:.3f} ± {:.3f}", mean, std::sqrt(squares / n));
  }
};

struct Pair {
  std::string name, strong, weak;
  std::vector<std::string> files;
};

std::vector<std::string> SplitAt(std::string_view text, char mark) {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto end = std::min(text.find(mark), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Result<Pair> ParsePair(std::string_view text) {
  auto at = text.find('@');
  auto models = SplitAt(text.substr(0, at), ',');
  if (at == std::string_view::npos || models.size() != 2) {
    return Fail(InvalidArgument("PAIR", "expected STRONG,WEAK@FILE+FILE…"));
  }
  return Pair{std::string(text.substr(0, at)), models[0], models[1],
              SplitAt(text.substr(at + 1), '+')};
}

struct Judged {
  double router = 0, length = 0;
};

Judged Judge(const Router& router, const Pair& pair, std::span<const FeatureRow* const> rows) {
  std::vector<double> need, length, strong, weak;
  for (const auto* row : rows) {
    need.push_back(router.Predict(row->features).need);
    length.push_back(static_cast<double>(row->features.measures[0]));
    strong.push_back(row->row->Find(pair.strong)->quality);
    weak.push_back(row->row->Find(pair.weak)->quality);
  }
  return {learn::DrawPairCurve(need, strong, weak).average,
          learn::DrawPairCurve(length, strong, weak).average};
}

void Shuffle(std::vector<const FeatureRow*>& rows, std::uint64_t seed) {
  Rng rng(seed);
  for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[rng.Below(i)]);
}

Result<> Measure(const Options& asked, const Pair& pair,
                 const std::shared_ptr<const vector::StaticEmbedder>& embedder) {
  STRATA_TRY(auto rows, ReadOutcomeFiles(pair.files, OutcomesAre::kRead));
  std::erase_if(rows, [&](const OutcomeRow& row) {
    return row.Find(pair.strong) == nullptr || row.Find(pair.weak) == nullptr;
  });
  auto features = ExtractAll(rows, *embedder);
  std::vector<const FeatureRow*> test, pool;
  for (const auto& f : features) (f.row->split == Split::kTest ? test : pool).push_back(&f);
  for (const auto& number : asked.rows) {
    const auto count = static_cast<std::size_t>(std::atoi(number.c_str()));
    if (count == 0 || pool.size() < count + 100) continue;
    Mean rest, rest_length, on_test, test_length;
    for (int draw = 0; draw < asked.draws; ++draw) {
      auto drawn = pool;
      Shuffle(drawn, static_cast<std::uint64_t>(draw) + 1);
      std::span<const FeatureRow* const> all(drawn);
      TrainOptions options{.models = {pair.strong, pair.weak}, .pair = true};
      STRATA_TRY(auto state, TrainRouter(all.first(count), embedder->version(), options));
      STRATA_TRY(auto router, Router::Make(std::move(state), embedder));
      auto others = all.subspan(count);
      auto judged = Judge(*router, pair, others.first(std::min(others.size(), kJudgedMax)));
      rest.Add(judged.router);
      rest_length.Add(judged.length);
      judged = Judge(*router, pair, test);
      on_test.Add(judged.router);
      test_length.Add(judged.length);
    }
    fmt::print("| {} | {} | {} | {} | {} | {} |\n", pair.name, count, rest.Text(),
               rest_length.Text(), on_test.Text(), test_length.Text().substr(0, 5));
    std::fflush(stdout);
  }
  return {};
}

Result<> MeasureAll(const Options& asked) {
  STRATA_TRY(auto embedder, vector::StaticEmbedder::Open(asked.rest[0]));
  fmt::print(
      "| pair | labelled rows | APGR, rows not drawn | by length | APGR, test | by length |\n"
      "|---|---|---|---|---|---|\n");
  for (std::size_t i = 1; i < asked.rest.size(); ++i) {
    STRATA_TRY(auto pair, ParsePair(asked.rest[i]));
    STRATA_CHECK_OK(Measure(asked, pair, embedder));
  }
  return {};
}

Options ParseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string_view flag = argv[i];
    if (flag == "--rows" && i + 1 < argc) {
      options.rows = SplitAt(argv[++i], ',');
    } else if (flag == "--draws" && i + 1 < argc) {
      options.draws = std::atoi(argv[++i]);
    } else {
      options.rest.emplace_back(flag);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = ParseOptions(argc, argv);
  if (options.rest.size() < 2 || options.draws < 1) {
    fmt::print(stderr,
               "bench_few_labels [--rows 200,800] [--draws 20] EMBEDDER STRONG,WEAK@FILE+FILE …\n");
    return 1;
  }
  auto done = MeasureAll(options);
  if (done.has_value()) return 0;
  fmt::print(stderr, "{}\n", done.error().message());
  return 1;
}
