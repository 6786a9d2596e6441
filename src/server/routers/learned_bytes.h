#pragma once
// The bytes of learned routers, as they were put into the store: a router that works has given some
// of them up.

#include <string>

#include "base/task.h"
#include "store/sql_file.h"

namespace strata::server {

// `file` is the RouterStore's; `sha256` is RouterVersion::learned. kNotFound.
Task<Result<std::string>> LearnedBytes(store::SqlFile& file, std::string sha256);

}  // namespace strata::server
