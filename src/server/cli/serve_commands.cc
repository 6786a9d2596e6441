// strata serve, reload, check. (demo is in demo.cc.)

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "server/cli/cli.h"
#include "server/cli/command_line.h"
#include "server/cli/demo.h"
#include "server/config_check.h"
#include "server/serve.h"
#include "store/data_dir.h"

namespace strata::server {
namespace {

struct ServeFlags {
  std::string listen;
  std::string tls_listen;
  std::string samples;
  bool takeover = false;
};

Overrides OverridesFrom(const CLI::App& command, const ServeFlags& flags) {
  Overrides out;
  if (!flags.listen.empty()) out["server.listen"] = flags.listen;
  // An empty value switches TLS off, so presence counts, not emptiness.
  if (command.count("--tls-listen") > 0) out["server.tls_listen"] = flags.tls_listen;
  if (flags.takeover) out["net.reuse_port"] = "true";
  return out;
}

void AddListenFlags(CLI::App& command, ServeFlags& flags) {
  command.add_option("--listen", flags.listen,
                     "ADDRESS:PORT of the plain listener (server.listen)");
  command.add_option("--tls-listen", flags.tls_listen,
                     "ADDRESS:PORT of the TLS listener, '' for none (server.tls_listen)");
}

Result<int> Serve(const CallerFlags& common, const Overrides& overrides, bool takeover) {
  BlockSignals();
  auto load = [file = common.config_file, data = common.data_folder, overrides] {
    return LoadUsableConfig(file, overrides, data);
  };
  STRATA_TRY(auto config, load());
  STRATA_TRY(auto server, takeover ? RunningServer::TakeOver(std::move(config), common.data_folder)
                                   : RunningServer::Start(std::move(config), common.data_folder));
  server->SetConfigReader(load);
  STRATA_TRY(auto bearer, Welcome(*server));
  server->ServeUntilStopped();
  return 0;
}

Result<int> Reload(const CallerFlags& common) {
  STRATA_CHECK_OK(RequireServer(common.data_folder));
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_TRY(auto reply, caller->Call("POST", "/strata/v1/reload"));
  auto parsed = boost::json::parse(reply);
  auto print = [&](const char* member, const char* title) {
    const auto& names = parsed.at(member).as_array();
    if (names.empty()) return;
    fmt::print("{}\n", title);
    for (const auto& name : names) fmt::print("  {}\n", std::string_view(name.as_string()));
  };
  fmt::print("reloaded\n");
  print("changed", "changed:");
  print("need_restart",
        "changed in the file, in force after a restart (strata serve --takeover replaces this "
        "server without refusing a request):");
  return 0;
}

void PrintFindings(const std::vector<Finding>& findings, std::string_view weight) {
  for (const auto& finding : findings) {
    fmt::print(stderr, "{}: {}{}\n", finding.place, weight, finding.text);
  }
}

Result<int> Check(const CallerFlags& common) {
  STRATA_TRY(auto checked, CheckConfig(common.config_file, {}, common.data_folder));
  const auto& [config, findings] = checked;
  PrintFindings(findings.problems(), "");
  PrintFindings(findings.warnings(), "warning: ");
  if (!findings.problems().empty()) {
    fmt::print(stderr, "{}: {} to correct; strata serve refuses it\n", config.file,
               findings.problems().size());
    return 1;
  }
  fmt::print("{}: good ({} providers, {} models, {} aliases, {} warnings)\n", config.file,
             config.providers.size(), config.models.size(), config.aliases.size(),
             findings.warnings().size());
  return 0;
}

}  // namespace

void AddServeCommands(Cli& cli) {
  auto flags = std::make_shared<ServeFlags>();
  auto* serve = cli.app.add_subcommand("serve", "serve until SIGINT or SIGTERM");
  AddListenFlags(*serve, *flags);
  serve->add_flag(
      "--takeover", flags->takeover,
      "take over from the server that holds the data folder, without refusing a request "
      "(both need net.reuse_port)");
  serve->callback([&cli, serve, flags] {
    cli.run = [&cli, serve, flags] {
      return Serve(cli.flags, OverridesFrom(*serve, *flags), flags->takeover);
    };
  });

  auto* reload =
      cli.app.add_subcommand("reload", "have the running server read its configuration file again");
  reload->callback([&cli] { cli.run = [&cli] { return Reload(cli.flags); }; });

  auto* demo = cli.app.add_subcommand(
      "demo", "serve with a sample knowledge base, ask it one question, show how");
  AddListenFlags(*demo, *flags);
  demo->add_option("--samples", flags->samples, "folder of sample documents")
      ->required()
      ->check(CLI::ExistingDirectory);
  demo->callback([&cli, demo, flags] {
    cli.run = [&cli, demo, flags] {
      return Demo(cli.flags, OverridesFrom(*demo, *flags), flags->samples);
    };
  });

  struct CheckFlags {
    bool options = false;
    bool commands = false;
  };
  auto pages = std::make_shared<CheckFlags>();
  auto* check = cli.app.add_subcommand(
      "check", "say whether the configuration is good, and if not, all that is wrong and where");
  check->add_flag("--options-as-markdown", pages->options, "print docs/config.md instead");
  check->add_flag("--commands-as-markdown", pages->commands, "print docs/commands.md instead");
  check->callback([&cli, pages] {
    cli.run = [&cli, pages]() -> Result<int> {
      if (!pages->options && !pages->commands) return Check(cli.flags);
      fmt::print("{}", pages->options ? OptionsAsMarkdown() : CommandsAsMarkdown(cli.app));
      return kExitDone;
    };
  });
}

}  // namespace strata::server
