#include "route/chooser.h"

#include <fmt/format.h>

#include <algorithm>

#include "guard/outbound.h"

namespace strata::route {
namespace {

constexpr double kOutputTokensAssumed = 256;  // of an answer that nothing is known about
constexpr double kPicoUsd = 1e-12;
constexpr std::size_t kNearestShown = 3;

// Dollars of a prompt of which `cached` tokens are in the model's cache; nullopt: unknown prices.
std::optional<double> CostOf(const domain::Price& price, double prompt_tokens, double cached,
                             double output_tokens) {
  if (!price.input || !price.output) return std::nullopt;
  auto input = static_cast<double>(*price.input);
  auto reread = price.cache_read ? static_cast<double>(*price.cache_read) : input;
  return kPicoUsd * ((prompt_tokens - cached) * input + cached * reread +
                     output_tokens * static_cast<double>(*price.output));
}

}  // namespace

std::string LacksFor(const domain::ModelInfo& model, const Signals& signals) {
  const auto& needs = signals.needs();
  const auto& can = model.can;
  if (!can.chat) return "cannot chat";
  if (needs.tools && !can.tools) return "cannot call tools";
  if (needs.image && !can.images) return "cannot see images";
  if (needs.document && !can.documents) return "cannot read documents";
  if (needs.schema && !can.json_schema) return "cannot keep to a JSON schema";
  if (needs.reasoning && !can.reasoning) return "cannot be asked to reason";
  auto tokens = signals.prompt_tokens() + signals.max_tokens().value_or(0);
  if (model.context_tokens > 0 && tokens > model.context_tokens) {
    return fmt::format("holds {} tokens, the request needs about {}", model.context_tokens, tokens);
  }
  return {};
}

Chooser::Chooser(const PolicyRouter& router, const provider::RegistrySnapshot& models,
                 const Signals& signals, const SessionMemory* session, const Capacity* capacity)
    : router_(router),
      definition_(router.definition()),
      models_(models),
      signals_(signals),
      session_(session),
      capacity_(capacity),
      decision_(std::make_shared<Decision>()) {}

Result<Plan> Chooser::Run() {
  decision_->router = router_.name();
  decision_->version = router_.version();
  FindModels();
  Predict();
  EstimateCosts();
  ApplyLimits();
  auto fixed = ApplyRules();
  auto serves = [](const CandidateView& view) { return view.left_out.empty(); };
  if (std::ranges::none_of(views(), serves)) return Fail(NoneCanServe());
  if (!fixed) PriceQuotas();
  auto wanted = fixed ? std::move(*fixed) : DecideWithPrices();
  if (!fixed) {
    if (auto stay = StayInSession(wanted)) wanted = std::move(*stay);
  }
  Plan plan;
  plan.model = found_[wanted.candidate];
  if (!fixed) PlanCascade(wanted, plan);
  if (auto fallback = Find(definition_.fallback);
      fallback && TakesPart(*fallback) && *fallback != wanted.candidate) {
    plan.fallback = found_[*fallback];
  }
  decision_->guardrails = signals_.ctx().decided_by.guardrail;
  decision_->spent = signals_.spent();
  decision_->chosen = wanted.candidate;
  decision_->decided_by = std::move(wanted.decided_by);
  decision_->reason = std::move(wanted.reason);
  NoteComparison();
  plan.reason =
      fmt::format("{} {}: {}", decision_->version, decision_->decided_by, decision_->reason);
  plan.decision = std::move(decision_);
  return plan;
}

void Chooser::FindModels() {
  left_out_as_.assign(definition_.candidates.size(), Code::kNotFound);
  for (const auto& spec : definition_.candidates) FindModel(spec.model);
}

void Chooser::FindModel(const std::string& name) {
  const auto at = found_.size();
  auto& view = decision_->candidates.emplace_back();
  view.model = name;
  found_.push_back(nullptr);
  auto model = models_.Chat(name);
  if (!model.has_value()) return LeaveOut(at, model.error().code(), model.error().message());
  const auto& info = (*model)->Info();
  if (info.provider == kRouterProvider) {
    return LeaveOut(at, Code::kNotFound, "stands for a router");
  }
  view.price = info.price;
  if (auto lacks = LacksFor(info, signals_); !lacks.empty()) {
    LeaveOut(at, Code::kInvalidArgument, std::move(lacks));
  } else if (auto allowed = guard::CheckOutbound(info, signals_.ctx()); !allowed.has_value()) {
    LeaveOut(at, Code::kPermissionDenied, allowed.error().message());
  }
  found_[at] = std::move(*model);
}

void Chooser::LeaveOut(std::size_t candidate, Code code, std::string why) {
  if (!TakesPart(candidate)) return;
  decision_->candidates[candidate].left_out = std::move(why);
  left_out_as_[candidate] = code;
}

std::optional<Chooser::Wanted> Chooser::ApplyRules() {
  for (const auto& rule : definition_.rules) {
    if (!Holds(rule.when, signals_)) continue;
    if (rule.action == Rule::Action::kExclude) {
      for (const auto& model : rule.models) {
        LeaveOut(*Find(model), Code::kPermissionDenied,
                 fmt::format("rule '{}' excludes it", rule.name));
      }
      continue;
    }
    auto first = FirstThatServes(rule.models);
    if (!first) continue;
    if (rule.action == Rule::Action::kUse) {
      return Wanted{*first, "rule", fmt::format("'{}' says {}", rule.name, views()[*first].model)};
    }
    if (!preferred_) {
      preferred_ = first;
      preferred_by_ = rule.name;
    }
  }
  return std::nullopt;
}

void Chooser::Predict() {
  if (router_.learned() == nullptr) return;
  prediction_ = router_.learned()->Predict(signals_.text());
  decision_->unfamiliar = prediction_->unfamiliar;
  const auto& references = router_.learned()->state().references;
  for (const auto& n : prediction_->nearest) {
    if (decision_->nearest.size() == kNearestShown) break;
    decision_->nearest.push_back({references[n.row].id, n.similarity});
  }
  for (std::size_t i = 0; i < views().size(); ++i) {
    int number = router_.learned_numbers()[i];
    if (number < 0) continue;
    const auto& p = prediction_->candidates[static_cast<std::size_t>(number)];
    auto& view = decision_->candidates[i];
    view.quality = p.quality;
    view.low = p.low;
    view.high = p.high;
    view.output_tokens = p.output_tokens;
  }
}

void Chooser::EstimateCosts() {
  for (std::size_t i = 0; i < views().size(); ++i) {
    auto& view = decision_->candidates[i];
    if (view.output_tokens == 0) view.output_tokens = kOutputTokensAssumed;
    if (auto most = signals_.max_tokens()) {
      view.output_tokens = std::min(view.output_tokens, static_cast<double>(*most));
    }
    view.cost =
        CostOf(view.price, static_cast<double>(signals_.prompt_tokens()), 0, view.output_tokens);
    if (capacity_ == nullptr || capacity_->latencies == nullptr || !found_[i]) continue;
    view.seconds = capacity_->latencies->Seconds(found_[i]->Info().id, view.output_tokens);
  }
}

void Chooser::ApplyLimits() {
  const auto& limits = definition_.limits;
  if (!limits.usd && !limits.seconds) return;
  for (std::size_t i = 0; i < views().size(); ++i) {
    const auto& view = views()[i];
    if (limits.usd && view.cost && *view.cost > *limits.usd) {
      LeaveOut(i, Code::kInvalidArgument,
               fmt::format("is expected to cost {:.6f} USD, the limit is {:.6f}", *view.cost,
                           *limits.usd));
    } else if (limits.seconds && view.seconds && *view.seconds > *limits.seconds) {
      LeaveOut(i, Code::kInvalidArgument,
               fmt::format("is expected to take {:.1f} s, the limit is {:.1f}", *view.seconds,
                           *limits.seconds));
    }
  }
}

double Chooser::Worth(std::size_t candidate) const {
  const auto& view = views()[candidate];
  const auto& weights = definition_.weights;
  return *view.quality - weights.per_usd * view.cost.value_or(0) -
         weights.per_second * view.seconds.value_or(0);
}

void Chooser::PriceQuotas() {
  prices_.assign(views().size(), 0);
  if (capacity_ == nullptr) return;
  for (std::size_t i = 0; i < views().size(); ++i) {
    if (!TakesPart(i)) continue;
    auto left = capacity_->headroom(*found_[i]);
    if (!left.known()) continue;
    auto& view = decision_->candidates[i];
    if (left.quota_left >= 0) view.quota_left = left.quota_left;
    if (left.queue > 0) view.queue = left.queue;
    auto tokens = static_cast<double>(signals_.prompt_tokens()) + view.output_tokens;
    prices_[i] = capacity_->prices.PerToken(i, left.Used()) * tokens;
    view.quota_price = prices_[i];
  }
}

Chooser::Wanted Chooser::DecideWithPrices() {
  const bool free = std::ranges::all_of(prices_, [](double price) { return price == 0; });
  std::size_t without = 0;
  if (!free) {
    std::vector<double> none(prices_.size(), 0);
    std::swap(none, prices_);
    without = Decide().candidate;
    std::swap(none, prices_);
  }
  auto wanted = Decide();
  if (!free && without != wanted.candidate) {
    const auto& view = views()[without];
    decision_->instead_of = view.model;
    wanted.reason += fmt::format(
        "; in place of {}, whose {}", view.model,
        view.quota_left ? fmt::format("quota is short ({:.0f} % left)", 100 * *view.quota_left)
                        : std::string("queue is long"));
  }
  if (capacity_ != nullptr && capacity_->learns != nullptr) LearnPrices(wanted);
  return wanted;
}

std::optional<double> Chooser::ValueOf(std::size_t candidate) const {
  const auto& view = views()[candidate];
  if (!TakesPart(candidate)) return std::nullopt;
  if (definition_.objective == Objective::kQuality) {
    return view.quality ? std::optional(Worth(candidate)) : std::nullopt;
  }
  if (!view.cost) return std::nullopt;
  // Only what is certified as good enough stands for another.
  bool fits = definition_.objective == Objective::kCheapest ||
              (router_.learned_numbers()[candidate] >= 0 && GoodEnough(candidate));
  return fits ? std::optional(-*view.cost) : std::nullopt;
}

void Chooser::LearnPrices(const Wanted& wanted) const {
  if (wanted.decided_by == "learned") {
    const auto& kind = router_.learned()->state().kinds[prediction_->kind];
    bool certified = kind.certificates[SettingFor(definition_.tolerance)].certified;
    if (!Familiar() || (definition_.objective == Objective::kCost && !certified)) return;
  } else if (wanted.decided_by != "cheapest") {
    return;
  }
  std::vector<std::optional<double>> values;
  values.reserve(views().size());
  for (std::size_t i = 0; i < views().size(); ++i) values.push_back(ValueOf(i));
  for (std::size_t i = 0; i < views().size(); ++i) {
    if (!views()[i].quota_price || !values[i]) continue;
    std::optional<double> other;
    for (std::size_t j = 0; j < values.size(); ++j) {
      if (j == i || !values[j]) continue;
      other = std::max(other.value_or(*values[j] - prices_[j]), *values[j] - prices_[j]);
    }
    auto tokens = static_cast<double>(signals_.prompt_tokens()) + views()[i].output_tokens;
    if (other && tokens > 0) capacity_->learns->Learn(i, (*values[i] - *other) / tokens);
  }
}

bool Chooser::Familiar() const { return prediction_ && prediction_->unfamiliar < kUnfamiliar; }

Chooser::Wanted Chooser::Decide() {
  auto learned = ByPrediction();
  bool active = definition_.learned == LearnedMode::kActive;
  if (learned && !active) {
    decision_->advised = views()[learned->candidate].model;
    decision_->advised_reason = learned->reason;
  }
  if (preferred_ && (!active || GoodEnough(*preferred_))) {
    return {*preferred_, "rule",
            fmt::format("'{}' prefers {}", preferred_by_, views()[*preferred_].model)};
  }
  if (definition_.objective == Objective::kCheapest) {
    if (auto cheapest = ByPrice()) return std::move(*cheapest);
  }
  if (learned && active) return std::move(*learned);
  return Fallback(learned ? "the learned router is in shadow" : "no rule decides");
}

// What the learned router would do; nullopt without one.
std::optional<Chooser::Wanted> Chooser::ByPrediction() const {
  if (!prediction_) return std::nullopt;
  const auto& learned = *router_.learned();
  auto tolerance = SettingFor(definition_.tolerance);
  if (!Familiar()) return Fallback(learned.Explain(*prediction_, tolerance));
  std::vector<std::uint8_t> allowed(learned.state().candidates.size(), 0);
  std::vector<double> costs;
  for (const auto& p : prediction_->candidates) costs.push_back(p.cost);
  const bool dollars = definition_.objective != Objective::kQuality;
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < views().size(); ++i) {
    int number = router_.learned_numbers()[i];
    if (number < 0 || !TakesPart(i)) continue;
    allowed[static_cast<std::size_t>(number)] = 1;
    if (views()[i].cost) costs[static_cast<std::size_t>(number)] = *views()[i].cost;
    costs[static_cast<std::size_t>(number)] += dollars ? prices_[i] : 0;
    auto worth = [&](std::size_t c) {
      return dollars ? *views()[c].quality : Worth(c) - prices_[c];
    };
    if (!best || worth(i) > worth(*best)) best = i;
  }
  if (!best) return Fallback("no candidate that the learned router knows can serve");
  auto about = [&](std::size_t i) {
    const auto& v = views()[i];
    return fmt::format("{} expected {:.2f} ({:.2f} to {:.2f})", v.model, *v.quality, *v.low,
                       *v.high);
  };
  if (definition_.objective == Objective::kQuality) {
    const bool weighed = definition_.weights.per_usd > 0 || definition_.weights.per_second > 0;
    return Wanted{*best, "learned",
                  about(*best) + (weighed ? fmt::format(", the best less what it costs and takes "
                                                        "({:.3f})",
                                                        Worth(*best))
                                          : std::string(", the best"))};
  }
  auto number = learned.Decide(*prediction_, tolerance, allowed, costs);
  auto choice = OfLearned(number);
  if (!choice || !TakesPart(*choice)) {
    return Wanted{*best, "learned", about(*best) + ", the best of those that can serve"};
  }
  const auto& kind = learned.state().kinds[prediction_->kind];
  if (!kind.certificates[tolerance].certified) {
    return Wanted{*choice, "learned", learned.Explain(*prediction_, tolerance)};
  }
  return Wanted{*choice, "learned",
                fmt::format("{}, within {:.0f} % of {} for requests like {}", about(*choice),
                            100 * kTolerances[tolerance],
                            learned.state().candidates[kind.strong].name, kind.name)};
}

