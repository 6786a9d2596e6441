#include "gateway/routed_models.h"

#include <fmt/format.h>

#include "base/format_message.h"
#include "base/options.h"
#include "dialect/responses_wire.h"
#include "gateway/headroom.h"
#include "gateway/routing/plan_run.h"
#include "gateway/routing/session_table.h"

namespace strata::gateway {
namespace {

using provider::ChatStream;

class RoutedModel final : public provider::ChatModel {
 public:
  RoutedModel(const RoutedParts& parts, std::shared_ptr<SessionTable> sessions, std::string name)
      : parts_(parts), sessions_(std::move(sessions)), name_(std::move(name)) {
    info_.id = fmt::format("{}/{}", route::kRouterProvider, name_);
    info_.provider = route::kRouterProvider;
    // What its candidates can is looked at when a request comes.
    info_.can = {.chat = true,
                 .tools = true,
                 .images = true,
                 .documents = true,
                 .json_schema = true,
                 .reasoning = true};
  }

  Task<Result<std::unique_ptr<ChatStream>>> Start(domain::ChatRequest&& request,
                                                  RequestContext& ctx) override {
    if (!ctx.role.empty()) {
      co_return Fail(InvalidArgument(
          "model", FormatMessage("router/{} is asked by a candidate of a router", Own(name_))));
    }
    STRATA_CO_TRY(auto assigned, parts_.book.Assign(name_, ctx));
    STRATA_CO_CHECK_OK(domain::DecodeWhole(request));
    // Bedrock's answers say in their body which model a router asked.
    if (ctx.dialect == "bedrock") request.wire.reset();
    SessionNote note;
    auto record = parts_.memory.Of(ctx.workspace, *assigned.router);
    STRATA_CO_TRY(auto plan, Choose(assigned, *record, request, ctx, note));
    std::optional<AnsweredRequest> sample;
    if (parts_.taker != nullptr && request.choices == 1 &&
        !dialect::responses::OnlyAsWire(request) &&
        parts_.taker->Wants(*assigned.router, *plan.decision, ctx)) {
      sample = AnsweredRequest{.router = std::move(assigned.router),
                               .decision = plan.decision,
                               .candidate = plan.decision->chosen,
                               .facts = {},
                               .request = request,
                               .answer = {}};
      sample->request.wire.reset();
      sample->request.refusal.reset();
    }
    auto guardrails = parts_.guardrails ? parts_.guardrails() : nullptr;
    if (guardrails && !guardrails->Judges(guard::Side::kOutput)) guardrails = nullptr;
    PlanTools tools{.embedder = parts_.embedder,
                    .guardrails = std::move(guardrails),
                    .hooks = parts_.hooks ? parts_.hooks() : nullptr,
                    .client = parts_.client,
                    .pool = parts_.pool};
    PlanRun run(std::move(plan), std::move(tools), std::move(note), std::move(record), ctx);
    STRATA_CO_TRY(auto stream, co_await run.Start(std::move(request)));
    if (sample) sample->candidate = WhoAnswered(*sample->decision, ctx);
    if (sample) stream = TappedStream(std::move(stream), *parts_.taker, std::move(*sample), ctx);
    co_return std::move(stream);
  }

  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request,
                                         RequestContext& ctx) override {
    STRATA_CO_TRY(auto assigned, parts_.book.Assign(name_, ctx));
    STRATA_CO_CHECK_OK(domain::DecodeWhole(request));
    route::Signals signals(request, ctx, parts_.spending, IdOf(*assigned.router));
    auto models = parts_.registry.Snapshot();
    STRATA_CO_TRY(auto plan, assigned.router->Choose(*models, signals));
    co_return co_await plan.model->CountTokens(std::move(request), ctx);
  }

  const domain::ModelInfo& Info() const override { return info_; }

 private:
  // Without a version, as what was spent is of all of them. An ARN's name is not the router's.
  static std::string IdOf(const route::PolicyRouter& router) {
    return fmt::format("{}/{}", route::kRouterProvider, router.name());
  }

  // Candidates may be named by an alias, answers are by models.
  std::size_t WhoAnswered(const route::Decision& decision, const RequestContext& ctx) const {
    for (std::size_t i = 0; i < decision.candidates.size(); ++i) {
      auto model = parts_.registry.Chat(decision.candidates[i].model);
      if (model.has_value() && (*model)->Info().id == ctx.answered_by) return i;
    }
    return decision.chosen;
  }

