#include "knowledge/source/version.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"

namespace strata::knowledge {
namespace {

constexpr std::int64_t kRacyNs = 2'000'000'000;
constexpr std::size_t kHashDigits = 32;

void AppendStamp(std::string& out, const FileInfo& info, std::int64_t now_ns) {
  const bool racy = std::max(info.mtime_ns, info.ctime_ns) > now_ns - kRacyNs;
  out += racy ? fmt::format("{}.new", info.bytes)
              : fmt::format("{}.{}.{}", info.bytes, info.mtime_ns, info.ctime_ns);
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
  return fmt::format("{}-{}.{}", stamp, Sha256Hex(bytes).substr(0, kHashDigits),
                     Sha256Hex(sidecar).substr(0, kHashDigits));
}

bool HasStamp(std::string_view version, std::string_view stamp) {
  return stamp.find("new") == std::string_view::npos && version.size() > stamp.size() &&
         version.starts_with(stamp) && version[stamp.size()] == '-';
}

bool SameContent(std::string_view a, std::string_view b) {
  const auto content = [](std::string_view version) {
    const std::size_t dash = version.rfind('-');
    return dash == std::string_view::npos ? version : version.substr(dash, kHashDigits + 1);
  };
  return content(a) == content(b);
}

}  // namespace strata::knowledge