Chooser::Wanted Chooser::Fallback(std::string why) const {
  auto wanted = Find(definition_.fallback);
  if (wanted && TakesPart(*wanted)) return {*wanted, "fallback", std::move(why)};
  // The strongest that can serve: they are listed in that order.
  for (std::size_t i = 0; i < views().size(); ++i) {
    if (TakesPart(i)) {
      return {i, "fallback", fmt::format("{}; {} cannot serve", why, definition_.fallback)};
    }
  }
  return {*wanted, "fallback", std::move(why)};
}

// With `prices` of quotas, one a candidate or none.
std::optional<std::size_t> Chooser::Cheapest(std::span<const double> prices) const {
  std::optional<std::size_t> cheapest;
  auto cost = [&](std::size_t i) { return *views()[i].cost + (prices.empty() ? 0 : prices[i]); };
  for (std::size_t i = 0; i < views().size(); ++i) {
    if (!TakesPart(i) || !views()[i].cost) continue;
    if (!cheapest || cost(i) < cost(*cheapest)) cheapest = i;
  }
  return cheapest;
}

std::optional<Chooser::Wanted> Chooser::ByPrice() const {
  auto cheapest = Cheapest(prices_);
  if (!cheapest) return std::nullopt;
  return Wanted{*cheapest, "cheapest", "the cheapest that can serve"};
}

