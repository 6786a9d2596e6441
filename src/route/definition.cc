#include "route/definition.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/options.h"
#include "provider/registry.h"
#include "route/json_list.h"

namespace strata::route {
namespace {

using dialect::JsonField;

constexpr std::size_t kCandidatesMax = 64;
constexpr std::size_t kRulesMax = 256;

Result<std::vector<CandidateSpec>> DecodeCandidates(const JsonField& list) {
  STRATA_CHECK_OK(list.ExpectArray());
  if (list.size() == 0 || list.size() > kCandidatesMax) {
    return Fail(list.Wrong(fmt::format("expected 1 to {} models", kCandidatesMax)));
  }
  std::vector<CandidateSpec> out;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto item = list.Item(i);
    CandidateSpec spec;
    if (item.present() && item.value().string() != nullptr) {
      STRATA_TRY(spec.model, item.NonEmptyString());
    } else {
      STRATA_CHECK_OK(item.ExpectObject());
      STRATA_CHECK_OK(OnlyKnown(item, {"model", "learned_as"}));
      auto model = item.Get("model");
      STRATA_TRY(spec.model, model.NonEmptyString());
      if (auto name = item.Get("learned_as"); name.present()) {
        STRATA_TRY(spec.learned_as, name.NonEmptyString());
      }
    }
    const auto spellings = provider::BedrockSpellings(spec.model);
    if ((spellings.empty() ? spec.model : spellings.front()).starts_with("router/")) {
      return Fail(item.Wrong("a router cannot be a candidate of another"));
    }
    if (!seen.insert(spec.model).second) {
      return Fail(item.Wrong(fmt::format("'{}' stands twice", spec.model)));
    }
    out.push_back(std::move(spec));
  }
  return out;
}

Result<> ExpectCandidate(const JsonField& field, const RouterDefinition& router,
                         std::string_view model) {
  if (router.Find(model) != nullptr) return {};
  std::vector<std::string_view> known;
  for (const auto& candidate : router.candidates) known.push_back(candidate.model);
  auto nearest = NearestName(model, known);
  return Fail(field.Wrong(
      fmt::format("'{}' is no candidate{}", model,
                  nearest.empty() ? std::string() : fmt::format(" (did you mean {}?)", nearest))));
}

Result<> ReadModel(const JsonField& field, const RouterDefinition& router, std::string& out) {
  if (!field.present()) return {};
  STRATA_TRY(out, field.NonEmptyString());
  return ExpectCandidate(field, router, out);
}

struct CheckName {
  std::string_view name;
  Check check;
  std::string_view what;  // "… is checked of the answer of one model"; "": of two as well
};
constexpr CheckName kChecks[] = {{"agree", Check::kAgree, ""},
                                 {"schema", Check::kSchema, "a schema"},
                                 {"confidence", Check::kConfidence, "confidence"},
                                 {"citations", Check::kCitations, "what is cited"},
                                 {"sql", Check::kSql, ""},
                                 {"hook", Check::kHook, "a hook"}};

// A number that goes with one check; `fallback` nullopt: it must be given then.
Result<> DecodeBound(const JsonField& field, bool checked, std::string_view check,
                     std::optional<double> fallback, double& out) {
  if (!checked && field.present()) return Fail(field.Wrong(fmt::format("is for check: {}", check)));
  if (!checked) return {};
  if (!field.present() && !fallback) return Fail(field.Wrong("expected a number from 0 to 1"));
  if (!field.present()) {
    out = *fallback;
    return {};
  }
  STRATA_TRY(out, field.Double(0, 1));
  return {};
}

Result<> DecodeSql(const JsonField& field, CascadeSpec& out) {
  if (out.check != Check::kSql) {
    return field.present() ? Fail(field.Wrong("is for check: sql")) : Result<>();
  }
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(OnlyKnown(field, {"schema", "rows"}));
  auto sample = std::make_shared<SqlSample>();
  auto schema = field.Get("schema");
  auto rows = field.Get("rows");
  STRATA_TRY(sample->schema, schema.NonEmptyString());
  if (rows.present()) {
    STRATA_TRY(sample->rows, rows.NonEmptyString());
  } else if (out.ask.size() == 2) {
    return Fail(
        rows.Wrong("two models in ask are compared by what their statements return on "
                   "these: expected INSERT INTO …"));
  }
  if (auto made = CheckSample(*sample); !made.has_value()) {
    const auto& at = made.error().field() == "rows" ? rows : schema;
    return Fail(at.Wrong(made.error().message()));
  }
  out.sql = std::move(sample);
  return {};
}

Result<> DecodeHook(const JsonField& field, CascadeSpec& out) {
  if (out.check != Check::kHook) {
    return field.present() ? Fail(field.Wrong("is for check: hook")) : Result<>();
  }
  STRATA_TRY(out.hook, field.NonEmptyString());
  return {};
}

// After `ask`.
Result<> DecodeCheck(const JsonField& cascade, CascadeSpec& out) {
  out.check = out.ask.size() == 2 ? Check::kAgree : Check::kSchema;
  auto check = cascade.Get("check");
  if (check.present()) {
    STRATA_TRY(auto name,
               check.OneOf({"agree", "schema", "confidence", "citations", "sql", "hook"}));
    const auto& known = *std::ranges::find(kChecks, name, &CheckName::name);
    out.check = known.check;
    if (out.check == Check::kAgree && out.ask.size() != 2) {
      return Fail(check.Wrong("agreement takes two models in ask"));
    }
    if (!known.what.empty() && out.ask.size() != 1) {
      return Fail(
          check.Wrong(fmt::format("{} is checked of the answer of one model in ask", known.what)));
    }
  }
  STRATA_CHECK_OK(DecodeBound(cascade.Get("confidence"), out.check == Check::kConfidence,
                              "confidence", std::nullopt, out.confidence));
  STRATA_CHECK_OK(DecodeBound(cascade.Get("supported"), out.check == Check::kCitations, "citations",
                              1, out.supported));
  STRATA_CHECK_OK(DecodeSql(cascade.Get("sql"), out));
  return DecodeHook(cascade.Get("hook"), out);
}

Result<CascadeSpec> DecodeCascade(const JsonField& field, const RouterDefinition& router) {
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(OnlyKnown(field, {"ask", "tie_break", "escalate", "check", "confidence",
                                    "supported", "sql", "hook", "when"}));
  CascadeSpec out;
  out.escalate = router.fallback;
  auto ask = field.Get("ask");
  STRATA_TRY(out.ask, TextOrList(ask));
  if (out.ask.size() > 2) return Fail(ask.Wrong("expected one candidate, or two"));
  for (const auto& model : out.ask) STRATA_CHECK_OK(ExpectCandidate(ask, router, model));
  auto tie_break = field.Get("tie_break");
  auto escalate = field.Get("escalate");
  STRATA_CHECK_OK(ReadModel(tie_break, router, out.tie_break));
  STRATA_CHECK_OK(ReadModel(escalate, router, out.escalate));
  STRATA_CHECK_OK(DecodeCheck(field, out));
  if (!out.tie_break.empty() && out.ask.size() != 2) {
    return Fail(tie_break.Wrong("there are ties only between two models in ask"));
  }
  if (std::ranges::find(out.ask, out.escalate) != out.ask.end()) {
    return Fail(field.Wrong(fmt::format("'{}' is asked and escalated to", out.escalate)));
  }
  if (auto when = field.Get("when"); when.present()) {
    STRATA_TRY(out.when, DecodeCondition(when));
  }
  return out;
}

Result<std::vector<Rule>> DecodeRules(const JsonField& list, const RouterDefinition& router) {
  std::vector<Rule> out;
  if (!list.present()) return out;
  STRATA_CHECK_OK(list.ExpectArray());
  if (list.size() > kRulesMax) {
    return Fail(list.Wrong(fmt::format("expected at most {} rules", kRulesMax)));
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto item = list.Item(i);
    STRATA_TRY(auto rule, DecodeRule(item));
    for (const auto& model : rule.models) STRATA_CHECK_OK(ExpectCandidate(item, router, model));
    if (rule.name.empty()) rule.name = fmt::format("{}", i + 1);
    out.push_back(std::move(rule));
  }
  return out;
}

Result<LabelSpec> DecodeLabels(const JsonField& field) {
  constexpr double kUsdMax = 1e6;
  STRATA_CHECK_OK(field.ExpectObject());
  STRATA_CHECK_OK(OnlyKnown(field, {"share", "usd_per_day", "judge"}));
  LabelSpec out;
  if (auto share = field.Get("share"); share.present()) {
    STRATA_TRY(out.share, share.Double(0, 1));
  }
  // No default: it is somebody's money.
  STRATA_TRY(out.usd_per_day, field.Get("usd_per_day").Double(0, kUsdMax));
  if (auto judge = field.Get("judge"); judge.present()) {
    STRATA_TRY(auto name, judge.NonEmptyString());
    if (name.starts_with("router/")) return Fail(judge.Wrong("expected a model or 'agreement'"));
    if (name != "agreement") out.judge = std::move(name);
  }
  return out;
}

Result<> DecodeWeights(const JsonField& top, RouterDefinition& out) {
  constexpr double kWeightMax = 1e9;
  if (auto weights = top.Get("weights"); weights.present()) {
    if (out.objective != Objective::kQuality) {
      return Fail(weights.Wrong("are for the objective quality"));
    }
    STRATA_CHECK_OK(weights.ExpectObject());
    STRATA_CHECK_OK(OnlyKnown(weights, {"per_usd", "per_second"}));
    if (auto usd = weights.Get("per_usd"); usd.present()) {
      STRATA_TRY(out.weights.per_usd, usd.Double(0, kWeightMax));
    }
    if (auto second = weights.Get("per_second"); second.present()) {
      STRATA_TRY(out.weights.per_second, second.Double(0, kWeightMax));
    }
  }
  auto limits = top.Get("limits");
  if (!limits.present()) return {};
  STRATA_CHECK_OK(limits.ExpectObject());
  STRATA_CHECK_OK(OnlyKnown(limits, {"usd", "seconds"}));
  if (auto usd = limits.Get("usd"); usd.present()) {
    STRATA_TRY(out.limits.usd, usd.Double(0, kWeightMax));
  }
  if (auto seconds = limits.Get("seconds"); seconds.present()) {
    STRATA_TRY(out.limits.seconds, seconds.Double(0, kWeightMax));
  }
  return {};
}

Result<> DecodeAims(const JsonField& top, RouterDefinition& out) {
  if (auto text = top.Get("description"); text.present()) {
    STRATA_TRY(out.description, text.String());
  }
  if (auto objective = top.Get("objective"); objective.present()) {
    STRATA_TRY(auto name, objective.OneOf({"cost", "quality", "cheapest"}));
    out.objective = name == "cost"      ? Objective::kCost
                    : name == "quality" ? Objective::kQuality
                                        : Objective::kCheapest;
  }
  STRATA_CHECK_OK(DecodeWeights(top, out));
  if (auto tolerance = top.Get("tolerance"); tolerance.present()) {
    STRATA_TRY(out.tolerance, tolerance.Double(0, 1));
  }
  if (auto mode = top.Get("learned"); mode.present()) {
    STRATA_TRY(auto name, mode.OneOf({"active", "shadow"}));
    out.learned = name == "active" ? LearnedMode::kActive : LearnedMode::kShadow;
  }
  if (auto sessions = top.Get("sessions"); sessions.present()) {
    STRATA_TRY(auto name, sessions.OneOf({"stay", "free"}));
    out.sessions = name == "stay";
  }
  return {};
}

}  // namespace

