#include "knowledge/source/version.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace strata::knowledge {
namespace {

constexpr std::int64_t kRacyNs = 2'000'000'000;
constexpr std::size_t kHashDigits = 32;

void AppendStamp(std::string& out, const FileInfo& info, std::int64_t now_ns) {
  const bool racy = info.mtime_ns > now_ns - kRacyNs;
  out += fmt::format("{}.{}", info.bytes, racy ? "new" : std::to_string(info.mtime_ns));
}

}  // namespace

std::string StampOf(const FileInfo& file, const std::optional<FileInfo>& sidecar,
                    std::int64_t now_ns) {
  std::string stamp;
  AppendStamp(stamp, file, now_ns);
  if (sidecar) {
    stamp += '.';
    AppendStamp(stamp, *sidecar, now_ns);
  }
  return stamp;
}

std::string VersionOf(std::string_view stamp, std::string_view bytes, std::string_view sidecar) {
  const std::string both = Sha256Hex(bytes) + Sha256Hex(sidecar);
  return fmt::format("{}-{}", stamp, Sha256Hex(both).substr(0, kHashDigits));
}

bool HasStamp(std::string_view version, std::string_view stamp) {
  return stamp.find("new") == std::string_view::npos && version.size() > stamp.size() &&
         version.starts_with(stamp) && version[stamp.size()] == '-';
}

bool SameContent(std::string_view a, std::string_view b) {
  const std::size_t dash_a = a.rfind('-'), dash_b = b.rfind('-');
  if (dash_a == std::string_view::npos || dash_b == std::string_view::npos) return a == b;
  return a.substr(dash_a) == b.substr(dash_b);
}

}  // namespace strata::knowledge