// Whether nothing is known against a model that a rule prefers.
bool Chooser::GoodEnough(std::size_t candidate) const {
  int number = router_.learned() == nullptr ? -1 : router_.learned_numbers()[candidate];
  auto tolerance = SettingFor(definition_.tolerance);
  if (number < 0 || !Familiar()) return true;
  const auto& learned = *router_.learned();
  const auto& kind = learned.state().kinds[prediction_->kind];
  if (!kind.certificates[tolerance].certified) return true;
  auto own = static_cast<std::size_t>(number);
  std::vector<std::uint8_t> allowed(learned.state().candidates.size(), 0);
  std::vector<double> costs(allowed.size(), 1);
  allowed[own] = 1;
  costs[own] = 0;
  return learned.Decide(*prediction_, tolerance, allowed, costs) == own;
}

// A conversation moves up when quality asks for it, and down or aside only when the answer costs
// less there with the whole conversation read anew than here with what is cached.
std::optional<Chooser::Wanted> Chooser::StayInSession(const Wanted& wanted) const {
  if (session_ == nullptr || !definition_.sessions) return std::nullopt;
  auto here = Find(session_->model);
  if (!here || !TakesPart(*here) || *here == wanted.candidate) return std::nullopt;
  const auto& stay = views()[*here];
  const auto& go = views()[wanted.candidate];
  if (stay.cost && go.cost && *go.cost > *stay.cost) return std::nullopt;
  // Without prices the order of the candidates says which is the stronger one.
  if (!(stay.cost && go.cost) && wanted.candidate < *here) return std::nullopt;
  auto prompt = static_cast<double>(signals_.prompt_tokens());
  auto cached = std::min(prompt, static_cast<double>(session_->tokens));
  auto staying = CostOf(stay.price, prompt, cached, stay.output_tokens);
  if (staying && go.cost && *go.cost < *staying) return std::nullopt;
  return Wanted{*here, "session",
                fmt::format("the conversation stays: about {} tokens of it are cached here and "
                            "{} would read them anew",
                            static_cast<std::int64_t>(cached), go.model)};
}

