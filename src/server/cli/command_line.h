#pragma once
// What is wrong with a command line in the words of who typed it, and the page of all commands.

#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace strata::server {

// An unknown command or option with the nearest known one, a missing argument with its command;
// the last line says where help is. `words`: the command line without the program.
std::string ExplainCommandLine(const CLI::App& app, const std::vector<std::string>& words,
                               const CLI::ParseError& error);

// docs/commands.md, from the commands that `app` has.
std::string CommandsAsMarkdown(const CLI::App& app);

}  // namespace strata::server
