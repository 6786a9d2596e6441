#pragma once
// Taking a data folder that another process may be about to let go of.

#include <functional>
#include <string>

#include "base/result.h"
#include "store/data_dir.h"

namespace strata::server {

// DataDir::Open. While another process holds the folder, waits: up to 10 s for one that does not
// serve (a command, a server that starts or stops), up to 2 s for one that says it serves (it may
// be dying). `waiting` is called once, with the conflict, when a wait begins; `enough` at each
// look, and ends the wait with the conflict: it knows a server that serves, so that one that only
// says so is waited for like one that does not. Both may be empty. Blocks.
Result<store::DataDir> TakeFolder(const std::string& path,
                                  const std::function<void(const Error&)>& waiting,
                                  const std::function<bool()>& enough);

}  // namespace strata::server