void Chooser::PlanCascade(const Wanted& wanted, Plan& plan) const {
  if (!definition_.cascade) return;
  const auto& cascade = *definition_.cascade;
  auto escalate = Find(cascade.escalate);
  // Only in place of the model that it would escalate to: a cheaper choice needs no evidence.
  if (*escalate != wanted.candidate || !Holds(cascade.when, signals_)) return;
  if (cascade.check == Check::kSchema && !signals_.needs().schema) return;
  if (signals_.several_answers()) return;  // which of them would be compared?
  const bool active = prediction_ && definition_.learned == LearnedMode::kActive;
  if (active && router_.learned()->SkipsCheapStep(*prediction_)) return;
  std::vector<std::shared_ptr<provider::ChatModel>> first;
  for (const auto& model : cascade.ask) {
    auto at = *Find(model);
    if (!TakesPart(at)) return;
    first.push_back(found_[at]);
  }
  plan.first = std::move(first);
  plan.check = cascade.check;
  plan.confidence = cascade.confidence;
  plan.supported = cascade.supported;
  plan.sql = cascade.sql;
  plan.hook = cascade.hook;
  decision_->ask = cascade.ask;
  decision_->check = NameOf(cascade.check);
  if (!cascade.hook.empty()) decision_->check += " " + cascade.hook;
  if (cascade.tie_break.empty()) return;
  auto third = *Find(cascade.tie_break);
  if (!TakesPart(third)) return;
  plan.tie_break = found_[third];
  decision_->tie_break = cascade.tie_break;
}

