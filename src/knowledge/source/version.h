#pragma once
// Versions of files: "SIZE.MTIME.CTIME-HASH", with a sidecar
// "SIZE.MTIME.CTIME.SIZE.MTIME.CTIME-HASH". The part before the '-' tells without reading whether
// the bytes can have changed; the hash tells whether they have. The inode's time of change is in it
// as programs set the other one back (rsync -t, reproducible builds, touch -d). Versions of before
// lack it: their files are read once more and not parsed.

#include <optional>
#include <string>
#include <string_view>

#include "knowledge/source/safe_folder.h"

namespace strata::knowledge {

// `now_ns`: a file that was written less than two seconds ago may be written again within the same
// time stamp (git's "racy" entries); its stamp is left out, so that the next listing reads it anew.
std::string StampOf(const FileInfo& file, const std::optional<FileInfo>& sidecar,
                    std::int64_t now_ns);

// `sidecar`: its text, "" for none.
std::string VersionOf(std::string_view stamp, std::string_view bytes, std::string_view sidecar);

// Is `version` one of a file that still has this stamp?
bool HasStamp(std::string_view version, std::string_view stamp);

// Do both versions stand for the same bytes, whatever their sidecars say?
bool SameContent(std::string_view a, std::string_view b);

}  // namespace strata::knowledge
