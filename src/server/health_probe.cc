#include "server/health_probe.h"

#include "base/caught.h"
#include "base/context.h"
#include "base/log.h"
#include "provider/detect.h"

namespace strata::server {
namespace {

// Of one provider; a list of models that takes longer is no sign of health.
constexpr std::chrono::seconds kProbeTime{10};

}  // namespace

HealthProbe::HealthProbe(Parts parts, gateway::HealthBoard& board, net::Runtime& runtime)
    : parts_(std::move(parts)), board_(board) {
  auto ended = std::make_shared<std::promise<void>>();
  ended_ = ended->get_future();
  runtime.Spawn(Run(std::move(ended)));
}

HealthProbe::~HealthProbe() {
  stop_.request_stop();
  ended_.wait();
}

Task<void> HealthProbe::Run(std::shared_ptr<std::promise<void>> ended) {
  while ((co_await net::Sleep(parts_.every, stop_.get_token())).has_value()) {
    for (auto& spec : parts_.providers()) {
      if (stop_.stop_requested()) break;
      [[maybe_unused]] auto probed = co_await Caught("server.probe", ProbeOne(std::move(spec)));
    }
  }
  ended->set_value();
}

Task<void> HealthProbe::ProbeOne(provider::ProviderSpec spec) {
  auto deployments = board_.OfProvider(spec.name);
  if (deployments.empty()) co_return;  // nobody has asked it for anything yet
  RequestContext ctx;
  ctx.cancel = stop_.get_token();
  ctx.deadline = ctx.clock->Steady() + kProbeTime;
  auto name = spec.name;
  auto deps = parts_.deps;
  auto test = co_await provider::TestProvider(std::move(spec), std::move(deps), ctx);
  auto outcome = test.has_value() ? gateway::AttemptOutcome::kOk
                                  : gateway::OutcomeOf(test.error(), gateway::AttemptStage::kStart);
  if (gateway::IsFault(outcome)) {
    Log(Level::kWarning, "server.provider_probe_failed",
        {{"provider", name}, {"outcome", gateway::OutcomeName(outcome)}});
  }
  for (auto& deployment : deployments) deployment->Probed(outcome);
}

}  // namespace strata::server
