#pragma once
// Which files knowledge bases need beside meta.db, for backups.

#include "store/backup.h"

namespace strata::knowledge {

// Of the bases that a meta.db holds and that are not being deleted. One that is forgotten counts as
// being deleted: the next opening of that meta.db ends it.
store::FilesOfMeta BaseFiles();

}  // namespace strata::knowledge
