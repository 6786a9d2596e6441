#pragma once
// strata kb import|run|eval|answer: corpora, queries and judgements in files.

#include <string>

#include "server/cli/cli.h"

namespace strata::server {

// Adds the subcommands to the group `kb`.
void AddCorpusCommands(Cli& cli, CLI::App& group);

// What all `kb` commands share: the path of a base's routes, and a path that the server understands
// wherever it was started.
std::string KbPath(const std::string& name);
std::string AbsolutePath(const std::string& path);

}  // namespace strata::server
