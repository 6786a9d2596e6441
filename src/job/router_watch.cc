#include "job/router_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "dialect/json_value.h"
#include "route/router.h"

namespace strata::job {
namespace {

constexpr std::size_t kTenths = 10;
constexpr std::array<std::string_view, 7> kAlarms = {
    "models", "one_model", "fallback", "failover", "unfamiliar", "familiarity", "quality"};

using gateway::RememberedDecision;

struct Decided {
  std::string version;
  RememberedDecision decision;
};

std::optional<Decided> DecidedIn(const observe::FinishedTrace& trace) {
  auto at = std::ranges::find(trace.spans, "route.decide", &SpanRecord::name);
  if (at == trace.spans.end()) return std::nullopt;
  Decided out{.version = std::string(at->Text("router")),
              .decision = {.model = std::string(at->Text("model")),
                           .decided_by = std::string(at->Text("decided_by")),
                           .unfamiliar = std::nullopt}};
  if (out.decision.model.empty()) return std::nullopt;  // nobody could serve it
  auto parsed = dialect::ParseJson(at->Text("decision"));
  if (!parsed.has_value()) return out;
  dialect::JsonField top(*parsed);
  auto unfamiliar = top.Get("unfamiliar").Double(0, 1);
  if (unfamiliar.has_value()) out.decision.unfamiliar = *unfamiliar;
  return out;
}

struct Counted {
  RouterWindow window;
  std::array<double, kTenths> tenths{};

  void Add(const RememberedDecision& decided) {
    ++window.requests;
    ++window.models[decided.model];
    ++window.decided_by[decided.decided_by];
    if (!decided.unfamiliar) return;
    ++window.predicted;
    if (*decided.unfamiliar >= route::kUnfamiliar) ++window.unfamiliar;
    auto tenth = static_cast<std::size_t>(*decided.unfamiliar * kTenths);
    ++tenths[std::min(tenth, kTenths - 1)];
  }
};

using Counts = std::map<std::string, std::size_t>;

learn::Stability CompareCounts(const Counts& before, const Counts& now) {
  Counts all = before;
  all.insert(now.begin(), now.end());
  std::vector<double> a, b;
  auto of = [](const Counts& counts, const std::string& name) {
    auto at = counts.find(name);
    return at == counts.end() ? 0.0 : static_cast<double>(at->second);
  };
  for (const auto& [name, count] : all) {
    a.push_back(of(before, name));
    b.push_back(of(now, name));
  }
  return learn::StabilityOf(a, b);
}

double ShareOf(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// Whether a share rose beyond doubt: Wilson's 95 % intervals lie apart.
bool Rose(std::size_t part_before, std::size_t before, std::size_t part_now, std::size_t now) {
  constexpr double kZ95 = 1.959964;
  if (before < kWatchedMin || now < kWatchedMin) return false;
  auto was = learn::WilsonInterval(ShareOf(part_before, before), static_cast<double>(before), kZ95);
  auto is = learn::WilsonInterval(ShareOf(part_now, now), static_cast<double>(now), kZ95);
  return is.low > was.high;
}

void AddAlarms(RouterWatch& watch) {
  const auto& before = watch.before;
  const auto& now = watch.now;
  if (before.requests < kWatchedMin || now.requests < kWatchedMin) return;
  auto& alarms = watch.alarms;
  if (watch.models.shifted) {
    alarms.push_back(
        {"models", fmt::format("the shares of the models shift (stability index {:.2f})",
                               watch.models.index)});
  }
  if (now.models.size() == 1 && before.models.size() > 1) {
    alarms.push_back({"one_model", "everything goes to " + now.models.begin()->first});
  }
  auto fallbacks = [](const RouterWindow& w) {
    auto at = w.decided_by.find("fallback");
    return at == w.decided_by.end() ? std::size_t{0} : at->second;
  };
  if (Rose(fallbacks(before), before.requests, fallbacks(now), now.requests)) {
    alarms.push_back(
        {"fallback", fmt::format("the fallback decides {:.0f} % of the requests, {:.0f} % before",
                                 100 * ShareOf(fallbacks(now), now.requests),
                                 100 * ShareOf(fallbacks(before), before.requests))});
  }
  if (Rose(before.unfamiliar, before.predicted, now.unfamiliar, now.predicted)) {
    alarms.push_back(
        {"unfamiliar", fmt::format("{:.0f} % of the requests are unfamiliar, {:.0f} % before",
                                   100 * ShareOf(now.unfamiliar, now.predicted),
                                   100 * ShareOf(before.unfamiliar, before.predicted))});
  }
  if (watch.familiarity.shifted) {
    alarms.push_back(
        {"familiarity", fmt::format("requests are as far from the labelled rows as they were not "
                                    "before (stability index {:.2f})",
                                    watch.familiarity.index)});
  }
}

// The fallback had to answer, as the chosen model could not be reached.
void AddFailover(const std::vector<bool>& newest_first, RouterWatch& watch) {
  const auto half = newest_first.size() / 2;
  std::size_t now = 0, before = 0;
  for (std::size_t i = 0; i < newest_first.size(); ++i) {
    (i < half ? now : before) += newest_first[i] ? 1 : 0;
  }
  if (!Rose(before, newest_first.size() - half, now, half)) return;
  watch.alarms.push_back(
      {"failover",
       fmt::format("the fallback has to answer {:.0f} % of the requests, as their model "
                   "cannot be reached; {:.0f} % before",
                   100 * ShareOf(now, half), 100 * ShareOf(before, newest_first.size() - half))});
}

RouterWatch Watch(std::string version, const std::vector<RememberedDecision>& newest_first) {
  RouterWatch watch;
  watch.version = std::move(version);
  Counted now, before;
  for (std::size_t i = 0; i < newest_first.size(); ++i) {
    (i < newest_first.size() / 2 ? now : before).Add(newest_first[i]);
  }
  watch.models = CompareCounts(before.window.models, now.window.models);
  watch.decided_by = CompareCounts(before.window.decided_by, now.window.decided_by);
  watch.familiarity = learn::StabilityOf(before.tenths, now.tenths);
  watch.before = std::move(before.window);
  watch.now = std::move(now.window);
  AddAlarms(watch);
  return watch;
}

}  // namespace

std::span<const std::string_view> RouterAlarmNames() { return kAlarms; }

RouterWatch WatchRouter(std::span<const observe::FinishedTrace> traces) {
  std::string version;
  std::vector<RememberedDecision> decided;
  for (const auto& trace : traces) {
    auto one = DecidedIn(trace);
    if (!one) continue;
    if (decided.empty()) version = one->version;
    if (version == one->version) decided.push_back(std::move(one->decision));
  }
  if (decided.empty()) return {};
  return Watch(std::move(version), decided);
}

std::optional<RouterAlarm> QualityAlarm(const gateway::RouterRecord& record,
                                        const ShadowLabeler& labeler) {
  auto quality = labeler.QualityOf(record.workspace(), record.version());
  if (!quality || quality->ratio.high >= 1 - record.tolerance()) return std::nullopt;
  return RouterAlarm{
      "quality",
      fmt::format("{} shadow labels: {:.3f} ({:.3f} to {:.3f}) of the strongest model's quality, "
                  "{:.3f} was allowed",
                  quality->labels, quality->ratio.estimate, quality->ratio.low, quality->ratio.high,
                  1 - record.tolerance())};
}

RouterWatch WatchRouter(const gateway::RouterRecord& record) {
  auto watch = Watch(record.version(), record.Decisions());
  AddFailover(record.FellBack(), watch);
  return watch;
}

}  // namespace strata::job
