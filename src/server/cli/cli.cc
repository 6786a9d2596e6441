#include "server/cli/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

namespace strata::server {

int RunCli(int argc, char** argv) {
  CLI::App app("strata: one gateway, your documents, cited answers, and the reason why");
  app.set_version_flag("--version", std::string("strata ") + STRATA_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // --data may stand after the subcommand too
  Cli cli{app, {}, nullptr};
  cli.flags.data_folder = DefaultDataFolder();
  app.add_option("--data", cli.flags.data_folder, "folder that holds everything strata writes")
      ->capture_default_str();
  app.add_option("--config", cli.flags.config_file,
                 "configuration file (YAML); without it, defaults");
  AddServeCommands(cli);
  AddKbCommands(cli);
  AddKeyCommands(cli);
  AddModelCommands(cli);
  AddObserveCommands(cli);
  AddParseCommand(cli);
  AddRouteCommands(cli);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    int code = app.exit(e);
    return code == 0 ? 0 : 2;
  }
  if (!cli.run) return 2;
  try {
    auto done = cli.run();
    if (done.has_value()) return *done;
    fmt::print(stderr, "error: {}\n", done.error().message());
  } catch (const std::exception& e) {
    // Start-up may throw: a certificate file that cannot be used, memory that is not there.
    fmt::print(stderr, "error: {}\n", e.what());
  }
  return 1;
}

}  // namespace strata::server
