#include "server/cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>

#include "base/options.h"

namespace strata::server {
namespace {

std::string DidYouMean(std::string_view word, const std::vector<std::string>& known) {
  std::vector<std::string_view> names(known.begin(), known.end());
  auto nearest = NearestName(word, names);
  return nearest.empty() ? std::string() : fmt::format(" (did you mean {}?)", nearest);
}

std::vector<const CLI::App*> CommandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<std::string> NamesOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : CommandsOf(app)) names.push_back(command->get_name());
  return names;
}

// The option of `app`, or of what it is a part of, with this name.
const CLI::Option* FindOption(const CLI::App* app, const std::string& name) {
  for (; app != nullptr; app = app->get_parent()) {
    if (const auto* option = app->get_option_no_throw(name); option != nullptr) return option;
  }
  return nullptr;
}

std::vector<std::string> OptionsOf(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const auto* option : app->get_options()) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

// Follows the words as far as they are commands.
struct Walk {
  const CLI::App* command;
  std::string title;           // "strata kb"
  std::string unknown;         // the first word where a command was expected
  std::string unknown_option;  // the first option that nothing has
};

Walk Follow(const CLI::App& app, const std::vector<std::string>& words) {
  Walk walk{.command = &app, .title = app.get_name(), .unknown = {}, .unknown_option = {}};
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word == "--") break;
    if (word.size() > 1 && word.front() == '-') {
      auto name = word.substr(0, word.find('='));
      const auto* option = FindOption(walk.command, name);
      if (option == nullptr && walk.unknown_option.empty()) walk.unknown_option = name;
      // Its value is no command.
      bool takes = option != nullptr && option->get_items_expected_min() > 0;
      if (takes && word.find('=') == word.npos) ++i;
      continue;
    }
    if (CommandsOf(*walk.command).empty()) continue;  // an argument
    auto commands = CommandsOf(*walk.command);
    auto next = std::ranges::find(commands, word, &CLI::App::get_name);
    if (next == commands.end()) {
      walk.unknown = word;
      break;
    }
    walk.command = *next;
    walk.title += " " + word;
  }
  return walk;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string What(const Walk& walk, const CLI::ParseError& error) {
  auto names = NamesOf(*walk.command);
  if (!walk.unknown.empty()) {
    auto near = DidYouMean(walk.unknown, names);
    return fmt::format("{}: there is no command '{}'{}", walk.title, walk.unknown,
                       near.empty() ? "; expected one of " + Joined(names) : near);
  }
  if (!walk.unknown_option.empty()) {
    return fmt::format("{}: there is no option {}{}", walk.title, walk.unknown_option,
                       DidYouMean(walk.unknown_option, OptionsOf(walk.command)));
  }
  if (!names.empty()) return fmt::format("{}: expected one of {}", walk.title, Joined(names));
  return fmt::format("{}: {}", walk.title, error.what());
}

// ---- docs/commands.md

std::string Upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// Positional arguments as they are typed: "NAME [SOURCE]".
std::string Synopsis(const CLI::App& command, const std::string& title) {
  std::string out = title;
  bool options = false;
  for (const auto* option : command.get_options()) {
    if (option->get_positional()) {
      auto name = Upper(option->get_name());
      out += option->get_required() ? " " + name : " [" + name + "]";
    } else if (option->get_required()) {
      out += " " + option->get_name() + " " + Upper(option->get_lnames().at(0));
    } else if (option->get_lnames() != std::vector<std::string>{"help"}) {
      options = true;
    }
  }
  return options ? out + " [options]" : out;
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

void AppendCommand(const CLI::App& command, const std::string& title, std::string& out) {
  auto parts = CommandsOf(command);
  for (const auto* part : parts) AppendCommand(*part, title + " " + part->get_name(), out);
  if (!parts.empty()) return;
  out += fmt::format("\n### `{}`\n\n{}.\n", Synopsis(command, title),
                     Escaped(command.get_description()));
  std::string rows;
  for (const auto* option : command.get_options()) {
    if (option->get_lnames() == std::vector<std::string>{"help"}) continue;
    auto name = option->get_positional() ? Upper(option->get_name()) : option->get_name();
    rows += fmt::format("| `{}` | {} | {} |\n", name, Escaped(option->get_description()),
                        option->get_default_str().empty()
                            ? std::string()
                            : fmt::format("`{}`", Escaped(option->get_default_str())));
  }
  if (!rows.empty()) out += "\n| argument | what it is | default |\n|---|---|---|\n" + rows;
}

constexpr std::string_view kPreface = R"(# Commands

Generated by `strata check --commands-as-markdown` from the commands in the code; `strata COMMAND --help` says the same.

Every command takes `--data DIR`, the data folder (default: `STRATA_DATA`, else `XDG_DATA_HOME/strata`, else
`~/.local/share/strata`), and `--config FILE`. A command talks to the server that holds the folder; when none runs it opens the folder
itself, and waits up to ten seconds for another command, or a server that starts or stops, to let go of it. Only commands that put
something into a folder make one: `serve`, `demo`, `ask` of a folder, `kb create`, `kb import`, `key create`, `model import`,
`provider add` and `restore`. All others refuse a folder that is not there, so that a mistyped `--data` does not answer as if
nothing had been stored.

## Exit codes

| code | what it means |
|---|---|
| 0 | done |
| 1 | failed; each line on stderr begins with `error:` and says what and where |
| 2 | the command line is wrong; nothing was tried |
| 3 | done in part: `kb sync`, `kb import` and `ask` of a folder when some documents failed; stderr lists them as `failed: …` (`warning: …` is of one that was indexed with a doubt, or skipped) |
| 130 | ended by Ctrl-C. `kb sync` stops the sync that it started (what was added stays, the next sync goes on from there) and only leaves one that was running before; where a server runs, a sync also goes on when its command is gone (`kb stop` stops it) |

Results go to stdout, progress, warnings and errors to stderr. Where stderr is no terminal, progress is one line at the beginning and
one every five seconds.

## The commands
)";

}  // namespace

std::string ExplainCommandLine(const CLI::App& app, const std::vector<std::string>& words,
                               const CLI::ParseError& error) {
  auto walk = Follow(app, words);
  return fmt::format("{}\n{} --help says more", What(walk, error), walk.title);
}

std::string CommandsAsMarkdown(const CLI::App& app) {
  std::string out(kPreface);
  for (const auto* command : CommandsOf(app)) {
    AppendCommand(*command, "strata " + command->get_name(), out);
  }
  return out;
}

}  // namespace strata::server
