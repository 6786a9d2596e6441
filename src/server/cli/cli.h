#pragma once
// The command line: `strata serve`, `ask`, `kb`, `parse`, `model`, `provider`, `key`, `trace`,
// `cost`, `check`, `backup`, `restore`, `route`. One function a group of commands; each adds its
// subcommands and sets `run` when it was chosen.

#include <functional>
#include <string>

#include "base/result.h"
#include "server/cli/caller.h"

namespace CLI {
class App;
}

namespace strata::server {

// What all groups share. `run` does the work after parsing and gives the process's exit code.
struct Cli {
  CLI::App& app;
  CallerFlags flags;
  std::function<Result<int>()> run;
};

void AddServeCommands(Cli& cli);    // serve, reload, demo, check
void AddKbCommands(Cli& cli);       // kb …, ask
void AddKeyCommands(Cli& cli);      // key …
void AddModelCommands(Cli& cli);    // model …, provider …
void AddObserveCommands(Cli& cli);  // trace, cost, backup, restore
void AddParseCommand(Cli& cli);     // parse
void AddRouteCommands(Cli& cli);    // route …

// Everything behind main(). Errors are printed to stderr as `error: …`; exit code 1, or 2 for a
// wrong command line.
int RunCli(int argc, char** argv);

}  // namespace strata::server
