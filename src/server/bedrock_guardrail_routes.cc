// ApplyGuardrail: one guardrail of the configuration, asked without a model.

#include "base/utf8.h"
#include "server/answer_sinks.h"
#include "server/guardrail_call.h"
#include "server/routes.h"

namespace strata::server {
namespace {

using Guardrails = std::shared_ptr<const guard::Guardrails>;

// null: of that name or version there is none.
Guardrails Named(const Services& services, const Exchange& exchange,
                 std::shared_ptr<guard::Assessment> found) {
  const auto configured = services.live.Now()->guardrails;
  if (!configured || !IsGuardrailVersion(exchange.params.at(1))) return nullptr;
  return configured->Only(GuardrailNameOf(exchange.params.at(0)), std::move(found));
}

// The texts as they may be used, and why they may not, "" where they may.
struct Judged {
  std::vector<std::string> texts;
  std::string blocked;
};

Task<Result<Judged>> Judge(const guard::Guardrails& guardrail, ApplyGuardrailCall call,
                           RequestContext& ctx) {
  Judged out;
  for (auto& text : call.texts) {
    auto findings = co_await guardrail.Judge(text, call.side, ctx);
    if (!findings.has_value() && findings.error().code() != Code::kBlocked) {
      co_return std::unexpected(std::move(findings.error()));
    }
    if (!findings.has_value()) {
      out.texts.assign(1, std::string(kBlockedText));
      out.blocked = findings.error().message();
      break;
    }
    out.texts.push_back(guard::Masked(text, *findings));
  }
  co_return out;
}

Task<Result<>> ApplyGuardrail(Services& services, Exchange& exchange) {
  STRATA_CO_TRY(auto call, DecodeApplyGuardrail(exchange.http.body));
  auto found = std::make_shared<guard::Assessment>();
  const auto guardrail = Named(services, exchange, found);
  if (!guardrail) co_return Fail(NotFound("guardrail", exchange.params.at(0)));
  const auto side = call.side;
  std::int64_t characters = 0;
  for (const auto& text : call.texts) {
    characters += static_cast<std::int64_t>(CodePointCount(text));
  }
  STRATA_CO_TRY(auto judged, co_await Judge(*guardrail, std::move(call), exchange.ctx));
  if (!found->intervened()) judged.texts.clear();
  const AppliedGuardrail applied{.name = guardrail->names(),
                                 .found = *found,
                                 .side = side,
                                 .outputs = std::move(judged.texts),
                                 .blocked = judged.blocked,
                                 .characters = characters};
  co_return co_await SendJson(exchange, services.links, dialect::Dialect::kBedrock,
                              EncodeAppliedGuardrail(applied));
}

}  // namespace

void AddBedrockGuardrailRoutes(Router& router, Services& services) {
  router.Add({.method = "POST",
              .pattern = "/guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply",
              .face = Face::kBedrockRuntime,
              .operation = "ApplyGuardrail",
              .role = "invoke",
              .handler = [s = &services](Exchange& e) { return ApplyGuardrail(*s, e); }});
}

}  // namespace strata::server