std::string_view NameOf(Check check) {
  return std::ranges::find(kChecks, check, &CheckName::check)->name;
}

std::string_view ObjectiveName(Objective objective) {
  switch (objective) {
    case Objective::kCost:
      return "cost";
    case Objective::kQuality:
      return "quality";
    case Objective::kCheapest:
      return "cheapest";
  }
  return "cost";
}

const CandidateSpec* RouterDefinition::Find(std::string_view model) const {
  auto at = std::ranges::find(candidates, model, &CandidateSpec::model);
  return at == candidates.end() ? nullptr : &*at;
}

Result<RouterDefinition> DecodeDefinition(const dialect::JsonValue& tree) {
  JsonField top(tree);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(
      OnlyKnown(top, {"description", "candidates", "fallback", "objective", "tolerance", "weights",
                      "limits", "learned", "rules", "cascade", "sessions", "labels"}));
  RouterDefinition out;
  STRATA_CHECK_OK(DecodeAims(top, out));
  auto candidates = top.Get("candidates");
  STRATA_TRY(out.candidates, DecodeCandidates(candidates));
  out.fallback = out.candidates.front().model;
  auto fallback = top.Get("fallback");
  STRATA_CHECK_OK(ReadModel(fallback, out, out.fallback));
  auto rules = top.Get("rules");
  STRATA_TRY(out.rules, DecodeRules(rules, out));
  if (auto cascade = top.Get("cascade"); cascade.present()) {
    STRATA_TRY(out.cascade, DecodeCascade(cascade, out));
  }
  if (auto labels = top.Get("labels"); labels.present()) {
    STRATA_TRY(out.labels, DecodeLabels(labels));
  }
  return out;
}

Result<> CheckRouterName(std::string_view name) {
  constexpr std::size_t kNameMax = 64;
  auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  bool good = !name.empty() && name.size() <= kNameMax && plain(name.front()) && plain(name.back());
  for (std::size_t i = 0; i < name.size() && good; ++i) {
    good =
        plain(name[i]) || ((name[i] == '-' || name[i] == '_' || name[i] == '.' || name[i] == ' ') &&
                           plain(name[i + 1]));
  }
  if (good) return {};
  return Fail(InvalidArgument(
      "name",
      fmt::format("expected 1 to {} letters and digits, with single - _ . or spaces between",
                  kNameMax)));
}

}  // namespace strata::route
