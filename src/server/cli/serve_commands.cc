// strata serve, reload, check. (demo is in demo.cc.)

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <map>

#include "server/cli/cli.h"
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

std::map<std::string, std::string> Overrides(const CLI::App& command, const ServeFlags& flags) {
  std::map<std::string, std::string> out;
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

Result<int> Serve(const CallerFlags& common, const std::map<std::string, std::string>& overrides,
                  bool takeover) {
  BlockSignals();
  STRATA_TRY(auto config, LoadConfig(common.config_file, overrides));
  STRATA_TRY(auto server, takeover ? RunningServer::TakeOver(std::move(config), common.data_folder)
                                   : RunningServer::Start(std::move(config), common.data_folder));
  server->app().SetConfigReader(
      [file = common.config_file, overrides] { return LoadConfig(file, overrides); });
  STRATA_TRY(auto bearer, Welcome(*server));
  server->ServeUntilStopped();
  return 0;
}

Result<int> Reload(const CallerFlags& common) {
  STRATA_TRY(auto running, store::DataDir::FindServer(common.data_folder));
  if (!running) return Fail(NotFound("server of the data folder", common.data_folder));
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
  print("need_restart", "changed in the file, in force after a restart:");
  return 0;
}

Result<int> Check(const CallerFlags& common, bool markdown) {
  if (markdown) {
    fmt::print("{}", OptionsAsMarkdown());
    return 0;
  }
  STRATA_TRY(auto config, LoadConfig(common.config_file, {}));
  auto file = common.config_file.empty() ? std::string("defaults") : common.config_file;
  if (auto usable = CheckUsable(config); !usable.has_value()) {
    return Fail(std::move(usable.error()).Because(file));
  }
  fmt::print("{}: good ({} providers, {} models, {} aliases)\n", file, config.providers.size(),
             config.models.size(), config.aliases.size());
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
      return Serve(cli.flags, Overrides(*serve, *flags), flags->takeover);
    };
  });

  auto* reload =
      cli.app.add_subcommand("reload", "have the running server read its configuration file again");
  reload->callback([&cli] { cli.run = [&cli] { return Reload(cli.flags); }; });

  auto* demo = cli.app.add_subcommand(
      "demo", "serve with a sample knowledge base, ask it one question, show how");
  AddListenFlags(*demo, *flags);
  demo->add_option("--samples", flags->samples, "folder of sample documents")->required();
  demo->callback([&cli, demo, flags] {
    cli.run = [&cli, demo, flags] {
      return Demo(cli.flags, Overrides(*demo, *flags), flags->samples);
    };
  });

  auto markdown = std::make_shared<bool>(false);
  auto* check = cli.app.add_subcommand(
      "check", "say whether the configuration is good, and if not, what and where");
  check->add_flag("--options-as-markdown", *markdown, "print docs/config.md instead");
  check->callback(
      [&cli, markdown] { cli.run = [&cli, markdown] { return Check(cli.flags, *markdown); }; });
}

}  // namespace strata::server
