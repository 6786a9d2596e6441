// strata parse FILE --format json|md|html: what the parser sees in a document.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "base/pool.h"
#include "knowledge/document_format.h"
#include "knowledge/parser.h"
#include "net/runtime.h"
#include "server/cli/cli.h"
#include "server/config.h"
#include "store/file.h"

namespace strata::server {
namespace {

// Devices and pipes have no end that could be waited for.
Result<std::string> ReadFile(const std::string& path, std::size_t bytes_max) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    return Fail(InvalidArgument("file", path + " is no regular file"));
  }
  return store::ReadWholeFile(path, bytes_max);
}

Task<Result<domain::ParsedDocument>> ParseIt(knowledge::Parser& parser, knowledge::ParseInput input,
                                             RequestContext& ctx) {
  co_return co_await parser.Parse(std::move(input), ctx);
}

Result<int> Parse(const CallerFlags& common, const std::string& path, const std::string& format) {
  STRATA_TRY(auto config, LoadConfig(common.config_file, {}));
  auto limits = knowledge::ParseLimitsFrom(config.options);
  knowledge::ParseInput input;
  input.name = path;
  STRATA_TRY(input.bytes, ReadFile(path, limits.input_bytes_max));
  net::Runtime runtime;
  Pool pool("parse", 1, 1);
  auto parser = knowledge::MakeChildParser(pool, {.limits = limits});
  RequestContext ctx;
  STRATA_TRY(auto document, runtime.Run(ParseIt(*parser, std::move(input), ctx)));
  STRATA_TRY(auto text, knowledge::FormatDocument(document, format));
  if (auto note = knowledge::PagesNote(document); !note.empty()) {
    fmt::print(stderr, "warning: {}: {}\n", path, note);
  }
  fmt::print("{}\n", text);
  return 0;
}

}  // namespace

void AddParseCommand(Cli& cli) {
  auto path = std::make_shared<std::string>();
  auto format = std::make_shared<std::string>("md");
  auto* parse = cli.app.add_subcommand("parse", "show what the parser sees in a document");
  parse->add_option("file", *path, "the document")->required()->check(CLI::ExistingFile);
  parse->add_option("--format", *format, "json (blocks with page and boxes), md or html")
      ->check(CLI::IsMember({"json", "md", "html"}))
      ->capture_default_str();
  parse->callback([&cli, path, format] {
    cli.run = [&cli, path, format] { return Parse(cli.flags, *path, *format); };
  });
}

}  // namespace strata::server
