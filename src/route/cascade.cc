#include "route/cascade.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace strata::route {
namespace {

constexpr std::size_t kRowsMin = 50;

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// "1,234,567" → "1234567": a comma between a digit and exactly three digits.
std::string WithoutGrouping(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool grouping = text[i] == ',' && i > 0 && IsDigit(text[i - 1]) && i + 3 < text.size() &&
                    IsDigit(text[i + 1]) && IsDigit(text[i + 2]) && IsDigit(text[i + 3]) &&
                    (i + 4 >= text.size() || !IsDigit(text[i + 4]));
    if (!grouping) out += text[i];
  }
  return out;
}

std::optional<double> NumberOf(std::string_view text) {
  double value = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

// "\frac{a}{b}" → "a/b", also of digits without braces.
void PlainFractions(std::string& text) {
  for (auto at = text.find("\\frac"); at != std::string::npos; at = text.find("\\frac", at)) {
    auto read = [&](std::size_t& from) {
      if (from >= text.size()) return std::string();
      if (text[from] != '{') return std::string(1, text[from++]);
      auto end = std::min(text.find('}', from), text.size() - 1);
      auto part = text.substr(from + 1, end - from - 1);
      from = end + 1;
      return part;
    };
    std::size_t next = at + 5;
    auto above = read(next);
    auto below = read(next);
    text.replace(at, next - at, above + "/" + below);
  }
}

bool Usable(const CascadeRow& row, std::uint32_t model) { return !std::isnan(row.quality[model]); }

}  // namespace

std::string NormalizeAnswer(std::string_view answer) {
  std::string text;
  for (char c : answer) text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (std::string_view dress :
       {"\\left", "\\right", "\\!", "\\,", "\\;", "\\text", "\\mathrm", "\\mbox", "\\%", "%", "$",
        "^{\\circ}", "^\\circ", "°", "\\degree"}) {
    ReplaceAll(text, dress, "");
  }
  ReplaceAll(text, "\\dfrac", "\\frac");
  ReplaceAll(text, "\\tfrac", "\\frac");
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; });
  PlainFractions(text);
  std::erase_if(text, [](char c) { return c == '{' || c == '}'; });
  // "x=5" is 5.
  if (auto equals = text.find('='); equals != std::string::npos && equals > 0 && equals <= 6 &&
                                    std::ranges::none_of(text.substr(0, equals), IsDigit)) {
    text.erase(0, equals + 1);
  }
  while (!text.empty() && std::string_view(".*`'\"").find(text.back()) != std::string_view::npos) {
    text.pop_back();
  }
  while (!text.empty() && std::string_view("*`'\"").find(text.front()) != std::string_view::npos) {
    text.erase(0, 1);
  }
  text = WithoutGrouping(text);
  if (auto number = NumberOf(text)) return fmt::format("{:.9g}", *number);
  if (auto slash = text.find('/'); slash != std::string::npos) {
    auto above = NumberOf(std::string_view(text).substr(0, slash));
    auto below = NumberOf(std::string_view(text).substr(slash + 1));
    if (above && below && *below != 0) return fmt::format("{:.9g}", *above / *below);
  }
  return text;
}

bool SameAnswer(std::string_view a, std::string_view b) {
  auto left = NormalizeAnswer(a);
  return !left.empty() && left == NormalizeAnswer(b);
}

std::string_view FamilyOf(std::string_view model) {
  if (auto slash = model.rfind('/'); slash != std::string_view::npos)
    model.remove_prefix(slash + 1);
  auto end = std::ranges::find_if(model, [](char c) { return c == '-' || c == '.' || IsDigit(c); });
  return model.substr(0, static_cast<std::size_t>(end - model.begin()));
}

CascadeRow MakeCascadeRow(const OutcomeRow& row, std::span<const std::string> models) {
  CascadeRow out;
  for (const auto& model : models) {
    const auto* outcome = row.Find(model);
    bool usable = outcome != nullptr && outcome->answer && outcome->cost;
    out.quality.push_back(usable ? outcome->quality : std::nan(""));
    out.cost.push_back(usable ? *outcome->cost : std::nan(""));
    out.answer.push_back(usable ? NormalizeAnswer(*outcome->answer) : std::string());
  }
  return out;
}

CascadeResult RunCascade(const CascadeRow& row, const CascadeState& plan, std::int32_t third) {
  const auto& a = row.answer[plan.first];
  const auto& b = row.answer[plan.second];
  CascadeResult result{.cost = row.cost[plan.first] + row.cost[plan.second]};
  auto settle = [&](std::uint32_t model) {
    result.quality = row.quality[model];
    result.settled = true;
    return result;
  };
  if (!a.empty() && a == b) return settle(plan.first);
  if (third >= 0) {
    auto breaker = static_cast<std::uint32_t>(third);
    result.cost += row.cost[breaker];
    const auto& c = row.answer[breaker];
    if (!c.empty() && c == a) return settle(plan.first);
    if (!c.empty() && c == b) return settle(plan.second);
  }
  result.cost += row.cost[plan.strong];
  result.quality = row.quality[plan.strong];
  return result;
}

