#pragma once
// The commands of `strata route` that need a data folder; those that only work on files stand in
// route_commands.cc.

#include "server/cli/cli.h"

namespace strata::server {

void AddRouterCommands(Cli& cli, CLI::App& group);
void AddRouterAbCommands(Cli& cli, CLI::App& group);

}  // namespace strata::server
