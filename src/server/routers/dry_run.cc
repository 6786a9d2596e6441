#include "server/routers/dry_run.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>

#include "dialect/json_value.h"
#include "dialect/openai.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;

constexpr std::size_t kLinesMax = 100'000;

// Dollars; what is not known is counted and not added.
struct Sum {
  double usd = 0;
  std::int64_t unknown = 0;
  void Add(const std::optional<double>& cost) {
    if (cost) {
      usd += *cost;
    } else {
      ++unknown;
    }
  }
  json::object Json() const { return {{"usd", usd}, {"unknown", unknown}}; }
};

// The same tokens at another model's prices.
std::optional<double> CostAt(const domain::Price& price, const route::Signals& signals,
                             double output_tokens) {
  constexpr double kPicoUsd = 1e-12;
  if (!price.input || !price.output) return std::nullopt;
  return kPicoUsd * (static_cast<double>(signals.prompt_tokens() * *price.input) +
                     output_tokens * static_cast<double>(*price.output));
}

// Asking the cheap models, and the strong one when they do not settle it: at most.
std::optional<double> CostOf(const route::Decision& d) {
  auto cost = d.candidates[d.chosen].cost;
  for (const auto& asked : d.ask) {
    for (const auto& view : d.candidates) {
      if (view.model != asked) continue;
      cost = cost && view.cost ? std::optional(*cost + *view.cost) : std::nullopt;
    }
  }
  return cost;
}

class Report {
 public:
  explicit Report(const DryRun& run) : run_(run) {}

  void Add(const Sample& sample) {
    route::Signals signals(sample.request, run_.ctx, run_.spending,
                           "router/" + run_.router->name());
    json::object row;
    if (!sample.id.empty()) row["id"] = sample.id;
    auto plan = run_.router->Choose(*run_.models, signals);
    if (!plan.has_value()) {
      ++refused_;
      row["error"] = plan.error().message();
      rows_.push_back(std::move(row));
      return;
    }
    const auto& d = *plan->decision;
    auto cost = CostOf(d);
    row["model"] = d.model();
    row["decided_by"] = d.decided_by;
    row["reason"] = d.reason;
    if (cost) row["cost_usd"] = *cost;
    if (!d.ask.empty()) {
      row["ask"] = json::value_from(d.ask);
      row["check"] = d.check;
      if (!d.tie_break.empty()) row["tie_break"] = d.tie_break;
    }
    if (!d.advised.empty()) row["advised"] = d.advised;
    rows_.push_back(std::move(row));
    ++models_[d.ask.empty() ? d.model() : "cascade to " + d.model()];
    ++by_[d.decided_by];
    spent_.Add(cost);
    strong_.Add(d.candidates[d.strong].cost);
    cheap_.Add(d.cheap ? d.candidates[*d.cheap].cost : std::nullopt);
    if (!d.ask.empty()) ++cascades_;
    AddNow(sample, signals, d.candidates[d.chosen].output_tokens);
  }

  std::string Take() {
    json::object totals{{"requests", rows_.size()},        {"refused", refused_},
                        {"cascades", cascades_},           {"router", spent_.Json()},
                        {"always_strong", strong_.Json()}, {"always_cheap", cheap_.Json()}};
    if (named_ > 0) totals["now"] = now_.Json();
    if (named_ > 0) totals["requests_with_model"] = named_;
    totals["models"] = json::value_from(models_);
    totals["decided_by"] = json::value_from(by_);
    return json::serialize(json::object{{"version", run_.router->version()},
                                        {"totals", std::move(totals)},
                                        {"requests", std::move(rows_)}});
  }

 private:
  void AddNow(const Sample& sample, const route::Signals& signals, double output_tokens) {
    if (sample.request.model.empty()) return;
    ++named_;
    auto now = run_.models->Chat(sample.request.model);
    now_.Add(now.has_value() ? CostAt((*now)->Info().price, signals, output_tokens) : std::nullopt);
  }

  const DryRun& run_;
  json::array rows_;
  Sum spent_, strong_, cheap_, now_;
  std::int64_t refused_ = 0, cascades_ = 0, named_ = 0;
  std::map<std::string, std::int64_t> models_, by_;
};

}  // namespace

Result<Sample> DecodeSample(std::string_view line) {
  STRATA_TRY(auto parsed, dialect::ParseJson(line));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  Sample sample;
  sample.id = top.TextAt("id");
  auto messages = top.Get("messages");
  auto named_model = top.Get("model");
  if (messages.present()) {
    auto copy = parsed;
    // Logs of requests hold more than a request; its reader refuses what it does not know.
    auto* members = std::get_if<dialect::JsonValue::Object>(&copy.data);
    std::erase_if(*members, [](const auto& m) { return m.key == "id"; });
    bool named = named_model.present();
    if (!named)
      members->push_back({"model", dialect::JsonValue(dialect::JsonValue::Data(std::string("-")))});
    STRATA_TRY(auto chat, dialect::openai::DecodeChatRequest(copy.Dump()));
    sample.request = std::move(chat.chat);
    if (!named) sample.request.model.clear();
    return sample;
  }
  auto prompt = top.Get("prompt");
  auto question = top.Get("question");
  STRATA_TRY(auto text, prompt.present() ? prompt.NonEmptyString() : question.NonEmptyString());
  sample.request.model = top.TextAt("model");
  sample.request.messages.push_back({.role = domain::Role::kUser, .content = {}});
  sample.request.messages.back().content.push_back(
      domain::TextBlock{.text = std::move(text), .citations = {}});
  return sample;
}

Result<std::string> DryRun::Of(std::string_view lines) const {
  Report report(*this);
  std::size_t number = 0;
  while (!lines.empty()) {
    auto end = lines.find('\n');
    auto line = lines.substr(0, end);
    lines.remove_prefix(end == lines.npos ? lines.size() : end + 1);
    ++number;
    if (number > kLinesMax) {
      return Fail(Code::kTooLarge, fmt::format("more than {} requests", kLinesMax));
    }
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    auto sample = DecodeSample(line);
    if (!sample.has_value()) {
      return Fail(std::move(sample.error()).Because(fmt::format("line {}", number)));
    }
    report.Add(*sample);
  }
  return report.Take();
}

}  // namespace strata::server