void Chooser::NoteComparison() {
  auto fallback = Fallback({});
  decision_->strong = fallback.candidate;
  decision_->cheap = Cheapest({});
}

std::optional<std::size_t> Chooser::Find(std::string_view model) const {
  auto at = std::ranges::find(views(), model, &CandidateView::model);
  if (at == views().end()) return std::nullopt;
  return static_cast<std::size_t>(at - views().begin());
}

std::optional<std::size_t> Chooser::FirstThatServes(const std::vector<std::string>& models) const {
  std::optional<std::size_t> first;
  for (const auto& model : models) {
    auto at = Find(model);
    if (!at || !TakesPart(*at)) continue;
    if (models.size() == 1 || !UsedUp(*at)) return at;
    if (!first) first = at;
  }
  return first;
}

bool Chooser::UsedUp(std::size_t candidate) const {
  if (capacity_ == nullptr) return false;
  auto left = capacity_->headroom(*found_[candidate]);
  return left.known() && left.quota_left == 0;
}

std::optional<std::size_t> Chooser::OfLearned(std::uint32_t number) const {
  const auto& numbers = router_.learned_numbers();
  auto at = std::ranges::find(numbers, static_cast<int>(number));
  if (at == numbers.end()) return std::nullopt;
  return static_cast<std::size_t>(at - numbers.begin());
}

