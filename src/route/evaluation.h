#pragma once
// How good a router is on rows that it was not made from: per source and overall, beside random,
// prompt length, each single model and the oracle.

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "learn/bootstrap.h"
#include "learn/quality_curve.h"
#include "route/router.h"
#include "route/trainer.h"

namespace strata::route {

// What a certified setting did on the rows.
struct SettingResult {
  double tolerance = 0;
  double share_moved = 0;  // to another model than always-strong's
  learn::Interval ratio;   // of quality to always-strong, paired bootstrap, 95 %
  double saving = 0;       // of cost against always-strong
};

struct SingleModel {
  std::string name;
  learn::CostQuality point;
};

struct PairFigures {
  double apgr = 0, apgr_length = 0, apgr_oracle = 0;
  double cpt50 = 0, cpt80 = 0, cpt50_length = 0, cpt80_length = 0;
};

struct Evaluation {
  std::string name;  // the source, or "all"
  std::size_t rows = 0;
  double unfamiliar = 0;  // share of rows
  std::string strong;     // the model that always-strong is
  std::vector<SingleModel> singles;
  PairFigures pair;  // of pairs only
  std::vector<SettingResult> settings;
  double aiq = 0, aiq_singles = 0, aiq_oracle = 0, aiq_length = 0;
  // Cost and quality by sweeping the price of quality; costs per request in dollars.
  std::vector<learn::CostQuality> curve, length_curve, oracle_curve;
};

struct Tested {
  const FeatureRow* row = nullptr;
  Prediction prediction;
};

// `tested` rows have an outcome of every candidate; others are left out. Groups by source, "all"
// last when there are several.
std::vector<Evaluation> Evaluate(const RouterState& state, std::span<const Tested> tested);

// Tables in Markdown.
std::string FormatEvaluations(const RouterState& state, std::span<const Evaluation> evaluations);

}  // namespace strata::route
