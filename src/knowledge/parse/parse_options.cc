// The options of parsing.

#include <array>

#include "knowledge/parser.h"

namespace strata::knowledge {
namespace {

constexpr auto kOptions = std::to_array<Option>({
    {"kb.parse.input_bytes_max", OptionKind::kInteger, "bytes", "67108864", "1024..1000000000",
     "Largest document that is parsed; a larger one is an error of that document."},
    {"kb.parse.text_bytes_max", OptionKind::kInteger, "bytes", "33554432", "1024..268435456",
     "Most text a document may have; more is an error of that document."},
    {"kb.parse.blocks_max", OptionKind::kInteger, "", "500000", "1..10000000",
     "Most paragraphs, list items, tables and headings of a document; more is an error."},
    {"kb.parse.pages_max", OptionKind::kInteger, "pages", "5000", "1..100000",
     "Most pages of a PDF; more is an error of that document."},
    {"kb.parse.nesting_max", OptionKind::kInteger, "", "400", "16..2000",
     "Deepest nesting of HTML elements and Markdown blocks; deeper is an error."},
    {"kb.parse.memory_mib", OptionKind::kInteger, "MiB", "2048", "256..65536",
     "Address space of the child process that parses one document."},
    {"kb.parse.time_ms", OptionKind::kInteger, "ms", "60000", "100..3600000",
     "Time for parsing one document, on the clock and of CPU; then its child process is killed."},
    {"kb.parse.processes", OptionKind::kInteger, "", "2", "1..64",
     "Documents that are parsed at the same time, and as many of ingestion; more wait."},
});

}  // namespace

OptionTable ParseOptionTable() { return kOptions; }

ParseLimits ParseLimitsFrom(const Options& options) {
  ParseLimits limits;
  const auto size = [&](std::string_view name) {
    return static_cast<std::size_t>(options.Integer(name));
  };
  limits.input_bytes_max = size("kb.parse.input_bytes_max");
  limits.text_bytes_max = size("kb.parse.text_bytes_max");
  limits.parts_max = size("kb.parse.blocks_max");
  limits.pages_max = static_cast<int>(options.Integer("kb.parse.pages_max"));
  limits.nesting_max = static_cast<int>(options.Integer("kb.parse.nesting_max"));
  limits.memory_bytes_max = size("kb.parse.memory_mib") << 20;
  limits.time_max = std::chrono::milliseconds(options.Integer("kb.parse.time_ms"));
  return limits;
}

}  // namespace strata::knowledge
