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

struct Decided {
  std::string version, model, decided_by;
  std::optional<double> unfamiliar;
};

std::string TextField(const SpanRecord& span, std::string_view name) {
  for (const auto& [key, value] : span.fields) {
    if (key != name) continue;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* json = std::get_if<JsonText>(&value)) return json->text;
  }
  return {};
}

std::optional<Decided> DecidedIn(const observe::FinishedTrace& trace) {
  auto at = std::ranges::find(trace.spans, "route.decide", &SpanRecord::name);
  if (at == trace.spans.end()) return std::nullopt;
  Decided out{.version = TextField(*at, "router"),
              .model = TextField(*at, "model"),
              .decided_by = TextField(*at, "decided_by"),
              .unfamiliar = std::nullopt};
  if (out.model.empty()) return std::nullopt;  // nobody could serve it
  auto parsed = dialect::ParseJson(TextField(*at, "decision"));
  if (!parsed.has_value()) return out;
  dialect::JsonField top(*parsed);
  auto unfamiliar = top.Get("unfamiliar").Double(0, 1);
  if (unfamiliar.has_value()) out.unfamiliar = *unfamiliar;
  return out;
}

struct Counted {
  RouterWindow window;
  std::array<double, kTenths> tenths{};

  void Add(const Decided& decided) {
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
        fmt::format("the shares of the models shift (stability index {:.2f})", watch.models.index));
  }
  if (now.models.size() == 1 && before.models.size() > 1) {
    alarms.push_back("everything goes to " + now.models.begin()->first);
  }
  auto fallbacks = [](const RouterWindow& w) {
    auto at = w.decided_by.find("fallback");
    return at == w.decided_by.end() ? std::size_t{0} : at->second;
  };
  if (Rose(fallbacks(before), before.requests, fallbacks(now), now.requests)) {
    alarms.push_back(fmt::format("the fallback decides {:.0f} % of the requests, {:.0f} % before",
                                 100 * ShareOf(fallbacks(now), now.requests),
                                 100 * ShareOf(fallbacks(before), before.requests)));
  }
  if (Rose(before.unfamiliar, before.predicted, now.unfamiliar, now.predicted)) {
    alarms.push_back(fmt::format("{:.0f} % of the requests are unfamiliar, {:.0f} % before",
                                 100 * ShareOf(now.unfamiliar, now.predicted),
                                 100 * ShareOf(before.unfamiliar, before.predicted)));
  }
  if (watch.familiarity.shifted) {
    alarms.push_back(
        fmt::format("requests are as far from the labelled rows as they were not "
                    "before (stability index {:.2f})",
                    watch.familiarity.index));
  }
}

}  // namespace

RouterWatch WatchRouter(std::span<const observe::FinishedTrace> traces) {
  std::vector<Decided> decided;
  for (const auto& trace : traces) {
    auto one = DecidedIn(trace);
    if (!one) continue;
    if (!decided.empty() && decided.front().version != one->version) continue;
    decided.push_back(std::move(*one));
  }
  RouterWatch watch;
  if (decided.empty()) return watch;
  watch.version = decided.front().version;
  Counted now, before;
  for (std::size_t i = 0; i < decided.size(); ++i) {
    (i < decided.size() / 2 ? now : before).Add(decided[i]);
  }
  watch.models = CompareCounts(before.window.models, now.window.models);
  watch.decided_by = CompareCounts(before.window.decided_by, now.window.decided_by);
  watch.familiarity = learn::StabilityOf(before.tenths, now.tenths);
  watch.before = std::move(before.window);
  watch.now = std::move(now.window);
  AddAlarms(watch);
  return watch;
}

}  // namespace strata::job