  Result<route::Plan> Choose(const RouterAssignment& assigned, RouterRecord& record,
                             const domain::ChatRequest& request, RequestContext& ctx,
                             SessionNote& note) const {
    const auto& router = *assigned.router;
    auto span = ctx.span.Child("route.decide");
    span.Set("router", router.version());
    if (!assigned.test.empty()) {
      span.Set("ab_test", assigned.test);
      span.Set("ab_arm", assigned.arm);
      span.Set("ab_unit", assigned.unit);
    }
    ctx.decided_by.router = router.version();
    route::Signals signals(request, ctx, parts_.spending, IdOf(router));
    std::optional<route::SessionMemory> memory;
    if (router.definition().sessions) {
      note.table = sessions_;
      note.key = route::ConversationKey(request, ctx);
      if (signals.conversation()) memory = sessions_->Find(note.key, ctx.clock->Steady());
    }
    auto models = parts_.registry.Snapshot();
    route::Capacity capacity{.prices = record.prices(),
                             .learns = &record.prices(),
                             .headroom = HeadroomOf,
                             .latencies = parts_.latencies};
    auto plan = router.Choose(*models, signals, memory ? &*memory : nullptr, &capacity);
    if (!plan.has_value()) {
      span.Fail(plan.error());
      return plan;
    }
    const auto& decision = *plan->decision;
    ctx.tags.emplace("task", signals.kind());  // of the caller's own meaning, if there is one
    record.Note(decision);
    note.model = decision.model();
    ctx.route = plan->reason;
    span.Set("model", decision.model());
    span.Set("decided_by", decision.decided_by);
    span.Set("reason", decision.reason);
    if (!decision.advised.empty()) span.Set("advised", decision.advised);
    if (span.recording()) span.Set("decision", route::DecisionJson(decision));
    ctx.span.Set("router", router.version());
    return plan;
  }

  const RoutedParts parts_;
  const std::shared_ptr<SessionTable> sessions_;
  const std::string name_;
  domain::ModelInfo info_;
};

class RouterSource final : public provider::ModelSource {
 public:
  explicit RouterSource(const RoutedParts& parts) : parts_(parts) {}

  const std::string& name() const override { return name_; }
  Result<std::shared_ptr<provider::ChatModel>> Chat(std::string_view rest) override {
    if (parts_.book.Has(rest)) {
      return std::make_shared<RoutedModel>(parts_, sessions_, std::string(rest));
    }
    auto names = parts_.book.Names();
    std::vector<std::string_view> known(names.begin(), names.end());
    auto nearest = NearestName(rest.substr(0, 128), known);
    auto message = FormatMessage("router '{}' does not exist", rest.substr(0, 128));
    if (!nearest.empty()) {
      message = FormatMessage("{}; the nearest known is 'router/{}'", message, Own(nearest));
    }
    return Fail(Error(Code::kNotFound, std::move(message)).AtField("model"));
  }
  Result<std::shared_ptr<provider::Embedder>> Embed(std::string_view) override {
    return Fail(Code::kUnsupported, "a router is no embedding model");
  }
  std::vector<provider::ListedModel> Models() const override {
    std::vector<provider::ListedModel> out;
    for (auto& name : parts_.book.Names()) {
      out.push_back({RoutedModel(parts_, sessions_, std::move(name)).Info(), {}, ""});
    }
    return out;
  }
  bool Has(std::string_view) const override { return false; }  // never by the bare name
  provider::ProviderStatus Status() const override {
    provider::ProviderStatus status;
    status.name = name_;
    status.kind = route::kRouterProvider;
    status.derived = true;
    status.models = parts_.book.Names().size();
    return status;
  }

 private:
  const RoutedParts parts_;
  const std::shared_ptr<SessionTable> sessions_ = std::make_shared<SessionTable>();
  const std::string name_{route::kRouterProvider};
};

}  // namespace

std::shared_ptr<provider::ModelSource> MakeRouterSource(const RoutedParts& parts) {
  return std::make_shared<RouterSource>(parts);
}

}  // namespace strata::gateway
