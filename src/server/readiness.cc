#include "server/readiness.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

namespace strata::server {

std::vector<NotReady> Readiness::Check(const store::Journal& journal, const std::string& folder,
                                       std::uint64_t disk_free_min) const {
  std::vector<NotReady> out;
  auto now = phase();
  if (now == Phase::kStarting) out.push_back({"starting", "models and indexes are being opened"});
  if (now == Phase::kDraining) {
    out.push_back({"draining", "running requests are finished, no new ones should come"});
  }
  auto backlog = journal.backlog();
  if (backlog.full) {
    out.push_back(
        {"journal_full", fmt::format("{} of {} bytes (journal.bytes_max), {} calls not "
                                     "in the ledger yet",
                                     backlog.bytes, backlog.bytes_max, backlog.rows_waiting)});
  }
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) == 0) {
    auto free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
    if (free < disk_free_min) {
      out.push_back({"disk_full", fmt::format("{} bytes are free, server.disk_free_min is {}", free,
                                              disk_free_min)});
    }
  }
  return out;
}

}  // namespace strata::server
