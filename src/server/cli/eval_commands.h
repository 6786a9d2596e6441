#pragma once
// strata eval: the part of the group that begins and shows runs.

#include "server/cli/cli.h"

namespace strata::server {

// eval run, runs, show, cases, export, feedback, cancel, delete
void AddEvalRunCommands(Cli& cli, CLI::App& group);

}  // namespace strata::server