Error Chooser::NoneCanServe() const {
  std::string why;
  for (const auto& view : views()) {
    why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", view.model, view.left_out);
  }
  auto message =
      fmt::format("no candidate of router/{} can serve this request ({})", router_.name(), why);
  if (auto nearest = NearestThatCould(); !nearest.empty()) {
    message += fmt::format("; the nearest that could is '{}'", nearest);
  }
  // Names of the router's definition, and what we say of them.
  return Error(FailureCode(), Message::Ours(std::move(message))).AtField("model");
}

// Of the candidates' reasons the one that says what helps: to ask again, to ask for less or for
// something else, to ask somebody who may, or none of these.
Code Chooser::FailureCode() const {
  for (auto code : {Code::kUnavailable, Code::kInvalidArgument, Code::kPermissionDenied}) {
    if (std::ranges::find(left_out_as_, code) != left_out_as_.end()) return code;
  }
  return Code::kNotFound;
}

// Of the candidates that only a rule left out, then of all known models: of the fallback's family,
// of its provider, any.
std::string Chooser::NearestThatCould() const {
  const domain::ModelInfo* like = nullptr;
  for (std::size_t i = 0; i < found_.size(); ++i) {
    if (!found_[i]) continue;
    const auto& info = found_[i]->Info();
    if (like == nullptr || views()[i].model == definition_.fallback) like = &info;
    if (LacksFor(info, signals_).empty() && guard::CheckOutbound(info, signals_.ctx())) {
      return views()[i].model;
    }
  }
  std::string best;
  int closest = -1;
  for (const auto& listed : models_.List()) {
    const auto& info = listed.info;
    if (info.provider == kRouterProvider || info.provider == "kb" || !listed.alias_of.empty()) {
      continue;
    }
    if (!LacksFor(info, signals_).empty() || !guard::CheckOutbound(info, signals_.ctx())) continue;
    int close = 0;
    if (like != nullptr) {
      close = (info.family == like->family && !info.family.empty() ? 2 : 0) +
              (info.provider == like->provider ? 1 : 0);
    }
    if (close > closest) {
      closest = close;
      best = info.id;
    }
  }
  return best;
}

}  // namespace strata::route
