// The options of sources.

#include <fmt/format.h>

#include <array>

#include "knowledge/source.h"

namespace strata::knowledge {
namespace {

constexpr auto kOptions = std::to_array<Option>({
    {"kb.source.file_bytes_max", OptionKind::kInteger, "bytes", "52428800", "1..1000000000",
     "Largest file of a source; a larger one is skipped, and the sync says so."},
    {"kb.source.files_max", OptionKind::kInteger, "files", "1000000", "1..100000000",
     "Most files of one source; more is an error of the sync."},
    {"kb.s3_map", OptionKind::kTextList, "", "", "",
     "Buckets that stand for folders, bucket=folder each; other buckets are refused."},
});

}  // namespace

OptionTable SourceOptionTable() { return kOptions; }

Result<SourceOptions> SourceOptionsFrom(const Options& options) {
  SourceOptions out;
  out.file_bytes_max = static_cast<std::uint64_t>(options.Integer("kb.source.file_bytes_max"));
  out.files_max = static_cast<std::size_t>(options.Integer("kb.source.files_max"));
  for (const auto& entry : options.TextList("kb.s3_map")) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == entry.size()) {
      return std::unexpected(
          InvalidArgument("kb.s3_map", fmt::format("\"{}\" is not bucket=folder", entry)));
    }
    out.s3_map[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return out;
}

}  // namespace strata::knowledge
