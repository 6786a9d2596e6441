#pragma once
// What every ParsedDocument obeys; what a child process answers is checked with it before it is
// used.

#include "base/result.h"
#include "domain/document.h"

namespace strata::knowledge {

// Parts in text order, with nothing but white space between, before and behind them; text of each
// part equals its bytes of the document; parts begin and end at code points; lines inside their
// part, in order, on pages 1..page_count, with finite boxes; text and metadata valid UTF-8.
// kCorruption naming the first part that is not.
Result<> CheckDocument(const domain::ParsedDocument& document);

}  // namespace strata::knowledge
