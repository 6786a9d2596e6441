#include "job/shadow_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/caught.h"
#include "base/json_text.h"
#include "base/log.h"
#include "gateway/access.h"
#include "gateway/collect_sink.h"
#include "gateway/constraints.h"
#include "job/judges.h"
#include "route/agreement.h"
#include "route/signals.h"

namespace strata::job {
namespace {

constexpr std::size_t kVersionsMax = 1000;  // whose labels are in memory
constexpr double kPicoUsd = 1e-12;

std::int64_t DayOf(WallTime time) { return ToUnixMicros(time) / 86'400'000'000; }

// What its rows call a candidate: as the learned router in force does, so that refits go on.
std::string NameOf(const route::PolicyRouter& router, std::size_t candidate) {
  if (auto number = router.learned_numbers()[candidate]; number >= 0) {
    return router.learned()->state().candidates[static_cast<std::size_t>(number)].name;
  }
  const auto& spec = router.definition().candidates[candidate];
  return spec.learned_as.empty() ? spec.model : spec.learned_as;
}

std::string OutcomeJson(const domain::Usage& usage, const domain::Price& price, double quality) {
  auto out =
      fmt::format(R"({{"quality":{:.4f},"input_tokens":{},"output_tokens":{},"tokens":"measured")",
                  quality, usage.PromptTokens(), usage.output_tokens);
  if (auto cost = domain::CostOf(usage, price)) {
    out += fmt::format(",\"cost\":{}", kPicoUsd * static_cast<double>(cost->picousd));
  }
  return out + "}";
}

std::string TextOf(const gateway::AnsweredRequest& answered) {
  RequestContext ctx;
  return route::Signals(answered.request, ctx).text();
}

}  // namespace

Task<Result<>> ShadowRows::Add(ShadowLabel label) {
  auto work = [&](store::Database& database) -> Result<> {
    STRATA_CHECK_OK(database.Run(
        "INSERT INTO shadow_labels(workspace, router, version, trace, created, picousd, quality, "
        "strong, row, subject) VALUES(?,?,?,?,?,?,?,?,?,?)",
        label.workspace.value, label.router, label.version, label.trace,
        ToUnixMicros(label.created), label.picousd, label.quality, label.strong, label.row,
        label.subject));
    return database.Run(
        "DELETE FROM shadow_labels WHERE workspace = ?1 AND router = ?2 AND sequence <= (SELECT "
        "sequence FROM shadow_labels WHERE workspace = ?1 AND router = ?2 ORDER BY sequence DESC "
        "LIMIT 1 OFFSET ?3)",
        label.workspace.value, label.router, static_cast<std::int64_t>(kOfARouterMax));
  };
  co_return co_await file_.Write(std::move(work));
}

Task<Result<std::string>> ShadowRows::Lines(std::string router, WorkspaceId workspace) {
  auto work = [&](store::Database& database) -> Result<std::string> {
    STRATA_TRY(auto row, database.Prepare("SELECT row FROM shadow_labels WHERE workspace = ? AND "
                                          "router = ? AND row <> '' ORDER BY sequence"));
    row.Bind(1, workspace.value).Bind(2, router);
    std::string out;
    while (true) {
      STRATA_TRY(bool more, row.Step());
      if (!more) return out;
      out += row.Text(0);
      out += '\n';
    }
  };
  co_return co_await file_.Read(std::move(work));
}

Task<Result<std::vector<ShadowLabel>>> ShadowRows::Latest(WallTime from) {
  auto work = [from](store::Database& database) -> Result<std::vector<ShadowLabel>> {
    STRATA_TRY(auto row,
               database.Prepare("SELECT workspace, router, version, created, picousd, quality, "
                                "strong, row <> '' FROM shadow_labels WHERE created >= ?1 OR "
                                "sequence > (SELECT coalesce(max(sequence), 0) - 1000 FROM "
                                "shadow_labels) ORDER BY sequence DESC"));
    row.Bind(1, ToUnixMicros(from));
    std::vector<ShadowLabel> out;
    while (true) {
      STRATA_TRY(bool more, row.Step());
      if (!more) return out;
      ShadowLabel label;
      label.workspace.value = row.Text(0);
      label.router = row.Text(1);
      label.version = row.Text(2);
      label.created = FromUnixMicros(row.Integer(3));
      label.picousd = row.Integer(4);
      label.quality = row.Real(5);
      label.strong = row.Real(6);
      if (row.Integer(7) != 0) label.row = "kept";
      out.push_back(std::move(label));
    }
  };
  co_return co_await file_.Read(std::move(work));
}

// What one call gave.
struct ShadowLabeler::Asked {
  bool whole = false;
  domain::ChatResponse answer;
  std::int64_t picousd = 0;
};

struct ShadowLabeler::Judged {
  std::optional<double> own, other;
  std::int64_t picousd = 0;
};

std::uint64_t ShadowLabeler::SeedOf(const Clock& clock) {
  return static_cast<std::uint64_t>(ToUnixMicros(clock.Wall()));
}

void ShadowLabeler::Start(AskerParts parts, net::Runtime& runtime) {
  parts_.emplace(std::move(parts));
  runtime_ = &runtime;
  runtime.Spawn(LoadPast(WaitGroup::Ticket(under_way_)));
}

void ShadowLabeler::Stop() {
  {
    std::lock_guard lock(mutex_);
    ready_ = false;
  }
  stop_.request_stop();
  under_way_.Wait();
}

Task<void> ShadowLabeler::LoadPast([[maybe_unused]] WaitGroup::Ticket ticket) {
  auto day = DayOf(clock_.Wall());
  auto past = co_await Caught("job.shadow_labels", rows_.Latest(WallTime{std::chrono::days(day)}));
  if (past.has_value()) {
    std::ranges::reverse(*past);  // oldest first
    for (const auto& label : *past) Settle(label, 0);
    std::lock_guard lock(mutex_);
    ready_ = !stop_.stop_requested();
  } else {
    Log(Level::kWarning, "job.shadow_labels_off", {{"reason", past.error().message()}});
  }
}

bool ShadowLabeler::Wants(const route::PolicyRouter& router, const route::Decision& decision,
                          const RequestContext& ctx) {
  const auto& spec = router.definition().labels;
  // Rows hold what was asked: where texts are not kept, neither are they.
  if (!spec || !ctx.span.keeps_texts() || decision.candidates.size() < 2) return false;
  std::lock_guard lock(mutex_);
  if (!ready_ || under_way_.count() >= kUnderWayMax || rng_.Unit() >= spec->share) return false;
  if (day_ != DayOf(clock_.Wall())) return true;
  auto at = spent_.find({ctx.workspace.value, decision.router});
  return at == spent_.end() || kPicoUsd * static_cast<double>(at->second) < spec->usd_per_day;
}

void ShadowLabeler::Take(gateway::AnsweredRequest answered) {
  answered.facts.header = nullptr;  // of a request that is over
  std::optional<WaitGroup::Ticket> ticket;
  {
    std::lock_guard lock(mutex_);
    if (!ready_ || under_way_.count() >= kUnderWayMax) return;
    ticket.emplace(under_way_);
  }
  runtime_->Spawn(LabelOne(std::move(*ticket),
                           std::make_shared<gateway::AnsweredRequest>(std::move(answered))));
}

// The strongest one where another has answered, else one of the others.
std::optional<std::size_t> ShadowLabeler::PickOther(const gateway::AnsweredRequest& answered) {
  const auto& decision = *answered.decision;
  if (answered.candidate != decision.strong) return decision.strong;
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < decision.candidates.size(); ++i) {
    const auto& view = decision.candidates[i];
    // Without a price the cap of a day cannot be kept.
    if (i != answered.candidate && view.left_out.empty() && view.cost) others.push_back(i);
  }
  if (others.empty()) return std::nullopt;
  std::lock_guard lock(mutex_);
  return others[rng_.Below(others.size())];
}

// Counts what asking is expected to cost as spent, and says it; nullopt when the day has no room
// for it. Two judgements are counted as dear as the strongest candidate's answer each.
std::optional<std::int64_t> ShadowLabeler::Reserve(const gateway::AnsweredRequest& answered,
                                                   std::size_t other, WallTime now) {
  const auto& spec = *answered.router->definition().labels;
  const auto& candidates = answered.decision->candidates;
  auto expected = candidates[other].cost;
  if (!spec.judge.empty()) {
    auto strong = candidates[answered.decision->strong].cost;
    expected = expected && strong ? std::optional(*expected + 2 * *strong) : std::nullopt;
  }
  if (!expected) return std::nullopt;
  std::lock_guard lock(mutex_);
  if (auto today = DayOf(now); today != day_) {
    day_ = today;
    spent_.clear();
  }
  auto& spent = spent_[{answered.facts.workspace.value, answered.decision->router}];
  if (kPicoUsd * static_cast<double>(spent) + *expected > spec.usd_per_day) return std::nullopt;
  auto reserved = static_cast<std::int64_t>(std::ceil(*expected / kPicoUsd));
  spent += reserved;
  return reserved;
}

// In place of what was `reserved` on the label's day.
void ShadowLabeler::Settle(const ShadowLabel& label, std::int64_t reserved) {
  std::lock_guard lock(mutex_);
  auto day = DayOf(label.created);
  if (day > day_) {
    day_ = day;
    spent_.clear();
  }
  if (day == day_) spent_[{label.workspace.value, label.router}] += label.picousd - reserved;
  if (label.row.empty()) return;
  if (recent_.size() >= kVersionsMax && !recent_.contains({label.workspace.value, label.version})) {
    recent_.erase(recent_.begin());
  }
  auto& recent = recent_[{label.workspace.value, label.version}];
  recent.emplace_back(label.quality, label.strong);
  if (recent.size() > kRecent) recent.pop_front();
}

Task<void> ShadowLabeler::LabelOne([[maybe_unused]] WaitGroup::Ticket ticket,
                                   std::shared_ptr<gateway::AnsweredRequest> answered) {
  const auto other = PickOther(*answered);
  const auto now = clock_.Wall();
  const auto reserved = other ? Reserve(*answered, *other, now) : std::nullopt;
  if (!reserved) co_return;
  auto label = co_await Caught("job.shadow_label", Label(*answered, *other, now));
  if (!label.has_value()) co_return;  // what it has cost is not known: it stays reserved
  Settle(*label, *reserved);
  auto kept = co_await rows_.Add(std::move(*label));
  if (!kept.has_value()) {
    Log(Level::kWarning, "job.shadow_label_lost", {{"reason", kept.error().message()}});
  }
}

Task<ShadowLabel> ShadowLabeler::Label(const gateway::AnsweredRequest& answered, std::size_t other,
                                       WallTime now) {
  const auto& decision = *answered.decision;
  ShadowLabel label{.workspace = answered.facts.workspace,
                    .router = decision.router,
                    .version = decision.version,
                    .trace = answered.facts.request_id.value,
                    .created = now,
                    .subject = answered.facts.subject,
                    .row = {}};
  auto request = answered.request;
  request.model = decision.candidates[other].model;
  request.stream = false;
  auto asked = co_await Ask(answered, std::move(request), "answer");
  label.picousd = asked.picousd;
  if (!asked.whole) co_return label;
  auto text = TextOf(answered);
  auto judged = co_await Judge(answered, asked.answer, other, text);
  label.picousd += judged.picousd;
  if (!judged.own || !judged.other) co_return label;
  label.quality = *judged.own;
  label.strong = other == decision.strong ? *judged.other : *judged.own;
  auto source = "traffic/" + decision.router;
  EvalRow row;
  row.id = fmt::format("{}/{}", source, label.trace);
  const auto& router = *answered.router;
  label.row = fmt::format(
      R"({{"id":{},"source":{},"domain":"","split":"{}","prompt":{},"outcomes":{{{}:{},{}:{}}}}})",
      JsonString(row.id), JsonString(source), SplitName(SplitOf(row)), JsonString(text),
      JsonString(NameOf(router, answered.candidate)),
      OutcomeJson(answered.answer.usage, decision.candidates[answered.candidate].price,
                  *judged.own),
      JsonString(NameOf(router, other)),
      OutcomeJson(asked.answer.usage, decision.candidates[other].price, *judged.other));
  co_return label;
}

// Through the pipeline of every request: guardrails, outbound check, journal, a trace of its own.
Task<ShadowLabeler::Asked> ShadowLabeler::Ask(const gateway::AnsweredRequest& answered,
                                              domain::ChatRequest request,
                                              std::string_view part) const {
  const auto& facts = answered.facts;
  auto settings = parts_->settings();
  gateway::RequestScope scope(parts_->trace_sinks, "job.shadow", "shadow", settings.timeout,
                              stop_.get_token(), settings.texts);
  auto& ctx = scope.ctx();
  ctx.workspace = facts.workspace;
  ctx.key = facts.key;
  Asked out;
  // The key as it is now: what was taken from it since is gone for this too.
  auto key = parts_->keys.snapshot()->FindId(facts.key);
  if (key && !key->ValidAt(ctx.clock->Wall())) co_return out;
  if (key) gateway::Access::Apply(*key, ctx);
  // The key named the router, and its owner the candidates.
  ctx.models_allowed.clear();
  if (!gateway::Narrow(gateway::Constraints::Of(facts), ctx).has_value()) co_return out;
  ctx.principals = facts.principals;
  ctx.urgency = Urgency::kBackground;
  ctx.tags = facts.tags;
  ctx.tags["shadow"] = answered.decision->version;
  ctx.tags["shadow_part"] = part;
  ctx.span.Set("of_trace", facts.request_id.value);
  request.user = facts.subject;
  gateway::CollectSink sink;
  co_await parts_->chat.Run(std::move(request), ctx, sink);
  out.whole = !sink.failure && sink.answer.ended();
  out.answer = sink.answer.Take();
  out.picousd = ctx.spent_picousd;
  co_return out;
}

Task<ShadowLabeler::Judged> ShadowLabeler::Judge(const gateway::AnsweredRequest& answered,
                                                 const domain::ChatResponse& other,
                                                 std::size_t other_candidate,
                                                 std::string text) const {
  Judged out;
  const auto& judge = answered.router->definition().labels->judge;
  if (judge.empty()) {
    // What the strongest says is taken for right; the other is as good when it says the same.
    auto a = route::ComparableOf(answered.answer);
    auto b = route::ComparableOf(other);
    if (a.form == route::AnswerForm::kNone || b.form == route::AnswerForm::kNone) co_return out;
    double same = route::Agree(a, b, parts_->embedder.get()) ? 1 : 0;
    bool other_is_strong = other_candidate == answered.decision->strong;
    out.own = other_is_strong ? same : 1;
    out.other = other_is_strong ? 1 : same;
    co_return out;
  }
  EvalRow row;
  row.id = answered.facts.request_id.value;
  row.messages.push_back({.role = EvalMessage::Role::kUser, .text = std::move(text)});
  for (auto* score : std::array{&out.own, &out.other}) {
    const auto& answer = score == &out.own ? answered.answer : other;
    auto request = JudgementRequest(row, domain::TextOf(answer.content), judge);
    auto asked = co_await Ask(answered, std::move(request), "judge");
    out.picousd += asked.picousd;
    if (!asked.whole) co_return out;
    auto grade = ReadJudgement(domain::TextOf(asked.answer.content));
    if (!grade) co_return out;
    *score = grade->score;
  }
  co_return out;
}

std::optional<ShadowQuality> ShadowLabeler::QualityOf(const WorkspaceId& workspace,
                                                      const std::string& version) const {
  std::vector<double> quality, strong;
  {
    std::lock_guard lock(mutex_);
    auto at = recent_.find({workspace.value, version});
    if (at == recent_.end() || at->second.size() < kJudgedMin) return std::nullopt;
    quality.reserve(at->second.size());
    strong.reserve(at->second.size());
    for (const auto& [own, best] : at->second) {
      quality.push_back(own);
      strong.push_back(best);
    }
  }
  return ShadowQuality{.labels = quality.size(), .ratio = learn::PairedRatio(quality, strong)};
}

double ShadowLabeler::SpentToday(const WorkspaceId& workspace, const std::string& router) const {
  std::lock_guard lock(mutex_);
  auto at = spent_.find({workspace.value, router});
  if (at == spent_.end() || day_ != DayOf(clock_.Wall())) return 0;
  return kPicoUsd * static_cast<double>(at->second);
}

}  // namespace strata::job
