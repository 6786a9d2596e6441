#include "server/cli/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>

#include "server/cli/command_line.h"

namespace strata::server {
namespace {

constexpr char kFirstSteps[] = R"(To begin with:
  strata ask FOLDER "QUESTION"                      index a folder of documents, and ask it
  strata kb create NAME FOLDER; strata kb sync NAME the same with a name: model kb/NAME
  strata serve; strata key create                   the APIs, and a key for them
strata COMMAND --help says more.)";

void AddCommands(Cli& cli) {
  AddServeCommands(cli);
  AddKbCommands(cli);
  AddKeyCommands(cli);
  AddModelCommands(cli);
  AddObserveCommands(cli);
  AddParseCommand(cli);
  AddRouteCommands(cli);
  AddEvalCommands(cli);
}

// Each line of a message by itself, so that all of them are found by one word.
void PrintError(std::string_view message) {
  while (!message.empty()) {
    auto line = message.substr(0, message.find('\n'));
    message.remove_prefix(std::min(message.size(), line.size() + 1));
    fmt::print(stderr, "error: {}\n", line);
  }
}

int Run(const Cli& cli) {
  try {
    auto done = cli.run();
    if (done.has_value()) return *done;
    PrintError(done.error().message());
  } catch (const std::exception& e) {
    // Start-up may throw: memory that is not there.
    PrintError(e.what());
  }
  return kExitFailed;
}

}  // namespace

int RunCli(int argc, char** argv) {
  CLI::App app("strata: one gateway, your documents, cited answers, and the reason why", "strata");
  app.set_version_flag("--version", std::string("strata ") + STRATA_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // --data may stand after the subcommand too
  Cli cli{app, {}, nullptr};
  cli.flags.data_folder = DefaultDataFolder();
  app.add_option("--data", cli.flags.data_folder, "folder that holds everything strata writes")
      ->default_str("STRATA_DATA, else ~/.local/share/strata");
  app.add_option("--config", cli.flags.config_file,
                 "configuration file (YAML); without it, defaults");
  AddCommands(cli);
  app.footer(kFirstSteps);  // after the commands, which would take it over
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // --help, --version
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    std::vector<std::string> words(argv + 1, argv + argc);
    PrintError(ExplainCommandLine(app, words, e));
    return kExitWrongCommandLine;
  }
  if (cli.flags.data_folder.empty()) {
    PrintError("--data: expected a folder, not an empty text");
    return kExitWrongCommandLine;
  }
  return cli.run ? Run(cli) : kExitWrongCommandLine;
}

}  // namespace strata::server
