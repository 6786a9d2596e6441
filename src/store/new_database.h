#pragma once
// A database file with pages of a size of its own.

#include <string>

#include "base/result.h"

namespace strata::store {

// Makes an empty database whose pages have `page_bytes` (a power of two, 512 to 65536); a file that
// is there stays as it is. Large pages suit files that rows are appended to: one row of the log
// covers more of them, and each page of the log is two system calls.
Result<> MakeDatabaseFile(const std::string& path, int page_bytes);

}  // namespace strata::store
