#pragma once
// Whether a caller may use a model: the allow-list of its key.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"

namespace strata::guard {

// Of the knowledge bases that `strata ask FOLDER` makes, one a folder: folder-XXXXXXXXXXXX.
inline constexpr std::string_view kFolderBasePrefix = "folder-";
inline constexpr std::size_t kFolderBaseDigits = 12;
bool IsFolderBase(std::string_view base);

// What an administrator asks a folder of their own is nobody else's to read: those bases are open
// only to an entry that says so, "kb/folder-…" or "kb/folder-*", never to "*", to "kb/*" or to a
// key without a list. Adds that entry to the list of a key that administers bases, where the list
// allows bases at all.
void AllowFolderBases(std::vector<std::string>& models_allowed);

// Checked for every id that a caller names: the model of the request and the one behind
// `kb/NAME@MODEL`. Several bases in one id, `kb/A,B`, are each checked as if they were named alone:
// neither "kb/A*" nor "kb/A,B" on the list lets anybody at B. Bases of folders: see above. Error:
// kPermissionDenied, naming the model. Pure, any thread, O(entries · bases).
Result<> CheckModelAllowed(std::string_view model, const RequestContext& ctx);

}  // namespace strata::guard
