#include "server/live_config.h"

#include "base/log_format.h"
#include "server/guardrail_config.h"

namespace strata::server {
namespace {

constexpr Option kLogOptions[] = {
    {"log.level", OptionKind::kText, "", "info", "debug|info|warning|error",
     "Lines below this level are not written."},
    {"log.format", OptionKind::kText, "", "json", "json|text",
     "One JSON object a line, or time, level, event and key=value for people."},
    {"log.requests", OptionKind::kText, "", "all", "all|errors|none",
     "Which finished requests get a line (event request.finished): all, those answered with 4xx or "
     "5xx, or none. Probes are logged at level debug."},
};

}  // namespace

OptionTable LogOptionTable() { return kLogOptions; }

void ApplyLogOptions(const Options& options) {
  const auto& level = options.Text("log.level");
  SetLogLevel(level == "debug"     ? Level::kDebug
              : level == "warning" ? Level::kWarning
              : level == "error"   ? Level::kError
                                   : Level::kInfo);
  SetLogFormat(options.Text("log.format") == "text" ? LogFormat::kText : LogFormat::kJson);
}

Result<Settings> SettingsFrom(const Options& options) {
  Settings s;
  s.request_timeout = std::chrono::seconds(options.Integer("server.request_timeout"));
  s.drain_timeout = std::chrono::seconds(options.Integer("server.drain_timeout"));
  s.trace_text = options.Flag("server.trace_text") ? Texts::kKept : Texts::kDropped;
  const auto& access = options.Text("server.metrics_access");
  s.metrics_access = access == "open"       ? MetricsAccess::kOpen
                     : access == "loopback" ? MetricsAccess::kLoopback
                                            : MetricsAccess::kKey;
  const auto& logged = options.Text("log.requests");
  s.logged_requests = logged == "none"     ? LoggedRequests::kNone
                      : logged == "errors" ? LoggedRequests::kErrors
                                           : LoggedRequests::kAll;
  s.disk_free_min = static_cast<std::uint64_t>(options.Integer("server.disk_free_min"));
  STRATA_TRY(s.cors, Cors::From(options.TextList("server.cors_origins")));
  return s;
}

Result<std::shared_ptr<const LiveState>> LiveConfig::Make(Config config) {
  STRATA_TRY(auto settings, SettingsFrom(config.options));
  STRATA_TRY(auto guardrails, MakeGuardrails(config.guardrails));
  STRATA_TRY(auto hooks, gateway::MakeCheckHooks(
                             config.hooks, provider::ReadSecretsFrom(provider::ProcessEnv())));
  return std::make_shared<const LiveState>(LiveState{.config = std::move(config),
                                                     .settings = std::move(settings),
                                                     .guardrails = std::move(guardrails),
                                                     .hooks = std::move(hooks)});
}

}  // namespace strata::server