namespace {

// Sums over the rows of one kind under one plan.
struct Sums {
  double quality = 0, cost = 0;
};

// Chooses among plans of each kind: the cheapest in sum whose quality reaches `needed`, by a price
// on quality that is raised until it does.
struct Option {
  std::int32_t third = -1;
  Sums sums;
};
std::optional<std::vector<Option>> ChooseOptions(const std::vector<std::vector<Option>>& of_kind,
                                                 double needed) {
  for (int step = 0; step <= 60; ++step) {
    // Dollars for one right answer: from nothing to more than any.
    double price = step == 0 ? 0 : std::pow(10.0, -6 + 8.0 * step / 60);
    std::vector<Option> chosen;
    double quality = 0;
    for (const auto& options : of_kind) {
      chosen.push_back(*std::ranges::min_element(
          options, {}, [&](const Option& o) { return o.sums.cost - price * o.sums.quality; }));
      quality += chosen.back().sums.quality;
    }
    if (quality >= needed) return chosen;
  }
  return std::nullopt;
}

class Planner {
 public:
  Planner(std::span<const CascadeRow> rows, std::span<const std::string> models, std::size_t kinds)
      : rows_(rows), models_(models), kinds_(kinds) {}

  std::optional<CascadeState> Plan(double ratio_min) {
    if (!FindStrong()) return std::nullopt;
    std::optional<CascadeState> best;
    double best_cost = total_cost_;
    for (std::uint32_t a = 0; a < models_.size(); ++a) {
      for (std::uint32_t b = 0; b < models_.size(); ++b) {
        // The first of the pair is the better one: its spelling is what callers see.
        if (a == b || !Cheap(a) || !Cheap(b) || mean_[a] < mean_[b] ||
            (mean_[a] == mean_[b] && a > b))
          continue;
        if (FamilyOf(models_[a]) == FamilyOf(models_[b])) continue;
        CascadeState plan{
            .strong = strong_, .first = a, .second = b, .third = {}, .settled = {}, .scale = {}};
        auto chosen = ChooseOptions(OptionsOf(plan), ratio_min * total_quality_);
        if (!chosen) continue;
        double cost = 0;
        for (const auto& option : *chosen) cost += option.sums.cost;
        if (cost >= best_cost) continue;
        best_cost = cost;
        for (const auto& option : *chosen) plan.third.push_back(option.third);
        best = std::move(plan);
      }
    }
    return best;
  }

 private:
  // Only models that every row has take part, so that plans are compared on the same rows.
  bool Everywhere(std::uint32_t m) const {
    return std::ranges::all_of(rows_, [&](const CascadeRow& r) { return Usable(r, m); });
  }

  bool FindStrong() {
    mean_.assign(models_.size(), 0);
    cost_.assign(models_.size(), 0);
    std::size_t usable = 0;
    for (std::uint32_t m = 0; m < models_.size(); ++m) {
      everywhere_.push_back(Everywhere(m));
      if (!everywhere_[m]) continue;
      ++usable;
      for (const auto& row : rows_) {
        mean_[m] += row.quality[m];
        cost_[m] += row.cost[m];
      }
      if (!everywhere_[strong_] || mean_[m] > mean_[strong_]) strong_ = m;
    }
    if (rows_.size() < kRowsMin || usable < 3) return false;
    total_quality_ = mean_[strong_];
    total_cost_ = cost_[strong_];
    return true;
  }

  bool Cheap(std::uint32_t m) const {
    return m != strong_ && everywhere_[m] && cost_[m] < total_cost_ / 3;
  }

  std::vector<std::vector<Option>> OptionsOf(const CascadeState& plan) const {
    std::vector<std::vector<Option>> of_kind(kinds_);
    for (std::int32_t third = -1; third < static_cast<std::int32_t>(models_.size()); ++third) {
      if (third >= 0) {
        auto m = static_cast<std::uint32_t>(third);
        if (m == plan.first || m == plan.second || !Cheap(m)) continue;
      }
      for (auto& options : of_kind) options.push_back({.third = third, .sums = {}});
      for (const auto& row : rows_) {
        auto result = RunCascade(row, plan, third);
        of_kind[row.kind].back().sums.quality += result.quality;
        of_kind[row.kind].back().sums.cost += result.cost;
      }
    }
    return of_kind;
  }

  std::span<const CascadeRow> rows_;
  std::span<const std::string> models_;
  std::size_t kinds_;
  std::vector<bool> everywhere_;
  std::vector<double> mean_, cost_;  // sums over the rows
  std::uint32_t strong_ = 0;
  double total_quality_ = 0, total_cost_ = 0;
};

}  // namespace

std::optional<CascadeState> PlanCascade(std::span<const CascadeRow> rows,
                                        std::span<const std::string> models, std::size_t kinds,
                                        double ratio_min) {
  return Planner(rows, models, kinds).Plan(ratio_min);
}

}  // namespace strata::route
