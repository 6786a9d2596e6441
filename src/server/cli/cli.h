#pragma once
// The command line: `strata serve`, `ask`, `kb`, `parse`, `model`, `provider`, `key`, `trace`,
// `cost`, `check`, `backup`, `restore`, `route`, `eval`. One function a group of commands; each
// adds its subcommands and sets `run` when it was chosen.

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
void AddObserveCommands(Cli& cli);  // trace, cost, erase, backup, restore
void AddParseCommand(Cli& cli);     // parse
void AddRouteCommands(Cli& cli);    // route …
void AddEvalCommands(Cli& cli);     // eval …

// Exit codes; docs/commands.md says them to users.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;            // nothing, or not all, was done; stderr says why
inline constexpr int kExitWrongCommandLine = 2;  // nothing was tried
inline constexpr int kExitPartly = 3;            // done, but some documents failed; they are listed

inline constexpr int kExitInterrupted = 130;  // Ctrl-C; stderr says what goes on without it

// Everything behind main(). Errors are printed to stderr, each line as `error: …`.
int RunCli(int argc, char** argv);

}  // namespace strata::server
