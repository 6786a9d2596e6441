#pragma once
// Traces hold text of documents: quotes, prompts, answers. It is shown to whom the request's own
// readers would still see it (docs/decisions/0003-…), not to whom the documents were once open.

#include <set>
#include <string>

#include "base/context.h"
#include "base/task.h"
#include "knowledge/knowledge_base.h"
#include "observe/trace_store.h"
#include "server/services.h"

namespace strata::server {

// Lets `ctx` read as the request did whose trace this is: with its key's principals, as they are
// now, and its end user.
void ReadAs(const Services& s, const observe::FinishedTrace& trace, RequestContext& ctx);

// The chunks that a trace names, as cited ones or as hits of its searches.
struct TracedChunks {
  std::set<std::string> cited;
  std::set<std::string> found;  // the cited ones too
  bool unnamed = false;         // some citation names none
};
TracedChunks ChunksOf(const observe::FinishedTrace& trace);

// Puts a word of what was left out in the place of the quotes of `gone` chunks, of prompts that may
// hold one of them, and of an answer that cites one; where citations name no chunk, or there are
// none, whatever was found may be in them.
void LeaveOut(const std::set<std::string>& gone, observe::FinishedTrace& trace);

// The same for those that were deleted or changed since, or that the trace's request could not read
// any more. `ctx`: whose deadline counts. Errors: those of the disk.
Task<Result<>> LeaveOutWhatIsGone(const Services& s, observe::FinishedTrace& trace,
                                  const RequestContext& ctx);

}  // namespace strata::server
