#pragma once
// Steps of kb-ID.db's schema that SQL cannot say.

#include "base/result.h"
#include "store/sqlite.h"

namespace strata::knowledge {

// Documents that came before readers and labels were heeded wherever they are said have them as
// plain metadata, and everybody reads them. What their strata_principals and strata_labels say is
// made to hold; where it is not of the form that new documents must have, the document is refused
// as a new one would be: it is FAILED, with the reason, and out of every search until it comes
// again. So are pending ones.
Result<> HeedOldReaders(store::Database& db);

}  // namespace strata::knowledge
